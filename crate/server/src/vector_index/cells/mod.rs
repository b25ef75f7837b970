//! Search in cells: rows are grouped round centres, and cells are scanned from the most promising on, until those that are
//! left are expected to hold next to nothing of the best.
//!
//! ```text
//! query ─► products with centres ─► cells by what they promise ─► 4-bit scan, threshold fused ─► f32 scores of the survivors
//!                                        ▲                                 │
//!                                        └──── expected hits of the rest ◄─┘
//! ```
//! A row is kept as the difference from its cell's centre, in four bits a value: `q·v = q·c + q·(v − c)`. What that leaves of
//! a row, `r`, is known as a length. Where nothing may be missed, a score may be off by `‖q‖·‖r‖` (Cauchy–Schwarz, as in
//! [`ExactIndex`](super::ExactIndex)), and no row of a cell that is scanned is ever lost. Else by [`DEVIATIONS`] of what it is off
//! when `r` lies in any direction, `‖q‖·‖r‖/√dim`: an eighth of it at 64 values, so that far fewer rows are scored twice.

mod build;
mod centres;
mod group;
mod promise;
mod simd;
#[cfg(test)]
mod tests;

use upnext_core::{Error, quantize};

use super::exact::{SLACK, check_query, inner_product, norm};
use super::survivors::{Falling, Survivor, Survivors};
use super::{Hit, RowSet, SearchError, VectorIndex};
use crate::column::Column;
use crate::prefetch::prefetch;
use centres::Centres;
use group::{BLOCK, ByteQuery, Columns, Found, GROUP, Groups, QUAD, scan};
use promise::{Promise, expected};

/// Share of the best `k` that a search may be expected to miss, where nothing else is asked for.
pub const MISSED: f32 = 0.02;

/// By how many deviations a score is taken to be off at most, both of a row and of the `k`-th best that it is held against. A
/// row that is lost is one of the last of the `k`: measured, up to 8 in a thousand.
const DEVIATIONS: f32 = 1.0;

/// Cells whose promise is looked at again, of all: more often costs more than it saves.
const LOOKS: usize = 64;

/// The place of a group that holds no row.
const NO_ROW: u32 = u32::MAX;

/// Rows in cells.
///
/// The number of cells grows with the root of the number of rows. How many are scanned is each query's own: after each
/// cell the rows of the others that may still be among the best `k` are estimated from the lengths of their differences
/// and the `k`-th score so far ([`promise`]); the search ends when they are fewer than `missed · k`.
/// With a filter the `k`-th score counts rows that it allows alone, so that a search goes on until `k` of them are found
/// or every cell was scanned.
#[derive(Debug)]
pub struct CellIndex {
    dim: usize,
    missed: f32,
    centres: Centres,
    cells: Vec<Cell>,
    /// Covariance of the differences from the centres over their mean square, `dim × dim`; empty where rows are too wide.
    shape: Vec<f32>,
    /// Levels in the layout of [`group`].
    levels: Vec<u8>,
    columns: Vec<Columns>,
    /// Row of each place.
    rows: Vec<u32>,
    /// `rows × dim`.
    exact: Column<f32>,
}

/// A cell.
#[derive(Debug, Clone, Copy)]
struct Cell {
    /// First of its groups.
    start: usize,
    /// One past its last.
    end: usize,
    /// Number of its rows.
    rows: usize,
    /// The largest distance of a row from the centre.
    radius: f32,
    /// Mean square of the distances.
    square: f32,
}

impl CellIndex {
    /// An index over `rows × dim` values, whose searches may be expected to miss the share `missed` of the best; with 0
    /// they miss none, and scan every cell that may hold one.
    ///
    /// # Errors
    /// [`Error::BundleInconsistent`] when `dim` is not in `1..=65,536` or `exact` is no whole number of rows,
    /// [`Error::NotFinite`] for NaN or infinity in it.
    ///
    /// ```
    /// use upnext_server::vector_index::{CellIndex, VectorIndex};
    ///
    /// let index = CellIndex::new(2, vec![1.0, 0.0, 0.0, 1.0, 0.5, 0.5], 0.0)?;
    /// let hits = index.search(&[1.0, 0.2], 2, None)?;
    /// assert_eq!(hits.iter().map(|hit| hit.row).collect::<Vec<_>>(), [0, 2]);
    /// assert!(index.is_exact());
    /// # Ok::<(), upnext_server::vector_index::SearchError>(())
    /// ```
    pub fn new(dim: usize, exact: impl Into<Column<f32>>, missed: f32) -> Result<CellIndex, Error> {
        build::build(dim, exact.into(), missed)
    }

    /// The f32 values of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> Option<&[f32]> {
        self.exact.get(row * self.dim..(row + 1) * self.dim)
    }

    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells.len()
    }

    fn quantise(&self, query: &[f32], length: f32) -> ByteQuery {
        let mut levels = vec![0_i8; self.dim.next_multiple_of(group::PAD)];
        let scale = quantize(query, &mut levels);
        let rest = query
            .iter()
            .zip(&levels)
            .map(|(q, level)| q - scale * f32::from(*level));
        let (reach, deviation, residual) = match self.is_exact() {
            true => (length, 0.0, norm(rest) + length * SLACK),
            false => (0.0, length * DEVIATIONS, 0.0),
        };
        ByteQuery {
            offset: levels.iter().map(|level| i32::from(*level)).sum::<i32>() * i32::from(group::BIAS),
            scale,
            reach,
            deviation,
            residual,
            quads: (levels.as_chunks::<QUAD>().0.iter())
                .map(|quad| i32::from_le_bytes(quad.map(i8::cast_unsigned)))
                .collect(),
        }
    }

    /// What each cell promises, the most first.
    fn promises(&self, query: &[f32], norm: f32) -> Vec<Promise> {
        // Variance of the query's product with a difference whose mean square is 1.
        let variance = if self.shape.is_empty() {
            norm * norm / self.dim as f32
        } else {
            let rows = self.shape.chunks_exact(self.dim).zip(query);
            rows.map(|(row, q)| q * inner_product(row, query)).sum::<f32>().max(0.0)
        };
        let products = self.centres.products(query);
        let promise = |index: usize| {
            let cell = &self.cells[index];
            Promise {
                cell: index as u32,
                rows: cell.rows as f32,
                base: products[index],
                deviation: (cell.square * variance).sqrt(),
            }
        };
        let filled = (0..self.cells.len()).filter(|index| self.cells[*index].rows > 0);
        let mut order: Vec<Falling> = filled
            .map(|index| Falling::new(promise(index).key(), index as u32))
            .collect();
        order.sort_unstable();
        order.into_iter().map(|cell| promise(cell.row() as usize)).collect()
    }
}

impl VectorIndex for CellIndex {
    fn rows(&self) -> usize {
        self.exact.len() / self.dim
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn is_exact(&self) -> bool {
        self.missed <= 0.0
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<&RowSet>) -> Result<Vec<Hit>, SearchError> {
        check_query(query, self.dim)?;
        if k == 0 {
            return Ok(Vec::new());
        }
        let length = norm(query.iter().copied()) * (1.0 + SLACK);
        let bytes = self.quantise(query, length);
        let group_bytes = bytes.quads.len() / 2 * BLOCK;
        let promises = self.promises(query, length);
        let groups_of = |cell: &Cell| Groups {
            levels: &self.levels[cell.start * group_bytes..cell.end * group_bytes],
            columns: &self.columns[cell.start..cell.end],
        };
        let mut best = Survivors::new(k);
        let look = promises.len().div_ceil(LOOKS).max(1);
        for (place, promise) in promises.iter().enumerate() {
            if place.is_multiple_of(look) && best.is_full() && !self.is_exact() {
                if best.threshold() == f32::NEG_INFINITY {
                    best.prune();
                }
                let most = self.missed * k as f32;
                if expected(&promises[place..], best.threshold(), most) <= most {
                    break;
                }
            }
            let cell = self.cells[promise.cell as usize];
            // No row of the cell can be above this.
            if promise.base + length * cell.radius < best.threshold() {
                continue;
            }
            if let Some(next) = promises.get(place + 1) {
                groups_of(&self.cells[next.cell as usize]).expect();
            }
            let groups = groups_of(&cell);
            let rows = &self.rows[cell.start * GROUP..cell.end * GROUP];
            scan(&bytes, groups, promise.base, best.threshold(), &mut |found: Found| {
                let row = rows[found.place];
                if row != NO_ROW && allowed.is_none_or(|set| set.contains(row as usize)) {
                    best.push(Survivor {
                        row,
                        lower: found.score - found.bound,
                        upper: found.score + found.bound,
                    });
                }
                best.threshold()
            });
        }
        let exact: &[f32] = &self.exact;
        let values = |row: u32| &exact[row as usize * self.dim..][..self.dim];
        Ok(best.rank(|row| prefetch(values(row)), |row| inner_product(query, values(row))))
    }
}
