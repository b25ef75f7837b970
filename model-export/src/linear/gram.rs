//! Gram matrices of tall matrices.

use rayon::prelude::*;

use super::outer::{add_outer, padded};
use super::simd::{Kernel, with_simd};

/// Rows that are summed in f32 before f64 takes over.
const STRIPE: usize = 1024;

/// Stripes that are held at a time.
const HELD: usize = 32;

/// `Σ v vᵀ` over the rows of a row-major matrix with `width` columns, on all cores. Stripes are summed in f32, their
/// sums in f64 and in order: the same bits whatever the number of threads.
#[must_use]
pub fn gram(rows: &[f32], width: usize) -> Vec<f64> {
    let mut sum = vec![0.0_f64; width * width];
    if width == 0 {
        return sum;
    }
    let stride = padded(width);
    for some in rows.chunks(STRIPE * width * HELD) {
        let stripes: Vec<Vec<f32>> = some
            .par_chunks(STRIPE * width)
            .map(|rows| with_simd(Stripe { rows, width, stride }))
            .collect();
        for part in stripes {
            for (i, (sum, part)) in sum.chunks_exact_mut(width).zip(part.chunks_exact(stride)).enumerate() {
                sum[i..]
                    .iter_mut()
                    .zip(&part[i..])
                    .for_each(|(s, p)| *s += f64::from(*p));
            }
        }
    }
    for i in 0..width {
        (0..i).for_each(|j| sum[i * width + j] = sum[j * width + i]);
    }
    sum
}

struct Stripe<'a> {
    rows: &'a [f32],
    width: usize,
    stride: usize,
}

impl Kernel for Stripe<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Vec<f32> {
        let Stripe { rows, width, stride } = self;
        let mut part = vec![0.0; width * stride];
        if stride == width {
            add_outer::<FMA>(&mut part, stride, 0, width, 1.0, rows);
        } else {
            let mut wide = vec![0.0; rows.len() / width * stride];
            for (target, row) in wide.chunks_exact_mut(stride).zip(rows.chunks_exact(width)) {
                target[..width].copy_from_slice(row);
            }
            add_outer::<FMA>(&mut part, stride, 0, width, 1.0, &wide);
        }
        part
    }
}
