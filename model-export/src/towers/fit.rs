//! The training loop of both towers.

use burn::tensor::{Device, Tensor};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use upnext_core::feature::{ItemLayout, UserLayout};

use super::adam::Adam;
use super::config::{Objective, TowerConfig};
use super::graph::{cross_entropy, ids, matrix, pair_logits, sampled_softmax, scalar};
use super::inputs::{ItemInputs, UserInputs};
use super::model::{ItemTower, Seen, UserTower};
use super::sample::{Columns, Examples, log_inclusion, shares};
use super::vectors::{QuantRows, item_vectors};
use super::weights::{ItemTowerWeights, UserTowerWeights};
use crate::Error;

/// What training gives.
#[derive(Debug, Clone)]
pub struct TrainedTowers {
    /// User tower, trained on exactly [`TrainedTowers::vectors`].
    pub user: UserTowerWeights,
    /// Item tower.
    pub item: ItemTowerWeights,
    /// Vectors of the catalogue.
    pub vectors: QuantRows,
    /// Mean loss of each epoch, those of the user tower alone last.
    pub loss: Vec<f64>,
}

/// What the loop reads.
pub struct Material<'a> {
    /// Shape of the user tower's inputs.
    pub user_layout: UserLayout,
    /// Shape of the item tower's inputs.
    pub item_layout: ItemLayout,
    /// The catalogue.
    pub items: &'a ItemInputs,
    /// The examples.
    pub examples: &'a Examples,
    /// Encodes the moment of every example, its pools made of these item vectors.
    pub encode: &'a dyn Fn(&QuantRows) -> Result<UserInputs, Error>,
    /// Where to compute.
    pub device: Device,
}

/// Trains both towers. Pools come from the item vectors as they were at the start of the epoch;
/// at the end the item tower rests and the user tower learns on the final vectors.
///
/// `progress` is told the share of an epoch that a step was, and the running loss.
///
/// # Errors
/// [`Error::ConfigInvalid`], [`Error::TrainingDiverged`], and what `encode` returns.
pub fn fit(
    material: &Material<'_>,
    config: &TowerConfig,
    mut progress: impl FnMut(u64, f64),
) -> Result<TrainedTowers, Error> {
    config.check()?;
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let widths = config.widths();
    let mut run = Run {
        user: UserTower::new(&material.user_layout, &widths, &mut rng),
        item: ItemTower::new(&material.item_layout, &widths, &mut rng),
        device: material.device.clone().autodiff(),
        sampler: Sampler::new(material, config),
        material,
        config,
        steps: 0,
        rng,
    };
    let mut loss = Vec::new();
    let mut vectors = item_vectors(&run.item.weights(), material.items);
    for epoch in 0..config.epochs + config.final_epochs {
        let inputs = (material.encode)(&vectors)?;
        let both = epoch < config.epochs;
        loss.push(run.epoch(epoch, &inputs, both, &mut progress)?);
        if both {
            vectors = item_vectors(&run.item.weights(), material.items);
        }
    }
    Ok(TrainedTowers {
        user: run.user.weights(),
        item: run.item.weights(),
        vectors,
        loss,
    })
}

/// What batches are drawn from.
struct Sampler {
    /// Examples that an epoch visits.
    order: Vec<usize>,
    log_q: Vec<f32>,
    /// Sorted; videos that a user found relevant (softmax), or met at all (bce).
    known: Vec<(u32, u32)>,
}

impl Sampler {
    fn new(material: &Material<'_>, config: &TowerConfig) -> Sampler {
        let (examples, videos) = (material.examples, material.items.count);
        let softmax = config.objective == Objective::SampledSoftmax;
        let order: Vec<usize> = (0..examples.len())
            .filter(|i| !softmax || examples.relevant[*i])
            .collect();
        let batch = config.batch.min(order.len());
        let random = if softmax { config.negatives } else { 0 };
        let shares = shares(videos, order.iter().map(|i| examples.video[*i]));
        Sampler {
            log_q: shares
                .iter()
                .map(|s| log_inclusion(*s, batch, random, videos))
                .collect(),
            known: examples.pairs(|i| !softmax || examples.relevant[i]),
            order,
        }
    }
}

struct Run<'a> {
    user: UserTower,
    item: ItemTower,
    device: Device,
    sampler: Sampler,
    material: &'a Material<'a>,
    config: &'a TowerConfig,
    steps: u32,
    rng: ChaCha8Rng,
}

impl Run<'_> {
    /// One pass; `both`: the item tower learns too.
    fn epoch(
        &mut self,
        epoch: usize,
        inputs: &UserInputs,
        both: bool,
        progress: &mut impl FnMut(u64, f64),
    ) -> Result<f64, Error> {
        let mut order = self.sampler.order.clone();
        order.shuffle(&mut self.rng);
        let (mut sum, mut seen) = (0.0, 0);
        for batch in order.chunks(self.config.batch) {
            self.steps += 1;
            let loss = match self.config.objective {
                Objective::SampledSoftmax => self.softmax_step(inputs, batch, both),
                Objective::Bce => self.bce_step(inputs, batch, both),
            }
            .map_err(|error| located(error, epoch))?;
            sum += loss * batch.len() as f64;
            seen += batch.len();
            progress(batch.len() as u64, sum / seen as f64);
        }
        Ok(sum / seen.max(1) as f64)
    }

    fn adam(&self) -> Adam {
        Adam {
            rate: self.config.rate,
            l2: 0.0,
        }
    }

    fn softmax_step(&mut self, inputs: &UserInputs, batch: &[usize], both: bool) -> Result<f64, Error> {
        let (examples, config) = (self.material.examples, self.config);
        let videos: Vec<u32> = batch.iter().map(|i| examples.video[*i]).collect();
        let users: Vec<u32> = batch.iter().map(|i| examples.user[*i]).collect();
        let dropout = if both { config.id_dropout } else { 0.0 };
        let columns = Columns::draw(
            &videos,
            config.negatives,
            self.material.items.count,
            dropout,
            &mut self.rng,
        );
        let correction = columns.correction(&users, &self.sampler.log_q, &self.sampler.known);
        let correction = matrix(correction, batch.len(), columns.videos.len(), &self.device);
        let target = ids(columns.target.iter().map(|c| *c as i32).collect(), &self.device);
        self.step(inputs, batch, &columns.videos, both, |users, items| {
            sampled_softmax(users, items, correction, target, config.temperature)
        })
    }

    fn bce_step(&mut self, inputs: &UserInputs, batch: &[usize], both: bool) -> Result<f64, Error> {
        let (examples, config) = (self.material.examples, self.config);
        let videos = self.material.items.count as u32;
        // (row in batch, video, label); a random video that the user met is left out.
        let mut pairs: Vec<(usize, u32, f32)> = Vec::with_capacity(batch.len() * 2);
        for (row, i) in batch.iter().enumerate() {
            let (user, relevant) = (examples.user[*i], examples.relevant[*i]);
            pairs.push((row, examples.video[*i], if relevant { 1.0 } else { 0.0 }));
            for _ in 0..if relevant { config.negatives } else { 0 } {
                let video = self.rng.random_range(0..videos);
                if self.sampler.known.binary_search(&(user, video)).is_err() {
                    pairs.push((row, video, 0.0));
                }
            }
        }
        let of_pairs: Vec<u32> = pairs.iter().map(|pair| pair.1).collect();
        let dropout = if both { config.id_dropout } else { 0.0 };
        let columns = Columns::draw(&of_pairs, 0, 0, dropout, &mut self.rng);
        let n = pairs.len();
        let labels = matrix(pairs.iter().map(|pair| pair.2).collect(), n, 1, &self.device);
        let weights = matrix(vec![1.0; n], n, 1, &self.device);
        let users_at = ids(pairs.iter().map(|pair| pair.0 as i32).collect(), &self.device);
        let items_at = ids(columns.target.iter().map(|c| *c as i32).collect(), &self.device);
        self.step(inputs, batch, &columns.videos, both, |users, items| {
            cross_entropy(
                pair_logits(users, items, users_at, items_at, config.temperature),
                labels,
                weights,
            )
        })
    }

    /// Both towers forward, the loss, backward, and a step of those that learn.
    fn step(
        &mut self,
        inputs: &UserInputs,
        rows: &[usize],
        videos: &[Seen],
        both: bool,
        loss: impl FnOnce(Tensor<2>, Tensor<2>) -> Tensor<1>,
    ) -> Result<f64, Error> {
        let items = self.material.items;
        let user = self.user.batch(inputs, rows, &self.device);
        let item = self.item.batch(items, videos, &self.device);
        let item_vectors = if both {
            item.vectors.clone()
        } else {
            item.vectors.clone().detach()
        };
        let loss = loss(user.vectors.clone(), item_vectors);
        let value = scalar(&loss, "tower training", || format!("step {}", self.steps))?;
        let mut gradients = loss.backward();
        let adam = self.adam();
        self.user.step(&user, inputs, rows, &mut gradients, &adam, self.steps)?;
        if both {
            self.item
                .step(&item, items, videos, &mut gradients, &adam, self.steps)?;
        }
        Ok(value)
    }
}

/// Names the epoch in a divergence.
fn located(error: Error, epoch: usize) -> Error {
    match error {
        Error::TrainingDiverged { step, at } => Error::TrainingDiverged {
            step,
            at: format!("epoch {}, {at}", epoch + 1),
        },
        other => other,
    }
}
