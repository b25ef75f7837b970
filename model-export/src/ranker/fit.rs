//! Training of the ranker's two heads by cross-entropy: relevance on impressions, the order on what a server would offer.
//!
//! The two questions are not one. *Relevance* is asked of what is shown. The *order* of a slate also has to guess what a
//! viewer will meet at all among hundreds of candidates, which no impression can teach.

use burn::tensor::Device;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use upnext_core::signal::SIGNALS;

use super::rows::Rows;
use crate::Error;
use crate::group::Group;
use crate::towers::adam::Adam;
use crate::towers::graph::{Leaves, cross_entropy, matrix, scalar};
use crate::towers::model::layers;
use crate::towers::weights::{DenseWeights, RankerWeights};

/// Signals that tell the day. Within a train window of some days the age of every video grows with
/// the calendar, and a network learns from it which day it was; no such day comes back. On the
/// signals of KuaiRand an equal network in scikit-learn has a test AUC of 0.775 with them, 0.782
/// without. Held at zero in training, and zero in the weights.
const CALENDAR: [&str; 2] = ["freshness", "freshness_known"];

/// Which columns are held at zero.
fn held(width: usize, without: Option<Group>) -> Vec<bool> {
    let off = without.map_or(&[][..], Group::signals);
    (0..width)
        .map(|i| {
            SIGNALS
                .get(i)
                .is_some_and(|name| CALENDAR.contains(name) || off.contains(name))
        })
        .collect()
}

/// A network that took fewer steps is about what chance made it: a small log gets more passes.
const LEAST_STEPS: usize = 1_000;
/// More passes than this over the same rows only learn them by heart.
const MOST_PASSES: usize = 100;

/// How to train the ranker.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankerConfig {
    /// Widths of the hidden layers of the head of relevance.
    pub hidden: [usize; 2],
    /// Widths of the hidden layers of the order.
    pub order_hidden: [usize; 2],
    /// Candidates beside each one that was found relevant, for the order.
    pub negatives: usize,
    /// Passes over the rows, at least; see [`RankerConfig::passes`].
    pub epochs: usize,
    /// Rows per step.
    pub batch: usize,
    /// Step size of Adam.
    pub rate: f32,
    /// L2 weight.
    pub l2: f32,
    /// Standardised signals are held within this.
    pub clip: f32,
    /// Seed of weights and order.
    pub seed: u64,
    /// Signals that the ranker does without, to measure what they are worth.
    pub without: Option<Group>,
}

impl Default for RankerConfig {
    fn default() -> Self {
        RankerConfig {
            hidden: [32, 16],
            order_hidden: [16, 8],
            negatives: 20,
            epochs: 10,
            batch: 256,
            rate: 5e-4,
            l2: 1e-4,
            clip: 5.0,
            seed: 1,
            without: None,
        }
    }
}

impl RankerConfig {
    /// Passes over this many rows: `epochs`, or more where those would be fewer than 1,000 steps, but not over 100.
    #[must_use]
    pub fn passes(&self, rows: usize) -> usize {
        let steps = rows.div_ceil(self.batch.max(1)).max(1);
        self.epochs.max(LEAST_STEPS.div_ceil(steps).min(MOST_PASSES))
    }
}

/// Mean and deviation of each column; a constant column has deviation 1.
fn moments(rows: &Rows) -> (Vec<f32>, Vec<f32>) {
    let (width, count) = (rows.width, rows.len().max(1) as f64);
    let (mut mean, mut square) = (vec![0.0_f64; width], vec![0.0_f64; width]);
    for row in rows.signals.chunks_exact(width.max(1)) {
        mean.iter_mut().zip(row).for_each(|(m, v)| *m += f64::from(*v) / count);
    }
    for row in rows.signals.chunks_exact(width.max(1)) {
        let offsets = square.iter_mut().zip(row).zip(&mean);
        offsets.for_each(|((s, v), m)| *s += (f64::from(*v) - m).powi(2) / count);
    }
    let deviation = |s: f64| if s > 1e-10 { s.sqrt() as f32 } else { 1.0 };
    (
        mean.iter().map(|m| *m as f32).collect(),
        square.into_iter().map(deviation).collect(),
    )
}

/// What the heads have in common.
struct Training<'a> {
    config: &'a RankerConfig,
    device: Device,
    mean: Vec<f32>,
    std: Vec<f32>,
    held: Vec<bool>,
}

/// Trains on labelled rows of signals: impressions, and offers of a server. `progress` is told the rows of a step and
/// the running loss.
///
/// # Errors
/// [`Error::TrainingDiverged`]; [`Error::ConfigInvalid`] without rows or for an option outside its range.
pub fn fit(
    shown: &Rows,
    offered: &Rows,
    config: &RankerConfig,
    device: &Device,
    mut progress: impl FnMut(u64, f64),
) -> Result<RankerWeights, Error> {
    if shown.is_empty() || config.batch == 0 || config.clip <= 0.0 {
        return Err(Error::ConfigInvalid {
            option: "ranker".to_owned(),
            reason: "needs labelled impressions in the train window, a batch and a clip above 0".to_owned(),
        });
    }
    let (mean, std) = moments(shown);
    let training = Training {
        config,
        device: device.clone().autodiff(),
        mean,
        std,
        held: held(shown.width, config.without),
    };
    let relevance = training.head(shown, config.hidden, &mut progress)?;
    // Where nothing that was found relevant was on offer, the order has only the impressions to learn from.
    let offered = if offered.is_empty() { shown } else { offered };
    let order = training.head(offered, config.order_hidden, &mut progress)?;
    let heads = relevance.iter().zip(&order).enumerate();
    Ok(RankerWeights {
        dense_layers: heads.map(|(i, (a, b))| a.beside(b, i == 0)).collect(),
        mean: training.mean,
        std: training.std,
        clip: config.clip,
    })
}

impl Training<'_> {
    fn head(
        &self,
        rows: &Rows,
        [first, second]: [usize; 2],
        progress: &mut impl FnMut(u64, f64),
    ) -> Result<Vec<DenseWeights>, Error> {
        let Training { config, device, .. } = self;
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let mut network = layers(&[rows.width, first, second, 1], &mut rng);
        let adam = Adam {
            rate: config.rate,
            l2: config.l2,
        };
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let mut steps = 0;
        for epoch in 0..config.passes(rows.len()) {
            order.shuffle(&mut rng);
            let (mut sum, mut seen) = (0.0, 0);
            for batch in order.chunks(config.batch) {
                steps += 1;
                let x: Vec<f32> = batch.iter().flat_map(|i| self.standardised(rows.row(*i))).collect();
                let labels = batch
                    .iter()
                    .map(|i| if rows.relevant[*i] { 1.0 } else { 0.0 })
                    .collect();
                let n = batch.len();
                let leaves = Leaves::new(&network, 0, device);
                let logits = leaves.forward(matrix(Vec::new(), n, 0, device), matrix(x, n, rows.width, device));
                let loss = cross_entropy(logits, matrix(labels, n, 1, device), matrix(vec![1.0; n], n, 1, device));
                let value = scalar(&loss, "ranker training", || format!("epoch {}", epoch + 1))?;
                leaves.step(&mut loss.backward(), &adam, steps, &mut network)?;
                sum += value * n as f64;
                seen += n;
                progress(n as u64, sum / seen as f64);
            }
        }
        let mut dense_layers: Vec<DenseWeights> = network.into_iter().map(|layer| layer.value).collect();
        if let Some(first) = dense_layers.first_mut() {
            let inputs = first.weights.chunks_exact_mut(first.output).zip(&self.held);
            inputs.filter(|(_, held)| **held).for_each(|(row, _)| row.fill(0.0));
        }
        Ok(dense_layers)
    }

    fn standardised<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let columns = row.iter().zip(&self.mean).zip(&self.std).zip(&self.held);
        let clip = self.config.clip;
        columns.map(move |(((v, m), d), held)| match held {
            true => 0.0,
            false => ((v - m) / d).max(-clip).min(clip),
        })
    }
}
