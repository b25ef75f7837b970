//! Samples of a belief: what may be, for exploring by Thompson sampling.

use super::belief::Belief;
use crate::hash::hash64;

impl Belief {
    /// `count` weights drawn from the belief, the same for the same belief: `m + L·z` with the Cholesky factor `L` of the
    /// covariance and standard normal `z` from hashes (the polar method: Marsaglia & Bray, *A convenient method for generating normal variables*, 1964).
    pub(super) fn samples(&self, count: usize) -> Vec<Vec<f32>> {
        let width = self.mean().len();
        let factor = cholesky(self.settled(), width);
        let sample = |number: usize| {
            let mut weights = self.mean().to_vec();
            for (column, normal) in normals(number as u64, width).into_iter().enumerate() {
                for (row, weight) in weights.iter_mut().enumerate().skip(column) {
                    *weight += factor[row * width + column] * normal;
                }
            }
            weights
        };
        (0..count).map(sample).collect()
    }
}

/// Lower triangle of the factor, in place, row-major. A pivot that rounding made 0 or negative is one that nothing is
/// uncertain about.
fn cholesky(mut matrix: Vec<f32>, width: usize) -> Vec<f32> {
    for row in 0..width {
        let (above, own) = matrix.split_at_mut(row * width);
        for column in 0..row {
            let other = &above[column * width..(column + 1) * width];
            let sum: f32 = own[..column].iter().zip(&other[..column]).map(|(a, b)| a * b).sum();
            let pivot = other[column];
            own[column] = if pivot > 0.0 { (own[column] - sum) / pivot } else { 0.0 };
        }
        let squares: f32 = own[..row].iter().map(|v| v * v).sum();
        own[row] = (own[row] - squares).max(0.0).sqrt();
    }
    matrix
}

/// Independent standard normal numbers, two from each pair of hashes that is a point within the unit circle.
fn normals(seed: u64, count: usize) -> Vec<f32> {
    // Within −1..1, neither of them.
    let even = |index: u64| {
        let bits = hash64(seed, &index.to_le_bytes()) >> 11;
        (bits as f64 + 0.5) / (1_u64 << 52) as f64 - 1.0
    };
    let mut normals = Vec::with_capacity(count + 1);
    let mut index = 0;
    while normals.len() < count {
        let (a, b) = (even(index), even(index + 1));
        index += 2;
        let square = a * a + b * b;
        if square < 1.0 {
            let stretch = libm::sqrt(-2.0 * libm::log(square) / square);
            normals.push((stretch * a) as f32);
            normals.push((stretch * b) as f32);
        }
    }
    normals.truncate(count);
    normals
}
