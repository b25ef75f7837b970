//! Which index a server searches with.

use upnext_core::Error;

use super::cells::MISSED;
#[cfg(feature = "milvus")]
use super::milvus::MilvusIndex;
use super::{CellIndex, ExactIndex, Hit, Readiness, RowSet, SearchError, VectorIndex};
use crate::column::Column;

/// Rows up to which [`IndexKind::Auto`] searches exactly: a scan of as many is a small part of a request.
pub const EXACT_ROWS: usize = 50_000;

/// The embedded index that an operator asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IndexKind {
    /// Exact for small catalogues, cells for others.
    #[default]
    Auto,
    /// Every row is looked at, nothing is missed.
    Exact,
    /// The most promising cells are looked at.
    Cells,
}

/// An index of any kind, with its rows.
#[derive(Debug)]
pub enum Index {
    /// Every row is looked at.
    Exact(ExactIndex),
    /// The most promising cells are.
    Cells(CellIndex),
    /// An engine is asked.
    #[cfg(feature = "milvus")]
    Milvus(Box<MilvusIndex>),
}

impl Index {
    /// The embedded index of a kind over `rows × dim` values, with their int8 levels and scales.
    ///
    /// # Errors
    /// Those of [`ExactIndex::new`] and [`CellIndex::new`].
    pub fn new(
        kind: IndexKind,
        dim: usize,
        levels: &[i8],
        scales: &[f32],
        exact: impl Into<Column<f32>>,
    ) -> Result<Index, Error> {
        let is_exact = match kind {
            IndexKind::Auto => scales.len() <= EXACT_ROWS,
            IndexKind::Exact => true,
            IndexKind::Cells => false,
        };
        Ok(match is_exact {
            true => Index::Exact(ExactIndex::new(dim, levels, scales, exact)?),
            false => Index::Cells(CellIndex::new(dim, exact, MISSED)?),
        })
    }

    /// The f32 values of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> Option<&[f32]> {
        match self {
            Index::Exact(index) => index.row(row),
            Index::Cells(index) => index.row(row),
            #[cfg(feature = "milvus")]
            Index::Milvus(index) => index.row(row),
        }
    }

    /// Whether it can be searched now; an embedded index always can.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        match self {
            Index::Exact(_) | Index::Cells(_) => Readiness::Ready,
            #[cfg(feature = "milvus")]
            Index::Milvus(index) => index.readiness(),
        }
    }

    fn as_dyn(&self) -> &dyn VectorIndex {
        match self {
            Index::Exact(index) => index,
            Index::Cells(index) => index,
            #[cfg(feature = "milvus")]
            Index::Milvus(index) => &**index,
        }
    }
}

impl VectorIndex for Index {
    fn rows(&self) -> usize {
        self.as_dyn().rows()
    }

    fn dim(&self) -> usize {
        self.as_dyn().dim()
    }

    fn is_exact(&self) -> bool {
        self.as_dyn().is_exact()
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<&RowSet>) -> Result<Vec<Hit>, SearchError> {
        self.as_dyn().search(query, k, allowed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn small_catalogues_are_searched_exactly_unless_cells_are_asked_for() {
        let index = |kind, rows: usize| Index::new(kind, 1, &vec![1; rows], &vec![1.0; rows], vec![1.0; rows]).unwrap();
        assert!(matches!(index(IndexKind::Auto, EXACT_ROWS), Index::Exact(_)));
        assert!(matches!(index(IndexKind::Auto, EXACT_ROWS + 1), Index::Cells(_)));
        assert!(index(IndexKind::Exact, EXACT_ROWS + 1).is_exact());
        let cells = index(IndexKind::Cells, 3);
        assert!(!cells.is_exact());
        assert_eq!((cells.rows(), cells.dim(), cells.row(2)), (3, 1, Some(&[1.0][..])));
        assert_eq!(cells.search(&[2.0], 2, None).unwrap().len(), 2);
    }
}
