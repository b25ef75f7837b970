//! Spherical k-means: clusters of unit vectors by cosine, the same for the same input.

use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

const ROUNDS: usize = 12;

/// The cluster of every row, in `0..k`; `k` is at most the number of rows.
pub fn clusters(vectors: &[f32], dim: usize, k: usize, seed: u64) -> Vec<usize> {
    let rows = vectors.len().checked_div(dim).unwrap_or(0);
    let k = k.min(rows);
    if k <= 1 {
        return vec![0; rows];
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut picked = sample(&mut rng, rows, k).into_vec();
    picked.sort_unstable();
    let mut centres: Vec<f32> = picked
        .iter()
        .flat_map(|row| &vectors[row * dim..(row + 1) * dim])
        .copied()
        .collect();
    let mut of = vec![0; rows];
    for _ in 0..ROUNDS {
        let next: Vec<usize> = vectors
            .par_chunks_exact(dim)
            .map(|row| nearest(row, &centres, dim))
            .collect();
        if next == of {
            break;
        }
        of = next;
        move_centres(&mut centres, vectors, dim, &of);
    }
    of
}

/// The first of the centres with the largest dot product.
fn nearest(row: &[f32], centres: &[f32], dim: usize) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (index, centre) in centres.chunks_exact(dim).enumerate() {
        let dot: f32 = row.iter().zip(centre).map(|(a, b)| a * b).sum();
        if dot > best.1 {
            best = (index, dot);
        }
    }
    best.0
}

/// Each centre to the direction of the sum of its rows; one without rows stays where it is.
fn move_centres(centres: &mut [f32], vectors: &[f32], dim: usize, of: &[usize]) {
    let mut sums = vec![0.0_f64; centres.len()];
    for (row, cluster) in vectors.chunks_exact(dim).zip(of) {
        for (s, v) in sums[cluster * dim..(cluster + 1) * dim].iter_mut().zip(row) {
            *s += f64::from(*v);
        }
    }
    for (centre, sum) in centres.chunks_exact_mut(dim).zip(sums.chunks_exact(dim)) {
        let norm = sum.iter().map(|s| s * s).sum::<f64>().sqrt();
        if norm > 0.0 {
            for (c, s) in centre.iter_mut().zip(sum) {
                *c = (s / norm) as f32;
            }
        }
    }
}
