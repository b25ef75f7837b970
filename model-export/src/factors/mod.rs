//! Weighted matrix factorisation: `Σ_obs (1−λ)(A − u·v)² + λ Σ_unobs (u·v)² + L2`, `A` = 1 where
//! somebody found a video relevant, solved by alternating least squares on all cores.

mod sparse;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use upnext_core::feature::spec::FoldInSpec;
use upnext_core::fold_in::{Gram, half_step};

pub use sparse::Ones;

use crate::Error;

/// How to factorise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FactorConfig {
    /// Width of a factor.
    pub dim: usize,
    /// λ: weight of the unobserved, 0..1. `implicit` calls `(1 − λ) / λ` alpha.
    pub lambda: f32,
    /// Weight of the squared norms, > 0.
    pub l2: f32,
    /// Sweeps; each solves all users, then all items.
    pub sweeps: usize,
    /// Seed of the first item factors.
    pub seed: u64,
}

impl Default for FactorConfig {
    fn default() -> Self {
        FactorConfig {
            dim: 64,
            lambda: 0.1,
            l2: 2.0,
            sweeps: 10,
            seed: 1,
        }
    }
}

impl FactorConfig {
    /// The fold-in that belongs to these factors.
    #[must_use]
    pub fn fold_in(&self) -> FoldInSpec {
        FoldInSpec {
            lambda: self.lambda,
            l2: self.l2,
        }
    }

    fn check(&self) -> Result<(), Error> {
        let bad = |option: &str, reason: String| {
            Err(Error::ConfigInvalid {
                option: option.to_owned(),
                reason,
            })
        };
        if !(1..=512).contains(&self.dim) {
            return bad("factor-dim", format!("{} is not in 1..=512", self.dim));
        }
        if !(self.lambda > 0.0 && self.lambda <= 0.5) {
            return bad("lambda", format!("{} must be above 0, at most 0.5", self.lambda));
        }
        if !(self.l2 > 0.0 && self.l2.is_finite()) {
            return bad("l2", format!("{} must be above 0", self.l2));
        }
        Ok(())
    }
}

/// Factors of users and items, row-major, and the loss after each sweep.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Factors {
    /// Width of a factor.
    pub dim: usize,
    /// One row per user; zeros where nothing was relevant to them.
    pub users: Vec<f32>,
    /// One row per item; zeros where it was relevant to nobody.
    pub items: Vec<f32>,
    /// The whole loss after each sweep; never rises.
    pub loss: Vec<f64>,
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
    config.check()?;
    let by_item = positives.transposed();
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let scale = 1.0 / (config.dim as f32).sqrt();
    let mut factors = Factors {
        dim: config.dim,
        users: Vec::new(),
        items: (0..positives.columns() * config.dim)
            .map(|_| scale * (rng.random::<f32>() - 0.5))
            .collect(),
        loss: Vec::new(),
    };
    for sweep in 1..=config.sweeps.max(1) {
        factors.users = half(positives, &factors.items, config);
        factors.items = half(&by_item, &factors.users, config);
        let loss = loss(positives, &factors, config);
        if !loss.is_finite() {
            return Err(Error::TrainingDiverged {
                step: "factorisation",
                at: format!("sweep {sweep}"),
            });
        }
        factors.loss.push(loss);
        progress(sweep, loss);
    }
    // Users once more, so that their factors are exactly what a fold-in of their history gives.
    factors.users = half(positives, &factors.items, config);
    Ok(factors)
}

/// Solves every row of `ones` against the `fixed` factors of its columns.
fn half(ones: &Ones, fixed: &[f32], config: &FactorConfig) -> Vec<f32> {
    let (dim, spec) = (config.dim, config.fold_in());
    let gram = Gram::of(dim, fixed);
    let mut solved = vec![0.0; ones.rows() * dim];
    solved.par_chunks_exact_mut(dim).enumerate().for_each(|(r, out)| {
        let columns = ones.row(r);
        out.copy_from_slice(&half_step(&spec, &gram, columns.len(), |i, row| {
            let start = columns[i] as usize * dim;
            row.copy_from_slice(&fixed[start..start + dim]);
        }));
    });
    solved
}

/// The whole loss. `Σ (u·v)²` over all pairs is the sum of products of the two Gram matrices.
fn loss(positives: &Ones, factors: &Factors, config: &FactorConfig) -> f64 {
    let dim = factors.dim;
    let (lambda, l2) = (f64::from(config.lambda), f64::from(config.l2));
    let observed: f64 = (0..positives.rows())
        .into_par_iter()
        .map(|r| {
            let u = &factors.users[r * dim..(r + 1) * dim];
            let of_row = |c: &u32| {
                let v = &factors.items[*c as usize * dim..(*c as usize + 1) * dim];
                let p = u.iter().zip(v).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
                (1.0 - lambda) * (1.0 - p) * (1.0 - p) - lambda * p * p
            };
            positives.row(r).iter().map(of_row).sum::<f64>()
        })
        .collect::<Vec<_>>()
        .iter()
        .sum();
    let (users, items) = (Gram::of(dim, &factors.users), Gram::of(dim, &factors.items));
    let all: f64 = users
        .values()
        .iter()
        .zip(items.values())
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum();
    let norms: f64 = factors
        .users
        .iter()
        .chain(&factors.items)
        .map(|v| f64::from(*v) * f64::from(*v))
        .sum();
    observed + lambda * all + l2 * norms
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn config(dim: usize) -> FactorConfig {
        FactorConfig {
            dim,
            lambda: 0.05,
            l2: 0.05,
            sweeps: 15,
            seed: 3,
        }
    }

    fn score(f: &Factors, user: usize, item: usize) -> f32 {
        let (u, v) = (
            &f.users[user * f.dim..(user + 1) * f.dim],
            &f.items[item * f.dim..(item + 1) * f.dim],
        );
        u.iter().zip(v).map(|(a, b)| a * b).sum()
    }

    /// Users like the items of their own parity, and the one held out is of that parity.
    fn checkerboard(size: usize) -> Ones {
        let own = move |u: usize| (0..size).filter(move |i| i % 2 == u % 2 && (u + 4) % size != *i);
        Ones::from_pairs(
            size,
            size,
            (0..size).flat_map(|u| own(u).map(move |i| (u as u32, i as u32))),
        )
    }

    #[test]
    fn on_a_checkerboard_the_held_out_item_comes_before_all_items_of_the_other_colour() {
        let f = factorise(&checkerboard(50), &config(6), |_, _| {}).unwrap();
        for user in 0..50 {
            let held_out = score(&f, user, (user + 4) % 50);
            for other in (0..50).filter(|i| i % 2 != user % 2) {
                assert!(held_out > score(&f, user, other) + 0.3);
            }
        }
    }

    #[test]
    fn the_loss_never_rises_and_is_the_sum_of_the_definition() {
        let (positives, config) = (checkerboard(30), config(5));
        let mut told = Vec::new();
        let f = factorise(&positives, &config, |sweep, loss| told.push((sweep, loss))).unwrap();
        assert!(f.loss.windows(2).all(|w| w[1] <= w[0] * (1.0 + 1e-6)), "{:?}", f.loss);
        assert_eq!(told.len(), config.sweeps);
        let mut naive = 0.0;
        for user in 0..30 {
            for item in 0..30 {
                let p = f64::from(score(&f, user, item));
                naive += match positives.row(user).contains(&(item as u32)) {
                    true => 0.95 * (1.0 - p) * (1.0 - p),
                    false => 0.05 * p * p,
                };
            }
        }
        naive += 0.05 * f.users.iter().chain(&f.items).map(|v| f64::from(v * v)).sum::<f64>();
        assert!((loss(&positives, &f, &config) - naive).abs() < 1e-4 * naive);
    }

    /// Gauss-Jordan on the dense equations, one user at a time.
    fn naive_user(positives: &Ones, f: &Factors, config: &FactorConfig, user: usize) -> Vec<f64> {
        let dim = f.dim;
        let mut m = vec![vec![0.0_f64; dim + 1]; dim];
        for (item, v) in f.items.chunks_exact(dim).enumerate() {
            let observed = positives.row(user).contains(&(item as u32));
            let weight = f64::from(if observed { 1.0 - config.lambda } else { config.lambda });
            for i in 0..dim {
                for j in 0..dim {
                    m[i][j] += weight * f64::from(v[i]) * f64::from(v[j]);
                }
                m[i][dim] += if observed { weight * f64::from(v[i]) } else { 0.0 };
            }
        }
        (0..dim).for_each(|i| m[i][i] += f64::from(config.l2));
        for k in 0..dim {
            let pivot = m[k].clone();
            m[k].iter_mut().for_each(|v| *v /= pivot[k]);
            let pivot = m[k].clone();
            for (i, row) in m.iter_mut().enumerate().filter(|(i, _)| *i != k) {
                let _ = i;
                let factor = row[k];
                row.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= factor * p);
            }
        }
        m.iter().map(|row| row[dim]).collect()
    }

    #[test]
    fn user_factors_equal_a_naive_dense_solve() {
        let (positives, config) = (checkerboard(20), config(4));
        let f = factorise(&positives, &config, |_, _| {}).unwrap();
        for user in 0..20 {
            for (fast, naive) in f.users[user * 4..]
                .iter()
                .zip(naive_user(&positives, &f, &config, user))
            {
                assert!((f64::from(*fast) - naive).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn equal_seeds_give_equal_bits_and_somebody_without_events_is_zero() {
        let positives = Ones::from_pairs(4, 3, [(0, 0), (0, 1), (1, 1), (2, 2)]);
        let a = factorise(&positives, &config(3), |_, _| {}).unwrap();
        assert_eq!(a, factorise(&positives, &config(3), |_, _| {}).unwrap());
        assert_eq!(a.users[9..], [0.0; 3]);
    }

    #[test]
    fn what_cannot_be_factorised_is_said_by_code() {
        use upnext_core::Code;
        let wrong = FactorConfig {
            lambda: 1.0,
            ..config(2)
        };
        assert_eq!(
            factorise(&checkerboard(4), &wrong, |_, _| {}).unwrap_err().code(),
            Code::ConfigInvalid
        );
    }
}
