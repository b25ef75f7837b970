//! How the ranker is trained.

use serde::{Deserialize, Serialize};
use upnext_core::head::{Head, HeadWeights};

use super::offers::OfferMoment;
use super::watched::WatchedUnit;
use crate::Error;
use crate::group::Group;

/// A network that took fewer steps is about what chance made it: a small log gets more passes.
const LEAST_STEPS: usize = 1_000;
/// More passes than this over the same rows only learn them by heart.
const MOST_PASSES: usize = 100;

/// A number for each head.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PerHead {
    /// For [`Head::Relevant`].
    pub relevant: f32,
    /// For [`Head::Liked`].
    pub liked: f32,
    /// For [`Head::Finished`].
    pub finished: f32,
    /// For [`Head::Watched`].
    pub watched: f32,
}

impl PerHead {
    /// In the order of [`Head::ALL`].
    #[must_use]
    pub const fn all(self) -> [f32; Head::ALL.len()] {
        [self.relevant, self.liked, self.finished, self.watched]
    }

    /// As weights of a manifest, of the heads that were taught.
    #[must_use]
    pub fn of_taught(self, taught: [bool; Head::ALL.len()]) -> HeadWeights {
        let [_, liked, finished, watched] = taught;
        HeadWeights {
            relevant: Some(self.relevant),
            liked: liked.then_some(self.liked),
            finished: finished.then_some(self.finished),
            watched: watched.then_some(self.watched),
        }
    }
}

/// How to train the ranker.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankerConfig {
    /// Widths of the hidden layers that the heads share.
    pub hidden: [usize; 2],
    /// Widths of the hidden layers of the order, beside its linear path.
    pub order_hidden: [usize; 2],
    /// Candidates beside each one that was found relevant, for the order.
    pub negatives: usize,
    /// As of when the viewer is known to whom these are offered.
    pub offer_moment: OfferMoment,
    /// Power of the number of a user's offers by which each weighs less: 0, each offer weighs alike; 1, each user does.
    pub offer_balance: f32,
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
    /// What each head's cross-entropy weighs in the loss; 0: the head is not taught.
    pub loss: PerHead,
    /// What the head of what is watched foretells.
    pub watched: WatchedUnit,
    /// What each head weighs in the order of a slate: the bundle's `head_weights`.
    pub score: PerHead,
    /// Share of the impressions, the last in time, on which the heads are calibrated; 0: they are not.
    pub hold_out: f32,
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
            offer_moment: OfferMoment::Visit,
            offer_balance: 0.0,
            epochs: 10,
            batch: 256,
            offers: 32,
            rate: 5e-4,
            wide_rate: 2e-3,
            l2: 1e-4,
            clip: 5.0,
            loss: PerHead {
                relevant: 1.0,
                liked: 0.25,
                finished: 0.25,
                watched: 0.25,
            },
            watched: WatchedUnit::Fraction,
            score: PerHead {
                relevant: 1.0,
                liked: 0.0,
                finished: 0.0,
                watched: 0.0,
            },
            hold_out: 0.2,
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

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`] naming the first option outside its range.
    pub fn check(&self) -> Result<(), Error> {
        let width = |widths: [usize; 2]| widths.iter().all(|width| (1..=1024).contains(width));
        let positive = |value: f32| value > 0.0 && value.is_finite();
        let (loss, score) = (self.loss.all(), self.score.all());
        let checks = [
            ("hidden", width(self.hidden), "1 to 1024 each"),
            ("order_hidden", width(self.order_hidden), "1 to 1024 each"),
            ("negatives", (1..=500).contains(&self.negatives), "1 to 500"),
            ("offer_balance", (0.0..=1.0).contains(&self.offer_balance), "0 to 1"),
            ("epochs", self.epochs <= 1000, "0 to 1000"),
            ("batch", (1..=65_536).contains(&self.batch), "1 to 65536"),
            ("offers", (1..=65_536).contains(&self.offers), "1 to 65536"),
            ("rate", positive(self.rate), "above 0"),
            ("wide_rate", positive(self.wide_rate), "above 0"),
            ("l2", self.l2 >= 0.0 && self.l2.is_finite(), "0 or more"),
            ("clip", positive(self.clip), "above 0"),
            ("loss.relevant", positive(self.loss.relevant), "above 0"),
            (
                "loss",
                loss.iter().all(|weight| (0.0..=100.0).contains(weight)),
                "0 to 100 each",
            ),
            (
                "score",
                score.iter().all(|weight| (0.0..=1.0).contains(weight)) && score.iter().any(|weight| *weight > 0.0),
                "0 to 1 each, one above 0",
            ),
            ("hold_out", (0.0..=0.5).contains(&self.hold_out), "0 to 0.5"),
        ];
        match checks.into_iter().find(|(_, fits, _)| !fits) {
            Some((option, _, expected)) => Err(Error::ConfigInvalid {
                option: format!("ranker.{option}"),
                reason: format!("expected {expected}"),
            }),
            None => Ok(()),
        }
    }
}
