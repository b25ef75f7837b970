//! Weighted matrix factorisation: `Σ_obs c (1−λ)(A − u·v)² + λ Σ_unobs (u·v)² + Σ l2 ‖row‖²`, `A` = 1 where
//! somebody found a video relevant, on all cores by the solver of one's choice.

pub(crate) mod blocks;
mod config;
mod conjugate;
mod exact;
mod half;
mod loss;
mod sgd;
mod sparse;
mod spectrum;
mod subspace;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use upnext_core::fold_in::{Gram, half_step};

pub use config::{FactorConfig, Frequency, Solver};
pub use sparse::Ones;

use crate::Error;

/// Deviation of a first factor's length, whatever its width.
const FIRST: f32 = 0.1;

/// Factors of users and items, row-major, and the loss after each sweep.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Factors {
    /// Width of a factor.
    pub dim: usize,
    /// One row per user; zeros where nothing was relevant to them.
    pub users: Vec<f32>,
    /// One row per item; zeros where it was relevant to nobody.
    pub items: Vec<f32>,
    /// The whole loss after each sweep; never rises, save with gradient descent.
    pub loss: Vec<f64>,
}

/// A factorisation under way.
#[derive(Debug, Clone)]
pub struct Trainer<'a> {
    ones: &'a Ones,
    by_item: Ones,
    config: FactorConfig,
    factors: Factors,
    done: usize,
}

impl<'a> Trainer<'a> {
    /// Before the first sweep.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`] for an option outside its range.
    pub fn new(ones: &'a Ones, config: &FactorConfig) -> Result<Trainer<'a>, Error> {
        config.check()?;
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let deviation = FIRST / (config.dim as f32).sqrt();
        let normal = Normal::new(0.0, deviation).map_err(|e| Error::ConfigInvalid {
            option: "factor-dim".to_owned(),
            reason: e.to_string(),
        })?;
        let by_item = ones.transposed();
        let mut items: Vec<f32> = (0..ones.columns() * config.dim)
            .map(|_| normal.sample(&mut rng))
            .collect();
        for (item, row) in items.chunks_exact_mut(config.dim).enumerate() {
            if by_item.row(item).is_empty() {
                row.fill(0.0);
            }
        }
        Ok(Trainer {
            ones,
            by_item,
            config: *config,
            factors: Factors {
                dim: config.dim,
                users: vec![0.0; ones.rows() * config.dim],
                items,
                loss: Vec::new(),
            },
            done: 0,
        })
    }

    /// All users, then all items.
    ///
    /// # Errors
    /// [`Error::TrainingDiverged`] where factors are not finite.
    pub fn sweep(&mut self) -> Result<(), Error> {
        let Factors { users, items, .. } = &mut self.factors;
        match self.config.solver {
            Solver::Sgd => sgd::sweep(self.ones, &self.by_item, users, items, &self.config, self.done),
            _ => {
                *users = half::half(self.ones, items, users, &self.config)?;
                *items = half::half(&self.by_item, users, items, &self.config)?;
            }
        }
        self.done += 1;
        if users.iter().chain(items.iter()).all(|v| v.is_finite()) {
            return Ok(());
        }
        Err(self.diverged())
    }

    /// The whole loss as it stands.
    ///
    /// # Errors
    /// [`Error::TrainingDiverged`] where it is not finite.
    pub fn loss(&self) -> Result<f64, Error> {
        let Factors { users, items, .. } = &self.factors;
        let loss = loss::loss(self.ones, &self.by_item, users, items, &self.config);
        if loss.is_finite() {
            Ok(loss)
        } else {
            Err(self.diverged())
        }
    }

    fn diverged(&self) -> Error {
        Error::TrainingDiverged {
            step: "factorisation",
            at: format!("sweep {}", self.done),
        }
    }

    /// The factors as they stand, with every user solved once more, exactly: so that a user's factor is what a fold-in
    /// of their history gives.
    ///
    /// # Errors
    /// [`Error::TrainingDiverged`] where factors are not finite.
    pub fn factors(&self) -> Result<Factors, Error> {
        let mut factors = self.factors.clone();
        let plain = self.config.nu == 0.0 && (0..self.ones.rows()).all(|r| self.ones.confidence(r).is_empty());
        factors.users = match plain {
            true => fold_in_all(self.ones, &factors.items, &self.config),
            false => {
                let exact = FactorConfig {
                    solver: Solver::Cholesky,
                    ..self.config
                };
                half::half(self.ones, &factors.items, &factors.users, &exact)?
            }
        };
        Ok(factors)
    }
}

/// Every user by the device's own function.
fn fold_in_all(ones: &Ones, items: &[f32], config: &FactorConfig) -> Vec<f32> {
    let (dim, spec) = (config.dim, config.fold_in());
    let gram = Gram::of(dim, items);
    let mut users = vec![0.0; ones.rows() * dim];
    users.par_chunks_exact_mut(dim).enumerate().for_each(|(r, out)| {
        let columns = ones.row(r);
        out.copy_from_slice(&half_step(&spec, &gram, columns.len(), |i, row| {
            let start = columns[i] as usize * dim;
            row.copy_from_slice(&items[start..start + dim]);
        }));
    });
    users
}

/// The whole loss of some factors, by the weights of `config`.
#[must_use]
pub fn loss_of(ones: &Ones, factors: &Factors, config: &FactorConfig) -> f64 {
    loss::loss(ones, &ones.transposed(), &factors.users, &factors.items, config)
}

/// Factorises `positives` (users × items). `progress` is told sweeps done and the loss.
///
/// # Errors
/// [`Error::ConfigInvalid`] for an option outside its range, [`Error::TrainingDiverged`] where the loss is not finite.
pub fn factorise(
    positives: &Ones,
    config: &FactorConfig,
    mut progress: impl FnMut(usize, f64),
) -> Result<Factors, Error> {
    let mut trainer = Trainer::new(positives, config)?;
    for sweep in 1..=config.sweeps.max(1) {
        trainer.sweep()?;
        let loss = trainer.loss()?;
        trainer.factors.loss.push(loss);
        progress(sweep, loss);
    }
    trainer.factors()
}

#[cfg(test)]
pub(crate) mod tests;
