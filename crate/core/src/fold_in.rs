//! Fold-in: the factor of somebody whose history is known, given the factors of the items.
//! The trainer's half-step and the device's collaborative feature are this one function.

use crate::feature::spec::FoldInSpec;
use crate::{Error, ErrorKind, QuantRow};

/// `Σ v vᵀ` over all items: what the unobserved weigh.
#[derive(Debug, Clone, PartialEq)]
pub struct Gram {
    dim: usize,
    values: Vec<f32>,
}

impl Gram {
    /// A Gram matrix from its `dim × dim` values, row-major.
    ///
    /// # Errors
    /// [`ErrorKind::BundleInconsistent`] for another number of values, [`ErrorKind::NotFinite`] for NaN or infinity.
    pub fn new(dim: usize, values: Vec<f32>) -> Result<Gram, Error> {
        if dim.checked_mul(dim) != Some(values.len()) {
            return Err(Error::from(ErrorKind::BundleInconsistent {
                what: "number of values of the Gram matrix".to_owned(),
                expected: format!("{dim} × {dim}"),
                found: values.len().to_string(),
            }));
        }
        match values.iter().position(|v| !v.is_finite()) {
            Some(index) => Err(Error::from(ErrorKind::NotFinite { what: "gram", index })),
            None => Ok(Gram { dim, values }),
        }
    }

    /// The Gram matrix of `rows`, row-major with `dim` values each, summed in f64 in row order.
    #[must_use]
    pub fn of(dim: usize, rows: &[f32]) -> Gram {
        let mut sum = vec![0.0_f64; dim * dim];
        let mut wide = vec![0.0_f64; dim];
        for row in rows.chunks_exact(dim.max(1)) {
            wide.iter_mut().zip(row).for_each(|(w, v)| *w = f64::from(*v));
            add_outer(&mut sum, 1.0, &[&wide]);
        }
        mirror(&mut sum, dim);
        Gram {
            dim,
            values: sum.into_iter().map(|v| v as f32).collect(),
        }
    }

    /// Width of a factor.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// `dim × dim` values, row-major, symmetric.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// The `u` that minimises `Σ_obs (1−λ)(1 − u·v)² + λ Σ_unobs (u·v)² + l2 ‖u‖²`, where the observed
/// are `count` items whose factors `row(i, out)` writes, and the unobserved all others of `gram`.
///
/// Solved by Cholesky in f64, summed in item order. Zeros where `count` is 0 or the equations are
/// not positive definite in f64 (`l2` > 0 makes them so, up to the rounding of `gram`).
#[must_use]
pub fn half_step(spec: &FoldInSpec, gram: &Gram, count: usize, row: impl FnMut(usize, &mut [f32])) -> Vec<f32> {
    if count == 0 {
        return vec![0.0; gram.dim];
    }
    step(spec, gram, &[], count, row)
}

/// [`half_step`] from a factor that was there before: the `u` that minimises
/// `(u − start)ᵀ(λ·gram + l2·I)(u − start)` and the terms of the observed, as if what `start` was learnt from
/// weighed as much as the unobserved. Without observations that is `start` itself; from zeros it is [`half_step`].
fn step(
    spec: &FoldInSpec,
    gram: &Gram,
    start_at: &[f32],
    count: usize,
    mut row: impl FnMut(usize, &mut [f32]),
) -> Vec<f32> {
    let dim = gram.dim;
    let (lambda, l2) = (f64::from(spec.lambda), f64::from(spec.l2));
    let mut a: Vec<f64> = gram.values.iter().map(|g| lambda * f64::from(*g)).collect();
    let mut b = vec![0.0_f64; dim];
    if !start_at.is_empty() {
        for (i, sum) in b.iter_mut().enumerate() {
            let row = a[i * dim..(i + 1) * dim].iter().zip(start_at);
            *sum = row.map(|(a, s)| a * f64::from(*s)).sum::<f64>() + l2 * f64::from(start_at[i]);
        }
    }
    let mut narrow = vec![0.0_f32; dim];
    let mut wide = [vec![0.0_f64; dim], vec![0.0; dim], vec![0.0; dim], vec![0.0; dim]];
    let mut start = 0;
    while start < count {
        let taken = (count - start).min(wide.len());
        for (i, buffer) in wide.iter_mut().take(taken).enumerate() {
            row(start + i, &mut narrow);
            for ((w, sum), v) in buffer.iter_mut().zip(&mut b).zip(&narrow) {
                *w = f64::from(*v);
                *sum += (1.0 - lambda) * *w;
            }
        }
        // λ G holds the observed too: (1−λ) − λ remains to be added for them.
        match &wide {
            [w0, w1, w2, w3] if taken == 4 => add_outer(&mut a, 1.0 - 2.0 * lambda, &[w0, w1, w2, w3]),
            _ => wide
                .iter()
                .take(taken)
                .for_each(|w| add_outer(&mut a, 1.0 - 2.0 * lambda, &[w])),
        }
        start += taken;
    }
    for i in 0..dim {
        a[i * dim + i] += l2;
    }
    solve(a, b).map_or_else(|| vec![0.0; dim], |u| u.into_iter().map(|v| v as f32).collect())
}

/// Factor of a history: [`half_step`] over quantised item factors.
///
/// ```
/// use upnext_core::{QuantRow, feature::spec::FoldInSpec, fold_in::{Gram, fold_in}};
/// let gram = Gram::of(2, &[1.0, 0.0, 0.0, 1.0]);
/// let spec = FoldInSpec { lambda: 0.1, l2: 0.1 };
/// let u = fold_in(&spec, &gram, &[QuantRow { scale: 1.0 / 127.0, values: &[127, 0] }]);
/// assert!((u[0] - 0.9).abs() < 1e-6 && u[1].abs() < 1e-6);
/// ```
#[must_use]
pub fn fold_in(spec: &FoldInSpec, gram: &Gram, positives: &[QuantRow<'_>]) -> Vec<f32> {
    half_step(spec, gram, positives.len(), |i, out| {
        out.fill(0.0);
        if let Some(row) = positives.get(i) {
            row.add_to(1.0, out);
        }
    })
}

/// Factor of somebody whose factor was `start` before these: [`fold_in`] where `start` is all zeros, `start` where
/// there is nothing new. What `start` was learnt from is not known any more; it pulls with `λ·gram + l2·I`.
///
/// ```
/// use upnext_core::{QuantRow, feature::spec::FoldInSpec, fold_in::{Gram, fold_in_from}};
/// let gram = Gram::of(2, &[1.0, 0.0, 0.0, 1.0]);
/// let spec = FoldInSpec { lambda: 0.1, l2: 0.1 };
/// let new = QuantRow { scale: 1.0 / 127.0, values: &[0, 127] };
/// let u = fold_in_from(&spec, &gram, &[0.9, 0.0], &[new]);
/// assert!((u[0] - 0.9).abs() < 1e-6 && (u[1] - 0.9).abs() < 1e-6);
/// ```
#[must_use]
pub fn fold_in_from(spec: &FoldInSpec, gram: &Gram, start: &[f32], positives: &[QuantRow<'_>]) -> Vec<f32> {
    if positives.is_empty() || start.len() != gram.dim {
        return start.to_vec();
    }
    step(spec, gram, start, positives.len(), |i, out| {
        out.fill(0.0);
        if let Some(row) = positives.get(i) {
            row.add_to(1.0, out);
        }
    })
}

/// Adds `weight · Σ w wᵀ` to the upper triangle of `a`; several rows at once save passes over `a`.
fn add_outer<const N: usize>(a: &mut [f64], weight: f64, rows: &[&Vec<f64>; N]) {
    let dim = rows.first().map_or(0, |r| r.len());
    for i in 0..dim {
        let scaled: [f64; N] = std::array::from_fn(|n| weight * rows[n][i]);
        let tails: [&[f64]; N] = std::array::from_fn(|n| &rows[n][i..dim]);
        for (k, cell) in a[i * dim + i..(i + 1) * dim].iter_mut().enumerate() {
            let mut sum = 0.0;
            for n in 0..N {
                sum += scaled[n] * tails[n][k];
            }
            *cell += sum;
        }
    }
}

/// Copies the upper triangle to the lower one.
fn mirror(a: &mut [f64], dim: usize) {
    for i in 0..dim {
        for j in 0..i {
            a[i * dim + j] = a[j * dim + i];
        }
    }
}

/// Solves `A x = b` for symmetric `A` given by its upper triangle: `A = Uᵀ U`, row by row.
fn solve(mut a: Vec<f64>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    let dim = b.len();
    for k in 0..dim {
        let (done, rest) = a.split_at_mut((k + 1) * dim);
        let pivot_row = &mut done[k * dim + k..];
        let pivot = pivot_row[0];
        if !(pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        let inverse = 1.0 / pivot.sqrt();
        pivot_row.iter_mut().for_each(|v| *v *= inverse);
        for i in k + 1..dim {
            let factor = pivot_row[i - k];
            let target = &mut rest[(i - k - 1) * dim + i..(i - k) * dim];
            for (t, p) in target.iter_mut().zip(&pivot_row[i - k..]) {
                *t -= factor * p;
            }
        }
    }
    for i in 0..dim {
        let value = b[i] / a[i * dim + i];
        b[i] = value;
        for j in i + 1..dim {
            b[j] -= a[i * dim + j] * value;
        }
    }
    for i in (0..dim).rev() {
        let tail: f64 = (i + 1..dim).map(|j| a[i * dim + j] * b[j]).sum();
        b[i] = (b[i] - tail) / a[i * dim + i];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SPEC: FoldInSpec = FoldInSpec { lambda: 0.05, l2: 0.3 };

    /// Numbers without a pattern, the same on every run.
    fn noise(count: usize) -> Vec<f32> {
        let mut state = 9_u64;
        (0..count)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                ((state >> 33) as f32 / (1_u64 << 31) as f32) * 2.0 - 1.0
            })
            .collect()
    }

    fn loss(items: &[f32], dim: usize, observed: &[usize], u: &[f32]) -> f64 {
        let (lambda, l2) = (f64::from(SPEC.lambda), f64::from(SPEC.l2));
        let mut sum = l2 * u.iter().map(|v| f64::from(v * v)).sum::<f64>();
        for (i, v) in items.chunks_exact(dim).enumerate() {
            let p: f64 = u.iter().zip(v).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            sum += match observed.contains(&i) {
                true => (1.0 - lambda) * (1.0 - p) * (1.0 - p),
                false => lambda * p * p,
            };
        }
        sum
    }

    #[test]
    fn no_step_in_any_direction_lowers_the_loss() {
        for dim in [1, 3, 8] {
            let items = noise(dim * 20);
            let observed = [1, 4, 5, 11, 17, 19];
            let gram = Gram::of(dim, &items);
            let u = half_step(&SPEC, &gram, observed.len(), |i, out| {
                out.copy_from_slice(&items[observed[i] * dim..(observed[i] + 1) * dim]);
            });
            let best = loss(&items, dim, &observed, &u);
            for axis in 0..dim {
                for step in [-0.01, 0.01] {
                    let mut moved = u.clone();
                    moved[axis] += step;
                    assert!(loss(&items, dim, &observed, &moved) > best);
                }
            }
        }
    }

    #[test]
    fn from_zeros_it_is_the_fold_in_and_without_news_it_stays() {
        let dim = 5;
        let items = noise(dim * 12);
        let gram = Gram::of(dim, &items);
        let mut levels = vec![0; items.len()];
        let scales: Vec<f32> = (items.chunks_exact(dim).zip(levels.chunks_exact_mut(dim)))
            .map(|(row, out)| crate::quantize(row, out))
            .collect();
        let row = |i: usize| QuantRow {
            scale: scales[i],
            values: &levels[i * dim..(i + 1) * dim],
        };
        let new = [row(2), row(7), row(9)];
        let fresh = fold_in(&SPEC, &gram, &new);
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close(&fold_in_from(&SPEC, &gram, &vec![0.0; dim], &new), &fresh));
        let start = noise(dim);
        assert_eq!(fold_in_from(&SPEC, &gram, &start, &[]), start);
        // What is new is liked more than it was, whatever was there before.
        let moved = fold_in_from(&SPEC, &gram, &start, &new[..1]);
        let expected = new[0].dot(&start);
        let after = new[0].dot(&moved);
        assert!((1.0 - after).abs() < (1.0 - expected).abs(), "{expected} → {after}");
    }

    #[test]
    fn nothing_observed_is_the_zero_factor() {
        assert_eq!(fold_in(&SPEC, &Gram::of(2, &[1.0, 2.0]), &[]), vec![0.0, 0.0]);
    }

    #[test]
    fn a_gram_matrix_of_the_wrong_size_or_with_nan_is_refused() {
        let kind = |dim, values| Gram::new(dim, values).map_err(|error| error.kind().clone());
        assert!(matches!(
            kind(2, vec![0.0; 3]),
            Err(ErrorKind::BundleInconsistent { .. })
        ));
        assert!(matches!(
            kind(1, vec![f32::NAN]),
            Err(ErrorKind::NotFinite { index: 0, .. })
        ));
    }

    #[test]
    fn equations_that_are_not_definite_give_zeros_and_no_panic() {
        let gram = Gram::new(2, vec![-9.0, 0.0, 0.0, -9.0]).unwrap();
        let row = QuantRow {
            scale: 0.0,
            values: &[1, 1],
        };
        let spec = FoldInSpec { lambda: 0.9, l2: 0.1 };
        assert_eq!(fold_in(&spec, &gram, &[row]), vec![0.0, 0.0]);
    }
}
