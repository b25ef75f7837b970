//! Exact search: an int8 scan that bounds each row's error, then f32 scores of what the bounds leave.

use upnext_core::{Error, ErrorKind, quantize};

use super::dot::{BLOCK, LANE, MAX_DIM, QuantQuery, Rows, Scores, score};
use super::survivors::{Survivor, Survivors};
use super::{Hit, RowSet, SearchError, VectorIndex};
use crate::column::Column;
use crate::prefetch::prefetch;

/// Covers f32 rounding in approximate scores and bounds, relative to ‖q‖·‖v‖.
pub(super) const SLACK: f32 = 2e-6;

/// All rows in memory: int8 for the scan, f32 for the final score.
///
/// With `v̂`, `q̂` the int8 versions of row and query, Cauchy–Schwarz gives
/// `|q·v − q̂·v̂| ≤ ‖q‖·‖v − v̂‖ + ‖q − q̂‖·‖v̂‖`. The scan keeps a row unless `k` others are
/// certainly better, so the answer is the true top `k`, whatever the quantisation.
#[derive(Debug)]
pub struct ExactIndex {
    dim: usize,
    stride: usize,
    /// `rows × stride`, zero padded.
    levels: Vec<i8>,
    scales: Vec<f32>,
    /// Factor of ‖q‖ in the error bound.
    residuals: Vec<f32>,
    /// Factor of ‖q − q̂‖ in the error bound.
    norms: Vec<f32>,
    /// `rows × dim`.
    exact: Column<f32>,
}

impl ExactIndex {
    /// An index over `rows × dim` values with their int8 levels and scales.
    ///
    /// # Errors
    /// [`Error::BundleInconsistent`] when lengths differ or `dim` is not in `1..=65,536`,
    /// [`Error::NotFinite`] for NaN or infinity in values or scales.
    pub fn new(dim: usize, levels: &[i8], scales: &[f32], exact: impl Into<Column<f32>>) -> Result<ExactIndex, Error> {
        let column = exact.into();
        let exact: &[f32] = &column;
        let rows = scales.len();
        let inconsistent = |what: &str, expected: usize, found: usize| {
            Error::from(ErrorKind::BundleInconsistent {
                what: what.to_owned(),
                expected: expected.to_string(),
                found: found.to_string(),
            })
        };
        if dim == 0 || dim > MAX_DIM {
            return Err(inconsistent("width of an indexed row", MAX_DIM, dim));
        }
        if levels.len() != rows * dim {
            return Err(inconsistent("number of int8 levels", rows * dim, levels.len()));
        }
        if exact.len() != rows * dim {
            return Err(inconsistent("number of f32 values", rows * dim, exact.len()));
        }
        finite("scales of indexed rows", scales)?;
        finite("indexed rows", exact)?;

        let stride = dim.next_multiple_of(LANE);
        let mut padded = vec![0_i8; rows * stride];
        let (mut residuals, mut norms) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for (row, target) in padded.chunks_exact_mut(stride).enumerate() {
            let source = &levels[row * dim..(row + 1) * dim];
            target[..dim].copy_from_slice(source);
            let approximate = source.iter().map(|level| scales[row] * f32::from(*level));
            let (mut residual, mut norm) = (0.0_f64, 0.0_f64);
            for (v, hat) in exact[row * dim..(row + 1) * dim].iter().zip(approximate) {
                residual += (f64::from(*v) - f64::from(hat)).powi(2);
                norm += f64::from(hat).powi(2);
            }
            let norm = norm.sqrt() as f32;
            residuals.push(residual.sqrt() as f32 * (1.0 + SLACK) + norm * SLACK);
            norms.push(norm * (1.0 + SLACK));
        }
        Ok(ExactIndex {
            dim,
            stride,
            levels: padded,
            scales: scales.to_vec(),
            residuals,
            norms,
            exact: column,
        })
    }

    /// The f32 values of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> Option<&[f32]> {
        self.exact.get(row * self.dim..(row + 1) * self.dim)
    }

    fn quantise(&self, query: &[f32]) -> QuantQuery {
        let mut narrow = vec![0_i8; self.dim];
        let scale = quantize(query, &mut narrow);
        let mut levels = vec![0_i16; self.stride];
        for (wide, level) in levels.iter_mut().zip(&narrow) {
            *wide = i16::from(*level);
        }
        let length = norm(query.iter().copied()) * (1.0 + SLACK);
        let residual = norm(
            query
                .iter()
                .zip(&narrow)
                .map(|(q, level)| q - scale * f32::from(*level)),
        );
        QuantQuery {
            levels,
            scale,
            norm: length,
            residual: residual + length * SLACK,
        }
    }
}

/// Inner product, summed in f64 in a fixed order (four sums over every fourth value): the same on every machine.
#[must_use]
pub fn inner_product(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f64; 4];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    for (x, y) in a.iter().zip(b) {
        for lane in 0..4 {
            sums[lane] += f64::from(x[lane]) * f64::from(y[lane]);
        }
    }
    for ((x, y), sum) in a_rest.iter().zip(b_rest).zip(&mut sums) {
        *sum += f64::from(*x) * f64::from(*y);
    }
    ((sums[0] + sums[1]) + (sums[2] + sums[3])) as f32
}

/// Length of a row.
pub(super) fn norm(values: impl Iterator<Item = f32>) -> f32 {
    values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt() as f32
}

/// Refuses NaN and infinity.
pub(super) fn finite(what: &'static str, values: &[f32]) -> Result<(), Error> {
    match values.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(Error::from(ErrorKind::NotFinite { what, index })),
        None => Ok(()),
    }
}

/// Refuses a query of another width than `dim`, and one that is not finite.
pub(super) fn check_query(query: &[f32], dim: usize) -> Result<(), Error> {
    if query.len() != dim {
        return Err(Error::from(ErrorKind::RequestInvalid {
            what: "query".to_owned(),
            reason: format!("has {} values, the index {dim}", query.len()),
        }));
    }
    finite("query", query)
}

impl VectorIndex for ExactIndex {
    fn rows(&self) -> usize {
        self.scales.len()
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn is_exact(&self) -> bool {
        true
    }

    fn search(&self, query: &[f32], k: usize, allowed: Option<&RowSet>) -> Result<Vec<Hit>, SearchError> {
        check_query(query, self.dim)?;
        if k == 0 {
            return Ok(Vec::new());
        }

        let query_int8 = self.quantise(query);
        let mut best = Survivors::new(k);
        let mut scores = Scores::default();
        for (block, levels) in self.levels.chunks(BLOCK * self.stride).enumerate() {
            let first = block * BLOCK;
            let range = first..first + levels.len() / self.stride;
            let rows = Rows {
                levels,
                scales: &self.scales[range.clone()],
                residuals: &self.residuals[range.clone()],
                norms: &self.norms[range.clone()],
            };
            score(&query_int8, rows, &mut scores);
            // The threshold is asked first: most blocks have no row above it, and the filter costs little.
            if scores.peak < best.threshold() {
                continue;
            }
            for (row, (score, bound)) in range.zip(scores.score.iter().zip(&scores.bound)) {
                if score + bound >= best.threshold() && allowed.is_none_or(|set| set.contains(row)) {
                    best.push(Survivor {
                        row: row as u32,
                        lower: score - bound,
                        upper: score + bound,
                    });
                }
            }
        }
        let exact: &[f32] = &self.exact;
        let values = |row: u32| &exact[row as usize * self.dim..][..self.dim];
        Ok(best.rank(|row| prefetch(values(row)), |row| inner_product(query, values(row))))
    }
}
