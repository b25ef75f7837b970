//! Nearest rows by inner product: one trait, and behind it the exact int8 scan, the search in cells, and with the feature
//! `milvus` an engine that several servers share.

mod cells;
mod choice;
#[cfg(any(test, feature = "milvus"))]
mod collections;
mod dot;
mod exact;
#[cfg(test)]
mod grid;
#[cfg(feature = "milvus")]
mod milvus;
#[cfg(any(test, feature = "milvus"))]
mod refill;
mod row_set;
mod searcher;
mod survivors;
#[cfg(test)]
mod tests;

pub use cells::{CellIndex, MISSED};
pub use choice::{EXACT_ROWS, Index, IndexKind};
pub use exact::{ExactIndex, inner_product};
#[cfg(feature = "milvus")]
pub use milvus::{Engine, MilvusIndex};
pub use row_set::RowSet;
pub use searcher::{EngineOptions, Readiness, Search, Searcher, SideRows};

use upnext_core::{Code, Error};

/// A row and its inner product with the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Row of the index, which is the row of the video table.
    pub row: u32,
    /// Inner product of the query with the row's f32 vector.
    pub score: f32,
}

/// Why a search has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// What cannot be searched for.
    #[error(transparent)]
    Refused(#[from] Error),
    /// The engine does not answer, or does not have everything yet. It is asked again by itself, and later searches succeed.
    #[error("the engine does not answer: {reason}")]
    Away {
        /// what it said, or that it said nothing
        reason: String,
    },
}

impl SearchError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            SearchError::Refused(error) => error.code(),
            SearchError::Away { .. } => Code::ServerError,
        }
    }
}

/// Maximum inner product search over the rows of a table.
pub trait VectorIndex: Send + Sync {
    /// Number of rows.
    fn rows(&self) -> usize;

    /// Width of a row.
    fn dim(&self) -> usize;

    /// Whether `search` returns the true top rows, not an approximation.
    fn is_exact(&self) -> bool;

    /// The `k` rows with the largest inner product, best first, ties by row.
    ///
    /// With `allowed`, only its rows count, and a filter never under-fills: the answer has
    /// `min(k, allowed rows)` hits.
    ///
    /// # Errors
    /// [`Error::RequestInvalid`] for a query of another width, [`Error::NotFinite`] for NaN or infinity in it;
    /// [`SearchError::Away`] from an engine that stands elsewhere, never from an embedded index.
    fn search(&self, query: &[f32], k: usize, allowed: Option<&RowSet>) -> Result<Vec<Hit>, SearchError>;
}
