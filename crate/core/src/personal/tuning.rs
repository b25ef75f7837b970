//! What of the head was chosen by measurement. A receipt replays with the choice of its day.

use serde::Serialize;

/// How much the head believes of a viewer, for how long, and from when on it acts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Tuning {
    /// Prior variance of what the unit vector of a video adds, in logits squared: above 0.
    pub variance: f32,
    /// Days in which half of what was learnt is forgotten: above 0.
    pub half_life_days: f64,
    /// Gain over the ranker alone, in nats, above which the head acts.
    pub least_gain: f64,
    /// What of that gain is left after another encounter, 0..=1.
    pub gain_kept: f64,
}

impl Tuning {
    /// That of slates of the first version.
    pub const FIRST: Tuning = Tuning {
        variance: 0.5,
        half_life_days: 7.0,
        least_gain: 0.5,
        gain_kept: 0.98,
    };
    /// That of slates of today, chosen on simulated worlds of the seeds 1 to 3: docs/learning.md, "Whom it helps".
    pub const CURRENT: Tuning = Tuning {
        variance: 1.0,
        half_life_days: 7.0,
        least_gain: 0.0,
        gain_kept: 0.98,
    };
}

impl Default for Tuning {
    /// [`Tuning::CURRENT`].
    fn default() -> Tuning {
        Tuning::CURRENT
    }
}
