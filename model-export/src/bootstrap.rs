//! How sure a figure is: users are drawn with replacement, all that belongs to a user with them.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Share of the draws that an interval holds.
pub const SHARE: f64 = 0.95;
/// Seed of the draws.
const SEED: u64 = 11;

/// A figure with the interval that holds 95 % of its values over draws of users.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The figure itself.
    pub value: f64,
    /// 2.5 % of the draws are below.
    pub low: f64,
    /// 2.5 % of the draws are above.
    pub high: f64,
}

impl Interval {
    /// The interval of a figure from its values over draws; those that are not finite are left out.
    #[must_use]
    pub fn of(value: f64, draws: impl Iterator<Item = f64>) -> Interval {
        let mut draws: Vec<f64> = draws.filter(|v| v.is_finite()).collect();
        draws.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (share * draws.len().saturating_sub(1) as f64).round() as usize;
            draws.get(place).copied().unwrap_or(value)
        };
        Interval {
            value,
            low: at((1.0 - SHARE) / 2.0),
            high: at((1.0 + SHARE) / 2.0),
        }
    }

    /// Whether a value lies in it, its ends included.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// How often each of `users` is drawn in the draw of this number.
#[must_use]
pub fn draw(users: usize, number: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED ^ (number << 16));
    let mut times = vec![0.0; users];
    for _ in 0..users {
        times[rng.random_range(0..users)] += 1.0;
    }
    times
}
