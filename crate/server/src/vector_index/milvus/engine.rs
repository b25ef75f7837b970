//! The connection to Milvus, and each thing that is asked of it.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use prost::Message;
use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::Table;
use super::fault::Fault;
use super::line::Line;
use super::proto::{
    Alter, BOOLEAN, BOUNDED, Column, Create, CreateIndex, DescribeIndex, Description, FAILED, FINISHED, FLOAT_VECTOR,
    Field, Floats, Flush, FlushState, Flushing, INT64, Indices, Insert, Inserted, LOADED, LoadState, LoadStateOf,
    Longs, Named, Placeholder, Placeholders, Queried, Query, STRONG, Scalars, Schema, Search, Searched, Show, Shown,
    Statistics, Status, Vectors, Yes, pairs,
};
use crate::error::StartError;
use crate::vector_index::collections::stale;
use crate::vector_index::{EngineOptions, SearchError};

/// Field with the number of a row: the primary key, and what filters are about.
pub(super) const ROW: &str = "row";
const VALUES: &str = "values";
/// Property by which who fills a collection says that it is still at it.
const BEAT: &str = "upnext.beat";

/// Inner product.
const METRIC: &str = "IP";
/// Neighbours of a row in the graph, and how many are weighed when it is put in.
const GRAPH: &str = r#"{"M":32,"efConstruction":200}"#;
/// Least and most rows that a search of the graph keeps in view; between them [`AHEAD`] for each hit. For the largest inner
/// products a graph needs far more of them than for the nearest rows.
const VIEW: (usize, usize) = (256, 32_768);
const AHEAD: usize = 4;

/// Time that one question about filling may take.
const WORK: Duration = Duration::from_secs(60);
/// Time for Milvus to write, index or load a whole collection, and the pause between two questions whether it has.
const WHOLE: Duration = Duration::from_secs(3600);
const POLL: Duration = Duration::from_millis(250);
/// Pause before a search is asked again of a collection that is being loaded.
const UNLOADED: Duration = Duration::from_millis(50);

/// Milvus, as all indices of this server use it.
pub struct Engine {
    /// Threads of its own: a search is waited for on threads that may block, and must not depend on those that serve.
    runtime: Option<Runtime>,
    timeout: Duration,
    exact_rows: usize,
    searching: Line,
    working: Line,
    /// Tells this server's collections from another's.
    me: String,
    served: Mutex<Vec<String>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Milvus")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The last owner may be a task of either runtime, where nothing may wait for threads to end.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A collection as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Which server made it.
    pub(super) maker: String,
    /// How far its maker is.
    pub(super) beat: String,
}

impl Engine {
    /// Milvus at an address. It is not connected to before it is needed.
    ///
    /// # Errors
    /// [`StartError::ConfigInvalid`] for an address that is none, [`StartError::FileUnreadable`] for the token's file.
    pub fn new(options: &EngineOptions) -> Result<Arc<Engine>, StartError> {
        let invalid = |option, reason: String| StartError::ConfigInvalid { option, reason };
        let is_authority = |rest: &&str| {
            let port = rest
                .rsplit_once(':')
                .map(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
            port == Some(true) && !rest.contains(['/', '?', '#', '@', ' '])
        };
        let Some(authority) = options.url.strip_prefix("http://").filter(is_authority) else {
            let reason = "is no address such as http://127.0.0.1:19530 (with a port, without path, name or password; TLS is a \
                          proxy's)";
            return Err(invalid("--milvus-url", reason.to_owned()));
        };
        if options.timeout.is_zero() {
            return Err(invalid(
                "--milvus-timeout-ms",
                "is 0: nothing could be found".to_owned(),
            ));
        }
        let token = options.token_file.as_ref().map(|path| {
            std::fs::read_to_string(path).map_err(|error| StartError::FileUnreadable {
                path: path.clone(),
                reason: error.to_string(),
            })
        });
        let token = token.transpose()?.map(|token| {
            let value = HeaderValue::from_str(&BASE64_STANDARD.encode(token.trim()));
            value.map_err(|error| invalid("--milvus-token-file", error.to_string()))
        });
        let token = token.transpose()?;
        let line = |time| Line::new(authority.to_owned(), token.clone(), time);
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("milvus")
            .enable_all()
            .build()
            .map_err(|error| invalid("--index milvus", format!("no threads: {error}")))?;
        Ok(Arc::new(Engine {
            runtime: Some(runtime),
            timeout: options.timeout,
            exact_rows: options.exact_rows,
            searching: line(options.timeout),
            working: line(WORK),
            me: format!("{:016x}", RandomState::new().hash_one(std::process::id())),
            served: Mutex::default(),
        }))
    }

    /// Time that one search may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Rows up to which all are compared.
    pub(super) fn exact_rows(&self) -> usize {
        self.exact_rows
    }

    /// Which server this is.
    pub(super) fn me(&self) -> &str {
        &self.me
    }

    /// Runs a future on the engine's threads.
    ///
    /// # Panics
    /// Never: the runtime goes with the engine, and whoever calls holds it.
    #[allow(clippy::expect_used, reason = "taken in `drop` alone, after which nobody can call")]
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let runtime = self
            .runtime
            .as_ref()
            .expect("the runtime of an engine that is still there");
        runtime.spawn(work).abort_handle()
    }

    /// These bundles are served from now on.
    pub fn serves(self: &Arc<Engine>, bundles: Vec<String>) {
        *self.served.lock().unwrap_or_else(PoisonError::into_inner) = bundles;
        let engine = Arc::clone(self);
        self.spawn(async move { engine.tidy().await });
    }

    /// Drops a collection, and waits for it. Not for threads that may not block.
    ///
    /// # Errors
    /// [`SearchError::Away`] where Milvus does not answer.
    pub fn remove_collection(self: &Arc<Engine>, name: String) -> Result<(), SearchError> {
        let (send, receive) = mpsc::channel();
        let engine = Arc::clone(self);
        self.spawn(async move {
            // Nobody listens any more where the caller's thread ended.
            let _ = send.send(engine.remove(&name).await);
        });
        let removed = receive.recv().unwrap_or(Err(Fault::Slow));
        removed.map_err(|fault| SearchError::Away {
            reason: fault.to_string(),
        })
    }

    /// Drops collections of bundles that are older than the one before the newest that is served.
    pub(super) async fn tidy(&self) {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if served.is_empty() {
            return;
        }
        let tidied = async {
            let there = self.list().await?;
            for name in stale(&there, &served) {
                self.remove(name).await?;
                tracing::info!(collection = name, "collection of an old bundle dropped");
            }
            Ok::<(), Fault>(())
        };
        if let Err(fault) = tidied.await {
            tracing::warn!(%fault, "old collections stay for now");
        }
    }

    /// The engine's best rows.
    pub(super) async fn search(
        &self,
        table: &Table,
        query: Vec<f32>,
        limit: usize,
        filter: String,
    ) -> Result<Vec<u32>, Fault> {
        let view = (AHEAD * limit).clamp(VIEW.0.max(limit), VIEW.1.max(limit));
        let parameters = match table.is_graph {
            true => format!("{{\"ef\":{view}}}"),
            false => "{}".to_owned(),
        };
        let query = Placeholder {
            tag: "$0".to_owned(),
            kind: FLOAT_VECTOR,
            values: vec![query.into_iter().flat_map(f32::to_le_bytes).collect()],
        };
        let question = Search {
            collection: table.name.clone(),
            filter,
            filter_kind: BOOLEAN,
            placeholders: Placeholders { values: vec![query] }.encode_to_vec(),
            parameters: pairs([
                ("anns_field", VALUES.to_owned()),
                ("topk", limit.to_string()),
                ("metric_type", METRIC.to_owned()),
                ("params", parameters),
                ("round_decimal", "-1".to_owned()),
            ]),
            queries: 1,
            // A collection never changes once it is whole: nothing newer has to be waited for.
            consistency: BOUNDED,
        };
        let asked = async {
            loop {
                match self.searching.ask_again::<Searched>("Search", &question).await {
                    // After a restart rows are loaded bit by bit.
                    Err(Fault::Unloaded) => sleep(UNLOADED).await,
                    Err(fault) => return Err(fault),
                    Ok(found) => {
                        let rows = found
                            .results
                            .and_then(|hits| hits.ids?.longs)
                            .unwrap_or_default()
                            .values;
                        return Ok(rows.into_iter().filter_map(|row| u32::try_from(row).ok()).collect());
                    }
                }
            }
        };
        timeout(self.timeout, asked).await.unwrap_or(Err(Fault::Slow))
    }

    /// The collection, where it is.
    pub(super) async fn describe(&self, name: &str) -> Result<Option<Found>, Fault> {
        if !self
            .working
            .ask_again::<Yes>("HasCollection", &named(name))
            .await?
            .value
        {
            return Ok(None);
        }
        let description = match self
            .working
            .ask_again::<Description>("DescribeCollection", &named(name))
            .await
        {
            Err(Fault::Missing) => return Ok(None),
            other => other?,
        };
        let beat = description.properties.into_iter().find(|pair| pair.key == BEAT);
        Ok(Some(Found {
            maker: description.schema.unwrap_or_default().description,
            beat: beat.unwrap_or_default().value,
        }))
    }

    /// Makes an empty collection that says who made it. Where another server was faster, this changes nothing: [`Engine::describe`]
    /// tells whose it is.
    pub(super) async fn create(&self, table: &Table) -> Result<(), Fault> {
        let schema = Schema {
            name: table.name.clone(),
            description: self.me.clone(),
            fields: vec![
                Field {
                    name: ROW.to_owned(),
                    is_primary_key: true,
                    kind: INT64,
                    parameters: Vec::new(),
                },
                Field {
                    name: VALUES.to_owned(),
                    is_primary_key: false,
                    kind: FLOAT_VECTOR,
                    parameters: pairs([("dim", table.dim.to_string())]),
                },
            ],
        };
        let question = Create {
            collection: table.name.clone(),
            schema: schema.encode_to_vec(),
            shards: (1 + table.count / 10_000_000).min(16) as i32,
            consistency: BOUNDED,
        };
        self.working
            .ask::<Status>("CreateCollection", &question)
            .await
            .map(drop)
    }

    /// Writes rows. Asked once: where the answer is lost, nobody knows whether they are there, and filling begins anew.
    pub(super) async fn insert(&self, table: &Table, rows: &[usize]) -> Result<(), Fault> {
        let values = rows
            .iter()
            .filter_map(|row| table.row(*row))
            .flatten()
            .copied()
            .collect();
        let numbers = Longs {
            values: rows.iter().map(|row| *row as i64).collect(),
        };
        let question = Insert {
            collection: table.name.clone(),
            fields: vec![
                Column {
                    kind: INT64,
                    name: ROW.to_owned(),
                    scalars: Some(Scalars { longs: Some(numbers) }),
                    vectors: None,
                },
                Column {
                    kind: FLOAT_VECTOR,
                    name: VALUES.to_owned(),
                    scalars: None,
                    vectors: Some(Vectors {
                        dim: table.dim as i64,
                        floats: Some(Floats { values }),
                    }),
                },
            ],
            rows: rows.len() as u32,
        };
        let inserted = self.working.ask::<Inserted>("Insert", &question).await?;
        match usize::try_from(inserted.count) == Ok(rows.len()) {
            true => Ok(()),
            false => Err(Fault::Rows {
                found: inserted.count,
                wanted: rows.len(),
            }),
        }
    }

    /// Waits until all rows are written, indexed and in memory.
    pub(super) async fn finish(&self, table: &Table) -> Result<(), Fault> {
        let name = &table.name;
        let all = Flush {
            collections: vec![name.clone()],
        };
        let mut flushing = self.working.ask_again::<Flushing>("Flush", &all).await?;
        let question = FlushState {
            segments: flushing.segments.remove(name).unwrap_or_default().values,
            until: flushing.until.remove(name).unwrap_or_default(),
            collection: name.clone(),
        };
        whole(async {
            while !self.working.ask_again::<Yes>("GetFlushState", &question).await?.value {
                sleep(POLL).await;
            }
            Ok(())
        })
        .await?;
        tracing::info!(collection = name, "written; Milvus makes its index");
        let mut parameters = pairs([("metric_type", METRIC.to_owned())]);
        parameters.extend(match table.is_graph {
            true => pairs([("index_type", "HNSW".to_owned()), ("params", GRAPH.to_owned())]),
            false => pairs([("index_type", "FLAT".to_owned()), ("params", "{}".to_owned())]),
        });
        let question = CreateIndex {
            collection: name.clone(),
            field: VALUES.to_owned(),
            parameters,
            index: "nearest".to_owned(),
        };
        self.working.ask_again::<Status>("CreateIndex", &question).await?;
        let question = DescribeIndex {
            collection: name.clone(),
            field: VALUES.to_owned(),
        };
        whole(async {
            loop {
                let indices = self
                    .working
                    .ask_again::<Indices>("DescribeIndex", &question)
                    .await?
                    .indices;
                if let Some(failed) = indices.iter().find(|index| index.state == FAILED) {
                    return Err(Fault::refused(&failed.reason));
                }
                if !indices.is_empty() && indices.iter().all(|index| index.state == FINISHED) {
                    return Ok(());
                }
                sleep(POLL).await;
            }
        })
        .await?;
        self.load(name).await
    }

    /// Waits until a collection is in memory.
    pub(super) async fn load(&self, name: &str) -> Result<(), Fault> {
        self.working.ask_again::<Status>("LoadCollection", &named(name)).await?;
        whole(async {
            while !self.is_loaded(name).await? {
                sleep(POLL).await;
            }
            Ok(())
        })
        .await
    }

    /// Whether a collection is in memory.
    pub(super) async fn is_loaded(&self, name: &str) -> Result<bool, Fault> {
        let question = LoadStateOf {
            collection: name.to_owned(),
        };
        Ok(self
            .working
            .ask_again::<LoadState>("GetLoadState", &question)
            .await?
            .state
            == LOADED)
    }

    /// Rows that can be searched, all writes up to now included.
    pub(super) async fn count(&self, name: &str) -> Result<i64, Fault> {
        let question = Query {
            collection: name.to_owned(),
            filter: String::new(),
            fields: vec!["count(*)".to_owned()],
            consistency: STRONG,
        };
        let queried = self.working.ask_again::<Queried>("Query", &question).await?;
        let column = queried.columns.into_iter().next();
        let counts = column
            .and_then(|column| column.scalars?.longs)
            .unwrap_or_default()
            .values;
        Ok(counts.first().copied().unwrap_or(0))
    }

    /// Rows that are written, loaded or not: how far who fills it is.
    pub(super) async fn written(&self, name: &str) -> Result<i64, Fault> {
        let statistics = self
            .working
            .ask_again::<Statistics>("GetCollectionStatistics", &named(name))
            .await?;
        let rows = statistics.figures.iter().find(|pair| pair.key == "row_count");
        Ok(rows.and_then(|pair| pair.value.parse().ok()).unwrap_or(0))
    }

    /// Says that the maker of a collection is still at it.
    pub(super) async fn beat(&self, name: &str, beat: u64) -> Result<(), Fault> {
        let question = Alter {
            collection: name.to_owned(),
            properties: pairs([(BEAT, beat.to_string())]),
        };
        self.working
            .ask_again::<Status>("AlterCollection", &question)
            .await
            .map(drop)
    }

    /// Drops a collection with all its rows.
    pub(super) async fn remove(&self, name: &str) -> Result<(), Fault> {
        self.working
            .ask_again::<Status>("DropCollection", &named(name))
            .await
            .map(drop)
    }

    /// All collections, with the time of their making.
    async fn list(&self) -> Result<Vec<(String, u64)>, Fault> {
        let shown = self.working.ask_again::<Shown>("ShowCollections", &Show {}).await?;
        Ok(shown.names.into_iter().zip(shown.made).collect())
    }
}

/// Work on a whole collection, which may take long and not for ever.
async fn whole(work: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    timeout(WHOLE, work).await.unwrap_or(Err(Fault::Slow))
}

fn named(name: &str) -> Named {
    Named {
        collection: name.to_owned(),
    }
}
