//! How to train the towers.

use serde::{Deserialize, Serialize};

use super::model::Widths;
use crate::Error;
use crate::group::Group;

/// What the towers learn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// In-batch sampled softmax with logQ correction, on relevant impressions.
    SampledSoftmax,
    /// Binary cross-entropy on relevant and other impressions, and on random unwatched videos.
    Bce,
}

impl Objective {
    /// The name in the manifest and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Objective::SampledSoftmax => "sampled-softmax",
            Objective::Bce => "bce",
        }
    }
}

/// How to train the towers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TowerConfig {
    /// What they learn from.
    pub objective: Objective,
    /// Width of the vectors.
    pub vector_dim: usize,
    /// Width of the hidden layer.
    pub hidden: usize,
    /// Passes over the examples in which both towers learn.
    pub epochs: usize,
    /// Passes after that in which the user tower alone learns, on the final item vectors.
    pub final_epochs: usize,
    /// Examples per step.
    pub batch: usize,
    /// Step size of Adam.
    pub rate: f32,
    /// Cosines are divided by this.
    pub temperature: f32,
    /// Share of videos in a batch whose id is hidden.
    pub id_dropout: f32,
    /// Random videos of the catalogue per batch (softmax), or per relevant example (`bce`).
    pub negatives: usize,
    /// Seed of weights, order and negatives.
    pub seed: u64,
    /// Features that the towers do without, to measure what they are worth.
    pub without: Option<Group>,
}

impl TowerConfig {
    /// The defaults for an objective.
    #[must_use]
    pub const fn new(objective: Objective) -> TowerConfig {
        TowerConfig {
            objective,
            vector_dim: 64,
            hidden: 128,
            epochs: 8,
            final_epochs: 2,
            batch: 512,
            rate: 1e-3,
            temperature: 0.1,
            id_dropout: 0.3,
            negatives: match objective {
                Objective::SampledSoftmax => 256,
                Objective::Bce => 2,
            },
            seed: 1,
            without: None,
        }
    }

    /// Widths of tables and layers.
    #[must_use]
    pub const fn widths(&self) -> Widths {
        Widths {
            id: 32,
            tag: 16,
            category: 8,
            hidden: self.hidden,
            vector: self.vector_dim,
        }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`] naming the first option outside its range.
    pub fn check(&self) -> Result<(), Error> {
        let checks = [
            ("vector-dim", (1..=512).contains(&self.vector_dim), "1 to 512"),
            ("hidden", (1..=4096).contains(&self.hidden), "1 to 4096"),
            ("epochs", (1..=1000).contains(&self.epochs), "1 to 1000"),
            ("batch", (2..=65_536).contains(&self.batch), "2 to 65536"),
            ("rate", self.rate > 0.0 && self.rate.is_finite(), "above 0"),
            (
                "temperature",
                self.temperature > 0.0 && self.temperature.is_finite(),
                "above 0",
            ),
            ("id-dropout", (0.0..=1.0).contains(&self.id_dropout), "0 to 1"),
        ];
        match checks.into_iter().find(|(_, fits, _)| !fits) {
            Some((option, _, expected)) => Err(Error::ConfigInvalid {
                option: option.to_owned(),
                reason: format!("expected {expected}"),
            }),
            None => Ok(()),
        }
    }
}
