//! BPR (Rendle et al. 2009): factors under which what a user found relevant stands above what they did not, by
//! stochastic gradient descent over random pairs, on all cores without a race.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use rayon::prelude::*;

use crate::Error;
use crate::factors::blocks::{BLOCKS, Deal};
use crate::factors::{Factors, Ones};
use crate::linear::{Kernel, dot, with_simd};

/// Tries to draw an item that the user did not find relevant.
const TRIES: usize = 8;

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BprConfig {
    /// Width of a factor, without the items' bias.
    pub dim: usize,
    /// First step size; falls to 0 with the last epoch.
    pub rate: f32,
    /// Weight of the squared norms in each step.
    pub l2: f32,
    /// Passes over all ones.
    pub epochs: usize,
    /// Seed of everything random.
    pub seed: u64,
}

/// Factors with one coordinate more than `dim`, in which users are 1: the items' bias.
///
/// # Errors
/// [`Error::ConfigInvalid`], [`Error::TrainingDiverged`].
pub fn bpr(ones: &Ones, config: &BprConfig, mut progress: impl FnMut(usize)) -> Result<Factors, Error> {
    let positive = config.rate > 0.0 && config.rate.is_finite() && config.l2 >= 0.0;
    if !positive || !(1..=4096).contains(&config.dim) {
        return Err(Error::ConfigInvalid {
            option: "bpr".to_owned(),
            reason: "--dim must be in 1..=4096, --rate above 0, --reg at least 0".to_owned(),
        });
    }
    let dim = config.dim + 1;
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let normal = Normal::new(0.0, 0.1 / (config.dim as f32).sqrt()).map_err(|e| Error::ConfigInvalid {
        option: "--dim".to_owned(),
        reason: e.to_string(),
    })?;
    let mut side = |rows: usize, last: f32| -> Vec<f32> {
        let mut values: Vec<f32> = (0..rows * dim).map(|_| normal.sample(&mut rng)).collect();
        values.chunks_exact_mut(dim).for_each(|row| row[dim - 1] = last);
        values
    };
    let (mut users, mut items) = (side(ones.rows(), 1.0), side(ones.columns(), 0.0));
    for epoch in 0..config.epochs {
        // Dealt anew in each epoch: an item is compared with those of its block alone.
        let seed = config.seed.wrapping_add(2 * epoch as u64);
        let deals = (
            Deal::new(ones.rows(), seed),
            Deal::new(ones.columns(), seed.wrapping_add(1)),
        );
        let (mut user_blocks, mut item_blocks) = (deals.0.blocks(&users, dim), deals.1.blocks(&items, dim));
        for shift in 0..BLOCKS {
            let meetings = user_blocks.par_iter_mut().zip(item_blocks.par_iter_mut()).enumerate();
            meetings.for_each(|(b, (users, items))| {
                let blocks = (b, (b + shift) % BLOCKS);
                let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
                rng.set_stream(((epoch * BLOCKS + blocks.0) * BLOCKS + blocks.1) as u64 + 1);
                let rate = config.rate * (1.0 - epoch as f32 / config.epochs as f32);
                with_simd(Meeting {
                    ones,
                    dim,
                    rate,
                    l2: config.l2,
                    deals: (&deals.0, &deals.1),
                    blocks,
                    users,
                    items,
                    rng,
                });
            });
            item_blocks.rotate_left(1);
        }
        deals.0.gather(&user_blocks, dim, &mut users);
        deals.1.gather(&item_blocks, dim, &mut items);
        if !users.iter().chain(&items).all(|v| v.is_finite()) {
            return Err(Error::TrainingDiverged {
                step: "BPR",
                at: format!("epoch {}", epoch + 1),
            });
        }
        progress(epoch + 1);
    }
    Ok(Factors {
        dim,
        users,
        items,
        loss: Vec::new(),
    })
}

/// One block of users with one of items.
struct Meeting<'a> {
    ones: &'a Ones,
    dim: usize,
    rate: f32,
    l2: f32,
    deals: (&'a Deal, &'a Deal),
    blocks: (usize, usize),
    users: &'a mut [f32],
    items: &'a mut [f32],
    rng: ChaCha8Rng,
}

impl Kernel for Meeting<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let (dim, count) = (self.dim, self.items.len() / self.dim);
        let (user_rows, item_rows) = (self.deals.0.rows(self.blocks.0), self.deals.1.rows(self.blocks.1));
        // Places of users and items.
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        for (place, user) in user_rows.iter().enumerate() {
            let items = self
                .ones
                .row(*user as usize)
                .iter()
                .map(|item| self.deals.1.place(*item as usize));
            pairs.extend(
                items
                    .filter(|(block, _)| *block == self.blocks.1)
                    .map(|(_, item)| (place, item)),
            );
        }
        pairs.shuffle(&mut self.rng);
        let (mut good, mut bad) = (vec![0.0; dim], vec![0.0; dim]);
        for (user, item) in pairs {
            let seen = self.ones.row(user_rows[user] as usize);
            let other = (0..TRIES)
                .map(|_| self.rng.random_range(0..count))
                .find(|other| seen.binary_search(&item_rows[*other]).is_err());
            let Some(other) = other else { continue };
            let (u, i, j) = (user * dim, item * dim, other * dim);
            let u = &mut self.users[u..u + dim];
            good.copy_from_slice(&self.items[i..i + dim]);
            bad.copy_from_slice(&self.items[j..j + dim]);
            let ahead = dot::<FMA>(u, &good) - dot::<FMA>(u, &bad);
            let pull = self.rate / (1.0 + ahead.exp());
            let keep = 1.0 - self.rate * self.l2;
            for (x, (v, u)) in self.items[i..i + dim].iter_mut().zip(good.iter().zip(u.iter())) {
                *x = keep * v + pull * u;
            }
            for (x, (v, u)) in self.items[j..j + dim].iter_mut().zip(bad.iter().zip(u.iter())) {
                *x = keep * v - pull * u;
            }
            // All but the last coordinate, which is the bias's.
            for (x, (g, b)) in u[..dim - 1].iter_mut().zip(good.iter().zip(&bad)) {
                *x = keep * *x + pull * (g - b);
            }
        }
    }
}
