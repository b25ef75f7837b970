//! How to train.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::factors::FactorConfig;
use crate::group::Group;
use crate::ranker::RankerConfig;
use crate::towers::{Objective, TowerConfig};

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Seed of everything random.
    pub seed: u64,
    /// Factorisation.
    pub factors: FactorConfig,
    /// Towers.
    pub towers: TowerConfig,
    /// Ranker.
    pub ranker: RankerConfig,
}

impl TrainConfig {
    /// The defaults for an objective and a seed.
    #[must_use]
    pub fn new(objective: Objective, seed: u64) -> TrainConfig {
        TrainConfig {
            seed,
            factors: FactorConfig {
                seed,
                ..FactorConfig::default()
            },
            towers: TowerConfig {
                seed,
                ..TowerConfig::new(objective)
            },
            ranker: RankerConfig {
                seed,
                ..RankerConfig::default()
            },
        }
    }

    /// The same without a group of features.
    #[must_use]
    pub const fn without(mut self, group: Group) -> TrainConfig {
        if group.of_towers() {
            self.towers.without = Some(group);
        } else {
            self.ranker.without = Some(group);
        }
        self
    }

    /// Sets the seed of every part.
    pub const fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
        self.factors.seed = seed;
        self.towers.seed = seed;
        self.ranker.seed = seed;
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`] naming the first option outside its range.
    pub fn check(&self) -> Result<(), Error> {
        self.factors.check()?;
        self.towers.check()?;
        self.ranker.check()
    }
}
