//! Milvus as a [`VectorIndex`]: rows lie in collections that all servers of a bundle share, searches are asked over gRPC.
//!
//! ```text
//! search ── refill::fill ── question ──► Milvus (HNSW or FLAT, bounded staleness)
//!              ▲ rows ◄──────────────────┘      scores: f32 inner products with the rows, here
//! keeper ── is it whole? else fill it, or wait for who does ──► ready ── probe every 2 s ──► away: searches fail at once
//! ```

mod engine;
mod fault;
mod keeper;
mod line;
mod proto;

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use upnext_core::{Error, ErrorKind};

pub use engine::Engine;

use super::collections::in_graph;
use super::exact::{check_query, finite, inner_product};
use super::refill::{Filter, Unfilled, fill};
use super::{Hit, Readiness, RowSet, SearchError, VectorIndex};
use crate::column::Column;

/// Most hits that Milvus gives at once.
const MOST: usize = 16_384;

/// Rows of a collection, and whether the engine has them.
#[derive(Debug)]
struct Table {
    /// Name of the collection.
    name: String,
    /// Width.
    dim: usize,
    /// `rows × dim` values: final scores are made of them, and the collection is filled from them.
    exact: Column<f32>,
    /// Rows that the engine has: all but rows of zeros, whose score is known.
    stored: RowSet,
    /// How many these are.
    count: usize,
    /// Whether they lie in a graph (HNSW) rather than to be compared one by one (FLAT). Never IVF: with a selective filter that
    /// answers with short lists and no error, and does not compare one by one however few rows are named.
    is_graph: bool,
    /// Whether it can be searched.
    readiness: Mutex<Readiness>,
    /// Told when a search has failed.
    failed: Notify,
}

impl Table {
    fn row(&self, row: usize) -> Option<&[f32]> {
        self.exact.get(row * self.dim..(row + 1) * self.dim)
    }

    fn readiness(&self) -> Readiness {
        self.readiness.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the new state; answers whether it is another.
    fn becomes(&self, next: Readiness) -> bool {
        let mut now = self.readiness.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other = *now != next;
        *now = next;
        is_other
    }
}

/// One side of a bundle in Milvus.
#[derive(Debug)]
pub struct MilvusIndex {
    table: Arc<Table>,
    engine: Arc<Engine>,
    keeper: AbortHandle,
}

impl Drop for MilvusIndex {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl MilvusIndex {
    /// The collection `name` (or another next to it, for a graph) with these `rows × dim` values. It is looked for, and filled where it is not there, in the
    /// background; until then [`MilvusIndex::readiness`] says that it is waited for.
    ///
    /// # Errors
    /// [`Error::BundleInconsistent`] when `dim` is 0 or more than Milvus takes (32,768), or `exact` is no whole number of
    /// rows; [`Error::NotFinite`] for NaN or infinity in it.
    pub fn new(
        engine: &Arc<Engine>,
        name: String,
        dim: usize,
        exact: impl Into<Column<f32>>,
    ) -> Result<MilvusIndex, Error> {
        let exact = exact.into();
        if !(1..=32_768).contains(&dim) || !exact.len().is_multiple_of(dim) {
            return Err(Error::from(ErrorKind::BundleInconsistent {
                what: "width of rows for Milvus".to_owned(),
                expected: "1 to 32768, and whole rows".to_owned(),
                found: format!("{dim}, and {} values", exact.len()),
            }));
        }
        finite("indexed rows", &exact)?;
        let stored = RowSet::new(exact.len() / dim, |row| {
            exact[row * dim..(row + 1) * dim].iter().any(|value| *value != 0.0)
        });
        let count = stored.count();
        let is_graph = count > engine.exact_rows();
        let table = Arc::new(Table {
            count,
            is_graph,
            name: if is_graph { in_graph(&name) } else { name },
            dim,
            exact,
            stored,
            readiness: Mutex::new(Readiness::Waiting {
                reason: "Milvus was not reached yet".to_owned(),
            }),
            failed: Notify::new(),
        });
        let keeper = engine.spawn(keeper::keep(Arc::clone(engine), Arc::clone(&table)));
        Ok(MilvusIndex {
            table,
            engine: Arc::clone(engine),
            keeper,
        })
    }

    /// Name of the collection.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.table.name
    }

    /// The f32 values of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> Option<&[f32]> {
        self.table.row(row)
    }

    /// Whether it can be searched now.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.table.readiness()
    }

    /// One question, asked on the engine's own threads and waited for on this one, which must be one that may block.
    fn ask(&self, query: &[f32], limit: usize, filter: &Filter) -> Result<Vec<u32>, SearchError> {
        match self.readiness() {
            Readiness::Ready => {}
            // Nobody waits for an engine that is known not to answer.
            Readiness::Away { reason } | Readiness::Waiting { reason } => return Err(SearchError::Away { reason }),
        }
        let (send, receive) = mpsc::sync_channel(1);
        let (engine, table) = (Arc::clone(&self.engine), Arc::clone(&self.table));
        let (query, expression) = (query.to_vec(), filter.expression(engine::ROW));
        self.engine.spawn(async move {
            let answer = engine.search(&table, query, limit, expression).await;
            // Nobody listens any more where the server ends.
            let _ = send.send(answer);
        });
        // The engine's own time ends first; a thread that panicked hangs up.
        let answer = receive.recv_timeout(2 * self.engine.timeout());
        answer
            .map_err(|_| fault::Fault::Slow)
            .and_then(std::convert::identity)
            .map_err(|fault| {
                let reason = fault.to_string();
                if self.table.becomes(Readiness::Away { reason: reason.clone() }) {
                    tracing::error!(collection = self.table.name, reason, "Milvus does not answer");
                }
                self.table.failed.notify_one();
                SearchError::Away { reason }
            })
    }
}

impl VectorIndex for MilvusIndex {
    fn rows(&self) -> usize {
        self.table.exact.len() / self.table.dim
    }

    fn dim(&self) -> usize {
        self.table.dim
    }

    /// Unless the rows lie in a graph; where scores are equal, which of the rows are the last of an answer is the engine's choice.
    fn is_exact(&self) -> bool {
        !self.table.is_graph
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<&RowSet>) -> Result<Vec<Hit>, SearchError> {
        let table = &self.table;
        check_query(query, table.dim)?;
        if k > MOST {
            return Err(SearchError::Refused(Error::from(ErrorKind::RequestInvalid {
                what: "k".to_owned(),
                reason: format!("is {k}, Milvus gives {MOST} at most"),
            })));
        }
        let ask = |limit: usize, filter: &Filter| self.ask(query, limit, filter);
        let rows = fill(k, &table.stored, allowed, MOST, ask).map_err(|unfilled| match unfilled {
            Unfilled::Engine(error) => error,
            lost @ Unfilled::Lost { .. } => {
                let reason = lost.to_string();
                table.becomes(Readiness::Away { reason: reason.clone() });
                table.failed.notify_one();
                SearchError::Away { reason }
            }
        })?;
        let score = |row: usize| table.row(row).map_or(0.0, |values| inner_product(query, values));
        // The engine does not have rows of zeros; all score 0.
        let zeros =
            (0..self.rows()).filter(|row| !table.stored.contains(*row) && allowed.is_none_or(|set| set.contains(*row)));
        let mut hits: Vec<Hit> = rows
            .into_iter()
            .map(|row| row as usize)
            .chain(zeros.take(k))
            .map(|row| Hit {
                row: row as u32,
                score: score(row),
            })
            .collect();
        hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        hits.truncate(k);
        Ok(hits)
    }
}
