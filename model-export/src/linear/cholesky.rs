//! Symmetric positive definite systems by Cholesky, `A = Uᵀ U`, in blocks of rows.

use super::outer::add_outer;
use super::simd::{add_scaled, dot};

/// Rows that are finished before the rest is updated by all of them at once.
const BLOCK: usize = 16;

/// Factors the upper triangle of the first `size` rows of `a`, whose rows have `stride` values, in place.
/// False where it is not positive definite in f32.
#[inline(always)]
#[must_use]
pub fn factor<const FMA: bool>(a: &mut [f32], stride: usize, size: usize) -> bool {
    let mut start = 0;
    while start < size {
        let end = (start + BLOCK).min(size);
        let (done, rest) = a.split_at_mut(end * stride);
        let panel = &mut done[start * stride..];
        for k in 0..end - start {
            let (pivots, below) = panel.split_at_mut((k + 1) * stride);
            let pivot_row = &mut pivots[k * stride..];
            let pivot = pivot_row[start + k];
            if !(pivot > 0.0 && pivot.is_finite()) {
                return false;
            }
            let inverse = 1.0 / pivot.sqrt();
            // Whole rows from the block's first column on: no ragged loops; what is left of the diagonal is not read.
            pivot_row[start..].iter_mut().for_each(|v| *v *= inverse);
            for (i, row) in below.chunks_exact_mut(stride).enumerate() {
                let factor = pivot_row[start + k + 1 + i];
                add_scaled::<FMA>(&mut row[start..], -factor, &pivot_row[start..]);
            }
        }
        add_outer::<FMA>(rest, stride, end, size, -1.0, panel);
        start = end;
    }
    true
}

/// Solves `A x = b` in place of `b`, given the factor of `A`.
#[inline(always)]
pub fn solve<const FMA: bool>(u: &[f32], stride: usize, b: &mut [f32]) {
    let size = b.len();
    for i in 0..size {
        let row = &u[i * stride..i * stride + size];
        let (done, rest) = b.split_at_mut(i + 1);
        done[i] /= row[i];
        add_scaled::<FMA>(rest, -done[i], &row[i + 1..]);
    }
    for i in (0..size).rev() {
        let row = &u[i * stride..i * stride + size];
        let (head, tail) = b.split_at_mut(i + 1);
        head[i] = (head[i] - dot::<FMA>(&row[i + 1..], tail)) / row[i];
    }
}
