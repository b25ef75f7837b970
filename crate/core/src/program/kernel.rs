//! The inner loops. Each has one order of summation, written out, so that native code and every
//! WebAssembly engine give the same bits; the compiler may vectorise but not reorder.
//!
//! There are no intrinsics and no `unsafe`: with simd128 the tiles below compile to the code that
//! hand-written `f32x4` gives (512 × 128 in Node 20: 23 µs both, medians of three on a busy machine).

/// `out = bias + x · weights`, weights `x.len() × out.len()` row-major. Each output starts at its
/// bias (or zero) and adds its products in the order of `x`, unfused.
///
/// Slices of other lengths are cut to the shortest that fits; the caller has checked them.
pub fn dense(x: &[f32], weights: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
    match bias {
        Some(bias) => out.iter_mut().zip(bias).for_each(|(o, b)| *o = *b),
        None => out.fill(0.0),
    }
    // Eight SIMD registers of sums were the fastest width, four or sixteen a third slower.
    let column = tiles::<32>(x, weights, out, 0);
    let column = tiles::<8>(x, weights, out, column);
    tiles::<1>(x, weights, out, column);
}

/// Adds the products of the outputs from `column` on, `N` side by side; returns the first column
/// that is left over.
fn tiles<const N: usize>(x: &[f32], weights: &[f32], out: &mut [f32], mut column: usize) -> usize {
    let width = out.len();
    for tile in out[column..].as_chunks_mut::<N>().0 {
        let mut sums = *tile;
        for (value, row) in x.iter().zip(weights.chunks_exact(width)) {
            let Some(row) = row[column..].first_chunk::<N>() else {
                break;
            };
            for (sum, weight) in sums.iter_mut().zip(row) {
                *sum += *value * *weight;
            }
        }
        *tile = sums;
        column += N;
    }
    column
}

/// Mean of the rows `ids` of `table`, over those that are not 0; zeros where all are.
/// Rows are `out.len()` wide and summed in the order of `ids`.
pub fn gather_mean(ids: &[u32], table: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    let width = out.len();
    let mut count = 0_u32;
    for id in ids.iter().filter(|id| **id != 0) {
        let row = table.chunks_exact(width.max(1)).nth(*id as usize).unwrap_or(&[]);
        out.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        count += 1;
    }
    if count > 0 {
        out.iter_mut().for_each(|sum| *sum /= count as f32);
    }
}

/// `x / max(‖x‖₂, floor)` in place; the norm is summed in f64.
pub fn l2_normalise(x: &mut [f32], floor: f32) {
    let square: f64 = x.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
    let norm = (libm::sqrt(square) as f32).max(floor);
    for v in x {
        *v /= norm;
    }
}

/// `1 / (1 + e^−x)`.
#[must_use]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

/// Dot product in eight lanes, folded pairwise: the one order in which vectors are compared.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_tiles, a_rest) = a.as_chunks::<8>();
    let (b_tiles, b_rest) = b.as_chunks::<8>();
    let mut lanes = [0.0_f32; 8];
    for (x, y) in a_tiles.iter().zip(b_tiles) {
        for ((lane, u), v) in lanes.iter_mut().zip(x).zip(y) {
            *lane += u * v;
        }
    }
    let [l0, l1, l2, l3, l4, l5, l6, l7] = lanes;
    let mut sum = ((l0 + l4) + (l1 + l5)) + ((l2 + l6) + (l3 + l7));
    for (u, v) in a_rest.iter().zip(b_rest) {
        sum += u * v;
    }
    sum
}
