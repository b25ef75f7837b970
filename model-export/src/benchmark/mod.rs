//! Any split of interactions that somebody published: read, train a model, rank, and the figures that papers print.

mod config;
mod data;
mod hold_out;
mod rank;
mod read;
mod report;
mod tune;

use std::time::Instant;

pub use config::{ModelKind, Overrides, Settings};
pub(crate) use data::cases;
pub use data::{Data, Protocol, Sources, load};
pub(crate) use rank::ranked;
pub use rank::{Figures, KS, rank};
pub use read::FileFormat;
pub use report::Report;
pub use tune::{TuneConfig, Tuned, tune};

use crate::Error;
use crate::factors::{Ones, Trainer};
use crate::models::{BprConfig, ByFactors, Ease, GraphConfig, GraphFilter, ItemKnn, Model, Popular, bpr};

/// A trained model with what training it took.
pub struct Fitted {
    /// The model.
    pub model: Box<dyn Model>,
    /// The whole loss at the end, where the model has one.
    pub loss: Option<f64>,
    /// Seconds of each sweep, without the loss.
    pub sweep_seconds: Vec<f64>,
}

/// Trains `settings.model` on `ones`. `progress` is told after each sweep.
///
/// # Errors
/// [`Error::ConfigInvalid`] and [`Error::TrainingDiverged`].
pub fn fit(ones: &Ones, settings: &Settings, mut progress: impl FnMut(usize)) -> Result<Fitted, Error> {
    let mut sweep_seconds = Vec::new();
    let mut loss = None;
    let model: Box<dyn Model> = match settings.model {
        ModelKind::Wmf => {
            let mut trainer = Trainer::new(ones, &settings.factors())?;
            for sweep in 1..=settings.epochs {
                let started = Instant::now();
                trainer.sweep()?;
                sweep_seconds.push(started.elapsed().as_secs_f64());
                progress(sweep);
            }
            loss = Some(trainer.loss()?);
            Box::new(ByFactors::new(trainer.factors()?))
        }
        ModelKind::Bpr => {
            let config = BprConfig {
                dim: settings.dim,
                rate: settings.rate,
                l2: settings.reg,
                epochs: settings.epochs,
                seed: settings.seed,
            };
            let mut last = Instant::now();
            Box::new(ByFactors::new(bpr(ones, &config, |epoch| {
                sweep_seconds.push(last.elapsed().as_secs_f64());
                last = Instant::now();
                progress(epoch);
            })?))
        }
        ModelKind::Ease => Box::new(Ease::of(ones, settings.reg)?),
        ModelKind::Itemknn => Box::new(ItemKnn::of(ones, settings.neighbours, settings.shrink)),
        ModelKind::Graph => {
            let config = GraphConfig {
                rank: settings.dim,
                low_pass: settings.low_pass,
                sharpen: settings.sharpen,
                sweeps: settings.epochs,
                seed: settings.seed,
            };
            Box::new(GraphFilter::of(ones, &config, &mut progress)?)
        }
        ModelKind::Popular => Box::new(Popular::of(ones)),
    };
    Ok(Fitted {
        model,
        loss,
        sweep_seconds,
    })
}

#[cfg(test)]
mod tests;
