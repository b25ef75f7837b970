//! How the ranker is trained.

use serde::{Deserialize, Serialize};

use crate::group::Group;

/// A network that took fewer steps is about what chance made it: a small log gets more passes.
const LEAST_STEPS: usize = 1_000;
/// More passes than this over the same rows only learn them by heart.
const MOST_PASSES: usize = 100;

/// How to train the ranker.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankerConfig {
    /// Widths of the hidden layers of the head of relevance.
    pub hidden: [usize; 2],
    /// Widths of the hidden layers of the order, beside its linear path.
    pub order_hidden: [usize; 2],
    /// Candidates beside each one that was found relevant, for the order.
    pub negatives: usize,
    /// Passes over the rows, at least; see [`RankerConfig::passes`].
    pub epochs: usize,
    /// Impressions per step.
    pub batch: usize,
    /// Offers per step of the order.
    pub offers: usize,
    /// Step size of Adam.
    pub rate: f32,
    /// Step size of the order's linear path: a few weights of standardised signals, which bear a larger one.
    pub wide_rate: f32,
    /// L2 weight.
    pub l2: f32,
    /// Standardised signals are held within this.
    pub clip: f32,
    /// Seed of weights and order.
    pub seed: u64,
    /// Signals that the ranker does without, to measure what they are worth.
    pub without: Option<Group>,
}

impl Default for RankerConfig {
    fn default() -> Self {
        RankerConfig {
            hidden: [32, 16],
            order_hidden: [8, 4],
            negatives: 20,
            epochs: 10,
            batch: 256,
            offers: 32,
            rate: 5e-4,
            wide_rate: 2e-3,
            l2: 1e-4,
            clip: 5.0,
            seed: 1,
            without: None,
        }
    }
}

impl RankerConfig {
    /// Passes over what makes this many steps: `epochs`, or more where those would be fewer than 1,000 steps in all,
    /// but not over 100.
    #[must_use]
    pub fn passes(&self, steps: usize) -> usize {
        self.epochs.max(LEAST_STEPS.div_ceil(steps.max(1)).min(MOST_PASSES))
    }
}
