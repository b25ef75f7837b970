//! `upnext-export train`: from tables to a bundle.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use upnext_export::bundle::Bundle;
use upnext_export::compile::Precision;
use upnext_export::towers::Objective;
use upnext_export::train::{Cache, TrainConfig, train};
use upnext_export::{Error, bundle};

use super::data::DataArgs;

/// Train factors, towers and ranker, and write them as a bundle
///
/// Analyses the train side, factorises who found what relevant, trains the two towers and the ranker,
/// writes ONNX, compiles it, and makes the bundle current. A step whose inputs are unchanged is not
/// done again; a run that was cut off goes on at the step where it stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export train --data data --out bundle
  upnext-export train --data data --out bundle --loss bce --epochs 8 --seed 7
  upnext-export train --data data --out bundle --weights int8")]
pub struct Train {
    #[command(flatten)]
    data: DataArgs,
    /// Bundle root: gets current.json and a directory for the bundle
    #[arg(long, value_name = "BUNDLE")]
    out: PathBuf,
    /// What the towers learn from
    #[arg(long, value_enum, default_value_t = Objective::SampledSoftmax)]
    loss: Objective,
    /// Passes over the examples with both towers; default: see the towers' configuration
    #[arg(long)]
    epochs: Option<usize>,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How the weights of the device's programs are stored: f16 halves, int8 quarters what a device loads of them
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    weights: Precision,
    /// Where results of steps are kept; default DATA/.cache
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
}

/// Which bundle a run wrote: lets an unchanged run end at once.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    id: String,
}

impl Train {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let mut config = TrainConfig::new(self.loss, self.seed);
        if let Some(epochs) = self.epochs {
            config.towers.epochs = epochs;
        }
        let work = self.work.clone().unwrap_or_else(|| self.data.dir.join(".cache"));
        let cache = Cache::new(&work, &self.data.tables()?)?;
        let current = Bundle::open(&self.out).ok().map(|bundle| bundle.id);
        let mut trained = None;
        let written = cache.step("bundle", &(config, self.weights), || {
            let data = self.data.load()?;
            let model = train(&data, &config, &cache)?;
            let id = model.write(&data, self.loss, self.weights, &self.out)?;
            trained = Some(id.clone());
            Ok(Written { id })
        })?;
        // Kept from an earlier run, and the bundle is gone or another one: the steps are kept too, so write it again.
        if trained.is_none() && current.as_deref() != Some(written.id.as_str()) {
            let data = self.data.load()?;
            train(&data, &config, &cache)?.write(&data, self.loss, self.weights, &self.out)?;
        }
        print!("{}", bundle::inspect(&self.out)?);
        Ok(())
    }
}
