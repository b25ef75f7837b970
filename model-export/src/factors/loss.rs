//! The whole loss of a factorisation.

use rayon::prelude::*;

use super::config::FactorConfig;
use super::sparse::Ones;
use crate::linear::{Kernel, dot, gram, with_simd};

/// Rows that one task sums.
const TASK: usize = 64;

/// `Σ_obs c (1−λ)(1 − u·v)² + λ Σ_unobs (u·v)² + Σ l2 ‖row‖²`. `Σ (u·v)²` over all pairs is the sum of products of the two
/// Gram matrices.
#[must_use]
pub fn loss(ones: &Ones, by_item: &Ones, users: &[f32], items: &[f32], config: &FactorConfig) -> f64 {
    let dim = config.dim;
    let tasks: Vec<f64> = (0..ones.rows().div_ceil(TASK))
        .into_par_iter()
        .map(|task| {
            with_simd(Observed {
                ones,
                users,
                items,
                config,
                rows: task * TASK..((task + 1) * TASK).min(ones.rows()),
            })
        })
        .collect();
    let all: f64 = gram(users, dim).iter().zip(gram(items, dim)).map(|(a, b)| a * b).sum();
    tasks.iter().sum::<f64>()
        + f64::from(config.lambda) * all
        + norms(ones, users, config)
        + norms(by_item, items, config)
}

/// What the squared norms of one side weigh.
fn norms(ones: &Ones, factors: &[f32], config: &FactorConfig) -> f64 {
    let rows = factors.chunks_exact(config.dim).enumerate();
    rows.map(|(r, row)| {
        let total: f32 = ones.weighted(r).map(|(_, confidence)| confidence).sum();
        let l2 = config.row_l2(ones.row(r).len(), total, ones.columns());
        f64::from(l2) * row.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>()
    })
    .sum()
}

/// The observed pairs of some rows, less what the sum over all pairs has of them.
struct Observed<'a> {
    ones: &'a Ones,
    users: &'a [f32],
    items: &'a [f32],
    config: &'a FactorConfig,
    rows: std::ops::Range<usize>,
}

impl Kernel for Observed<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        let (dim, lambda) = (self.config.dim, f64::from(self.config.lambda));
        let mut sum = 0.0;
        for r in self.rows {
            let u = &self.users[r * dim..(r + 1) * dim];
            for (column, confidence) in self.ones.weighted(r) {
                let start = column as usize * dim;
                let p = f64::from(dot::<FMA>(u, &self.items[start..start + dim]));
                sum += f64::from(confidence) * (1.0 - lambda) * (1.0 - p) * (1.0 - p) - lambda * p * p;
            }
        }
        sum
    }
}
