//! The one kernel under exact solves: `A += ± Σ p pᵀ` on the upper triangle.

use super::simd::mul_add;

/// Rows are padded to a multiple of this many values, so that no kernel has a ragged end.
pub const WIDTH: usize = 16;

/// Rows of `A` that one tile covers: with 2 × 8 columns, twelve of the sixteen registers of AVX2 are sums.
const TALL: usize = 6;

/// Rows `p` that are summed before a tile is stored: they stay in the first cache meanwhile.
const DEEP: usize = 64;

/// The padded width of a row of `width` values.
#[must_use]
pub const fn padded(width: usize) -> usize {
    width.div_ceil(WIDTH) * WIDTH
}

/// Adds `sign · Σ p pᵀ` to the upper triangle of a square matrix, in its rows from `first` to before `end`; `a` holds
/// these rows. Rows of `a` and of `p` have `stride` values, a multiple of [`WIDTH`]. Columns left of the diagonal's tile
/// are left alone; within it, both triangles are written.
#[inline(always)]
pub fn add_outer<const FMA: bool>(a: &mut [f32], stride: usize, first: usize, end: usize, sign: f32, p: &[f32]) {
    for deep in p.chunks(DEEP * stride) {
        let mut top = first;
        while top < end {
            let rows = &mut a[(top - first) * stride..];
            if top + TALL <= end {
                tiles::<FMA, TALL>(rows, stride, top, sign, deep);
                top += TALL;
            } else {
                tiles::<FMA, 1>(rows, stride, top, sign, deep);
                top += 1;
            }
        }
    }
}

/// All tiles of the `M` rows that `rows` begins with, the first of which is row `top`, from the diagonal rightwards.
#[inline(always)]
fn tiles<const FMA: bool, const M: usize>(rows: &mut [f32], stride: usize, top: usize, sign: f32, p: &[f32]) {
    let mut left = top / WIDTH * WIDTH;
    while left < stride {
        let mut sums = [[0.0_f32; WIDTH]; M];
        for row in p.chunks_exact(stride) {
            let (Some(down), Some(across)) = (row[top..].first_chunk::<M>(), row[left..].first_chunk::<WIDTH>()) else {
                return;
            };
            for m in 0..M {
                for n in 0..WIDTH {
                    sums[m][n] = mul_add::<FMA>(down[m], across[n], sums[m][n]);
                }
            }
        }
        for (m, sums) in sums.iter().enumerate() {
            let start = m * stride + left;
            for (cell, sum) in rows[start..start + WIDTH].iter_mut().zip(sums) {
                *cell += sign * sum;
            }
        }
        left += WIDTH;
    }
}
