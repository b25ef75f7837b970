//! A small world and its bundle, for tests.
#![allow(clippy::unwrap_used)]

use tempfile::TempDir;

use crate::bundle::Bundle;
use crate::compile::Precision;
use crate::simulate::{Options, simulate};
use crate::table::Dataset;
use crate::towers::Objective;
use crate::train::{Cache, TrainConfig, train};

pub fn world(seed: u64) -> Dataset {
    simulated(seed, 0.0)
}

/// A third of the people of it drift.
pub fn drifting(seed: u64) -> Dataset {
    simulated(seed, 0.33)
}

fn simulated(seed: u64, drifting: f64) -> Dataset {
    let options = Options {
        users: 120,
        videos: 150,
        days: 28,
        seed,
        drifting,
    };
    simulate(&options).unwrap().0
}

/// Trained for few passes, below `dir`.
pub fn bundle(data: &Dataset, dir: &TempDir) -> Bundle {
    let mut config = TrainConfig::new(Objective::SampledSoftmax, 3);
    config.towers.epochs = 2;
    config.towers.final_epochs = 1;
    let model = train(data, &config, &Cache::none()).unwrap();
    model
        .write(data, Objective::SampledSoftmax, Precision::F32, None, dir.path())
        .unwrap();
    Bundle::open(dir.path()).unwrap()
}
