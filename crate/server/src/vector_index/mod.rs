//! Nearest rows by inner product: one trait, and behind it the exact int8 scan and the search in cells.

mod cells;
mod choice;
mod dot;
mod exact;
mod row_set;
mod survivors;
#[cfg(test)]
mod tests;

pub use cells::{CellIndex, MISSED};
pub use choice::{EXACT_ROWS, Index, IndexKind};
pub use exact::{ExactIndex, inner_product};
pub use row_set::RowSet;

use upnext_core::Error;

/// A row and its inner product with the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Row of the index, which is the row of the video table.
    pub row: u32,
    /// Inner product of the query with the row's f32 vector.
    pub score: f32,
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
    /// [`Error::RequestInvalid`] for a query of another width, [`Error::NotFinite`] for NaN or infinity in it.
    fn search(&self, query: &[f32], k: usize, allowed: Option<&RowSet>) -> Result<Vec<Hit>, Error>;
}
