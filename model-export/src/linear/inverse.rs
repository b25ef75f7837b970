//! Inverse of a symmetric positive definite matrix, by blocks.

use rayon::prelude::*;

use super::product::Packed;

/// Rows and columns that are exchanged at once.
const BLOCK: usize = 96;

/// Rows that one task changes.
const STRIPE: usize = 48;

/// Inverts `a`, `size × size`, symmetric and positive definite, in place on all cores: Gauss-Jordan by blocks, which needs
/// no pivoting there. False where it is not positive definite in f32.
#[must_use]
pub fn invert(a: &mut [f32], size: usize) -> bool {
    let mut start = 0;
    while start < size {
        let width = BLOCK.min(size - start);
        let Some(pivot) = small_inverse(a, size, start, width) else {
            return false;
        };
        // P · row block, then every other row takes its part of it; the block's own columns become −column · P.
        let rows = a[start * size..(start + width) * size].to_vec();
        let mut scaled = vec![0.0; rows.len()];
        Packed::new(&rows, size).add_product(&pivot, &mut scaled);
        for (row, inverse) in scaled.chunks_exact_mut(size).zip(pivot.chunks_exact(width)) {
            row[start..start + width].copy_from_slice(inverse);
        }
        let packed = Packed::new(&scaled, size);
        a.par_chunks_mut(STRIPE * size).enumerate().for_each(|(stripe, part)| {
            let mut factors = Vec::with_capacity(part.len() / size * width);
            for (i, row) in part.chunks_exact_mut(size).enumerate() {
                let inside = (start..start + width).contains(&(stripe * STRIPE + i));
                let own = &mut row[start..start + width];
                factors.extend(own.iter().map(|v| if inside { 0.0 } else { -v }));
                own.fill(0.0);
            }
            packed.add_product(&factors, part);
        });
        a[start * size..(start + width) * size].copy_from_slice(&scaled);
        start += width;
    }
    true
}

/// Inverse of the block on the diagonal, in f64.
fn small_inverse(a: &[f32], size: usize, start: usize, width: usize) -> Option<Vec<f32>> {
    let mut m: Vec<f64> = (start..start + width)
        .flat_map(|i| {
            a[i * size + start..i * size + start + width]
                .iter()
                .map(|v| f64::from(*v))
        })
        .collect();
    for k in 0..width {
        let pivot = m[k * width + k];
        if !(pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        m[k * width + k] = 1.0;
        m[k * width..(k + 1) * width].iter_mut().for_each(|v| *v /= pivot);
        let row = m[k * width..(k + 1) * width].to_vec();
        for i in (0..width).filter(|i| *i != k) {
            let target = &mut m[i * width..(i + 1) * width];
            let factor = std::mem::take(&mut target[k]);
            target.iter_mut().zip(&row).for_each(|(t, r)| *t -= factor * r);
        }
    }
    Some(m.into_iter().map(|v| v as f32).collect())
}
