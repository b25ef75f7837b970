//! Stochastic gradient descent on the same loss, on all cores without a race ([`super::blocks`]).

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::blocks::{BLOCKS, Deal};
use super::config::FactorConfig;
use super::sparse::Ones;
use crate::linear::{Kernel, add_scaled, dot, with_simd};

/// Random pairs that stand for all unobserved ones, for each observed.
const SAMPLES: usize = 8;

/// L2 of a row's step for each of its observed.
fn shares(ones: &Ones, config: &FactorConfig) -> Vec<f32> {
    let share = |r| {
        let count = ones.row(r).len();
        let total: f32 = ones.weighted(r).map(|(_, confidence)| confidence).sum();
        config.row_l2(count, total, ones.columns()) / count.max(1) as f32
    };
    (0..ones.rows()).map(share).collect()
}

/// One pass over all observed, `sweep` of `config.sweeps` counted from 0; the step size falls to 0 with the last.
pub fn sweep(ones: &Ones, by_item: &Ones, users: &mut [f32], items: &mut [f32], config: &FactorConfig, sweep: usize) {
    let dim = config.dim;
    let (user_share, item_share) = (shares(ones, config), shares(by_item, config));
    let deals = (
        Deal::new(ones.rows(), config.seed),
        Deal::new(ones.columns(), config.seed + 1),
    );
    let (mut user_blocks, mut item_blocks) = (deals.0.blocks(users, dim), deals.1.blocks(items, dim));
    let rate = config.rate * (1.0 - sweep as f32 / config.sweeps.max(1) as f32);
    for shift in 0..BLOCKS {
        let meetings = user_blocks.par_iter_mut().zip(item_blocks.par_iter_mut()).enumerate();
        meetings.for_each(|(b, (users, items))| {
            let item_block = (b + shift) % BLOCKS;
            let stream = ((sweep * BLOCKS + b) * BLOCKS + item_block) as u64;
            let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
            rng.set_stream(stream + 1);
            with_simd(Meeting {
                ones,
                config,
                rate,
                user_share: &user_share,
                item_share: &item_share,
                deals: (&deals.0, &deals.1),
                blocks: (b, item_block),
                users,
                items,
                rng,
            });
        });
        item_blocks.rotate_left(1);
    }
    deals.0.gather(&user_blocks, dim, users);
    deals.1.gather(&item_blocks, dim, items);
}

struct Meeting<'a> {
    ones: &'a Ones,
    config: &'a FactorConfig,
    rate: f32,
    user_share: &'a [f32],
    item_share: &'a [f32],
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
        let (dim, lambda) = (self.config.dim, self.config.lambda);
        let (user_block, item_block) = self.blocks;
        let (user_rows, item_rows) = (self.deals.0.rows(user_block), self.deals.1.rows(item_block));
        // Places of user and item, their rows, and the confidence.
        let mut observed: Vec<([usize; 2], [usize; 2], f32)> = Vec::new();
        for (place, user) in user_rows.iter().enumerate() {
            for (item, confidence) in self.ones.weighted(*user as usize) {
                let (block, item_place) = self.deals.1.place(item as usize);
                if block == item_block {
                    observed.push(([place, item_place], [*user as usize, item as usize], confidence));
                }
            }
        }
        observed.shuffle(&mut self.rng);
        let (user_count, item_count) = (self.users.len() / dim, self.items.len() / dim);
        let samples = observed.len() * SAMPLES;
        let weight = lambda * (user_count * item_count) as f32 / samples.max(1) as f32;
        let mut before = vec![0.0; dim];
        for (places, [user, item], confidence) in observed {
            let l2 = (self.user_share[user], self.item_share[item]);
            self.step::<FMA>(places, (1.0 - lambda) * confidence, 1.0, l2, &mut before);
            for _ in 0..SAMPLES {
                let places = [
                    self.rng.random_range(0..user_count),
                    self.rng.random_range(0..item_count),
                ];
                let (user, item) = (user_rows[places[0]] as usize, item_rows[places[1]]);
                if self.ones.row(user).binary_search(&item).is_err() {
                    self.step::<FMA>(places, weight, 0.0, (0.0, 0.0), &mut before);
                }
            }
        }
    }
}

impl Meeting<'_> {
    /// Down the gradient of `weight (aim − u·v)² + l2.0 ‖u‖² + l2.1 ‖v‖²`, half of it.
    #[inline(always)]
    fn step<const FMA: bool>(&mut self, [u, v]: [usize; 2], weight: f32, aim: f32, l2: (f32, f32), before: &mut [f32]) {
        let dim = self.config.dim;
        let u = &mut self.users[u * dim..(u + 1) * dim];
        let v = &mut self.items[v * dim..(v + 1) * dim];
        let pull = self.rate * weight * (aim - dot::<FMA>(u, v));
        before.copy_from_slice(u);
        u.iter_mut().for_each(|x| *x *= 1.0 - self.rate * l2.0);
        add_scaled::<FMA>(u, pull, v);
        v.iter_mut().for_each(|x| *x *= 1.0 - self.rate * l2.1);
        add_scaled::<FMA>(v, pull, before);
    }
}
