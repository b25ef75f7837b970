//! What can order a catalogue for a user from interactions alone: factors, neighbours, popularity. Baselines of an
//! evaluation and sources of candidates.

mod bpr;
mod ease;
mod graph;
mod item_knn;
mod popular;

pub use bpr::{BprConfig, bpr};
pub use ease::{EASE_MAX_ITEMS, Ease};
pub use graph::{GraphConfig, GraphFilter};
pub use item_knn::ItemKnn;
pub use popular::Popular;

use crate::factors::Factors;
use crate::linear::Packed;

/// A trained model.
pub trait Model: Send + Sync {
    /// Writes the scores of all items for each of `users`, row by row; greater is better.
    fn scores(&self, users: &[u32], out: &mut [f32]);
}

/// Factors, ready to score.
#[derive(Debug, Clone, PartialEq)]
pub struct ByFactors {
    factors: Factors,
    items: Packed,
}

impl ByFactors {
    /// Lays out the items' factors for products.
    #[must_use]
    pub fn new(factors: Factors) -> ByFactors {
        ByFactors {
            items: Packed::transposed(&factors.items, factors.dim),
            factors,
        }
    }
}

impl Model for ByFactors {
    fn scores(&self, users: &[u32], out: &mut [f32]) {
        let Factors { dim, users: all, .. } = &self.factors;
        let rows: Vec<f32> = users
            .iter()
            .flat_map(|u| &all[*u as usize * dim..(*u as usize + 1) * dim])
            .copied()
            .collect();
        out.fill(0.0);
        self.items.add_product(&rows, out);
    }
}

#[cfg(test)]
mod tests;
