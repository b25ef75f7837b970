//! What a policy would have earned, from the log of another one.
//!
//! A log tells the rewards of what was shown. Their mean is the value of the policy that showed it, and a biased estimate
//! of any other's. Where the log says with what chance `p` it showed each video (its propensity), or showed all alike, the
//! value of a policy that would have shown it with chance `π` can be estimated, `w = π / p`:
//!
//! | estimator | formula | from |
//! |---|---|---|
//! | `ips` | `Σ w·r / n` | Horvitz and Thompson 1952, *A generalization of sampling without replacement from a finite universe* |
//! | `snips` | `Σ w·r / Σ w` | Swaminathan and Joachims 2015, *The self-normalized estimator for counterfactual learning* |
//! | `dr` | `Σ (Σᵥ π(v)·r̂(v) + w·(r − r̂)) / n` | Dudík, Langford and Li 2011, *Doubly robust policy evaluation and learning* |
//! | `replay` | `Σ π·r / Σ π`, uniformly random logs only | Li, Chu, Langford and Wang 2011, *Unbiased offline evaluation of contextual-bandit-based news article recommendation algorithms* |
//!
//! `r̂` is [`RewardModel`]. Weights may be clipped at a largest one, which trades variance for bias (Ionides 2008,
//! *Truncated importance sampling*). The effective sample size is Kish's, `(Σ w)² / Σ w²`.
//!
//! All of this needs **support**: what the policy would show, the log must have been able to show. Where it has it, the
//! mean of the unclipped weights is 1; below 1, that share of the policy is all that the log can speak of. Each place
//! is judged for itself: what else stands in a slate changes nothing here.

mod estimate;
mod model;

pub use estimate::{ESTIMATORS, Estimates, Estimator, Logged, estimate};
pub use model::RewardModel;
pub use upnext_core::reward::{COMPLETED_FRACTION, Reward};

use crate::Error;
use crate::table::{Dataset, utc};

/// What a log says of the chances of what it showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogKind {
    /// Every impression has its propensity.
    Propensities,
    /// Everything that could be shown was shown with the same chance; no propensities are needed.
    Uniform,
}

/// How to estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OffPolicyConfig {
    /// What the log says.
    pub log: LogKind,
    /// Larger weights count as this much; `None`: as they are.
    pub clip: Option<f64>,
}

impl OffPolicyConfig {
    /// Checks the range.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`] for a clip that is not above 0.
    pub fn check(&self) -> Result<(), Error> {
        match self.clip {
            Some(clip) if !(clip > 0.0 && clip.is_finite()) => Err(Error::ConfigInvalid {
                option: "--clip-weights".to_owned(),
                reason: format!("is {clip}, needed is a number above 0"),
            }),
            _ => Ok(()),
        }
    }
}

/// The propensity of an impression.
///
/// # Errors
/// [`Error::PropensityUnusable`] where there is none, or it is no chance: not above 0, or above 1.
pub fn propensity(data: &Dataset, row: usize) -> Result<f64, Error> {
    let table = &data.interactions;
    let found = table.propensity[row].map(f64::from);
    match found {
        Some(p) if p > 0.0 && p <= 1.0 => Ok(p),
        _ => Err(Error::PropensityUnusable {
            user: data.users.ids.name(table.user[row]).to_owned(),
            video: data.videos.ids.name(table.video[row]).to_owned(),
            at: utc(table.at_ms[row]),
            found: found.map_or("missing".to_owned(), |p| p.to_string()),
        }),
    }
}

#[cfg(test)]
pub(crate) mod tests;
