//! Training of the ranker's two heads: relevance on impressions, the order on what a server would offer.
//!
//! The two questions are not one. *Relevance* is asked of what is shown, and is a probability: cross-entropy of each
//! impression. The *order* of a slate also has to guess what a viewer will meet at all among hundreds of candidates,
//! which no impression can teach. There only the places inside one offer count, so the loss is over whole offers: a
//! softmax over the candidates, which is ListNet's top-one loss (Cao et al., ICML 2007).

use burn::tensor::Device;
use burn::tensor::activation::log_softmax;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use upnext_core::signal::SIGNALS;

use super::config::RankerConfig;
use super::network::{Learnt, Network};
use super::rows::Rows;
use crate::Error;
use crate::group::Group;
use crate::towers::adam::Adam;
use crate::towers::graph::{cross_entropy, matrix};
use crate::towers::weights::RankerWeights;

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

/// Rows that [`fit`] goes through, over all passes: what `progress` is told adds up to this.
#[must_use]
pub fn work(shown: &Rows, offered: &Rows, config: &RankerConfig) -> usize {
    let pointwise = |rows: &Rows| config.passes(rows.len().div_ceil(config.batch.max(1))) * rows.len();
    let choices = choices(offered);
    if choices.is_empty() {
        return 2 * pointwise(shown);
    }
    let rows: usize = choices.iter().map(|choice| choice.len()).sum();
    pointwise(shown) + config.passes(choices.len().div_ceil(config.offers.max(1))) * rows
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
    if shown.is_empty() || config.batch == 0 || config.offers == 0 || config.clip <= 0.0 {
        return Err(Error::ConfigInvalid {
            option: "ranker".to_owned(),
            reason: "needs labelled impressions in the train window, a batch, offers and a clip above 0".to_owned(),
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
    let relevance = training.each(shown, &mut progress)?;
    let order = training.among(shown, offered, &mut progress)?;
    let layers = relevance.deep.iter().zip(&order.deep).enumerate();
    Ok(RankerWeights {
        dense_layers: layers.map(|(i, (a, b))| a.beside(b, i == 0)).collect(),
        wide: relevance
            .wide
            .iter()
            .zip(&order.wide)
            .flat_map(|(a, b)| [*a, *b])
            .collect(),
        mean: training.mean,
        std: training.std,
        clip: config.clip,
    })
}

/// The rows of each moment with something relevant and something else to choose from.
fn choices(rows: &Rows) -> Vec<std::ops::Range<usize>> {
    let mut from = 0;
    let all = rows.sizes.iter().map(|size| {
        from += size;
        from - size..from
    });
    all.filter(|moment| {
        let relevant = rows.relevant[moment.clone()].iter().filter(|r| **r).count();
        relevant > 0 && relevant < moment.len()
    })
    .collect()
}

/// What stands in for the logit of a row that is not there.
const NOBODY: f32 = -1e9;

impl Training<'_> {
    const fn adam(&self) -> Adam {
        Adam {
            rate: self.config.rate,
            l2: self.config.l2,
        }
    }

    /// Relevance of each impression.
    fn each(&self, rows: &Rows, progress: &mut impl FnMut(u64, f64)) -> Result<Learnt, Error> {
        let [first, second] = self.config.hidden;
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        let network = Network::deep(&[rows.width, first, second, 1], self.adam(), &mut rng);
        self.pointwise(rows, network, &mut rng, progress)
    }

    /// The order among what was on offer. Where nothing that was found relevant was on offer beside something else, the
    /// order has only the impressions to learn from.
    fn among(&self, shown: &Rows, offered: &Rows, progress: &mut impl FnMut(u64, f64)) -> Result<Learnt, Error> {
        let [first, second] = self.config.order_hidden;
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        let widths = [shown.width, first, second, 1];
        let network = Network::wide(&widths, self.adam(), self.config.wide_rate, &mut rng);
        let choices = choices(offered);
        if choices.is_empty() {
            return self.pointwise(shown, network, &mut rng, progress);
        }
        let mut order = self.listwise(offered, choices, network, &mut rng, progress)?;
        let scores: Vec<f32> = (0..offered.len())
            .map(|row| self.standardised(offered.row(row)).collect::<Vec<f32>>())
            .map(|x| order.score(&x))
            .collect();
        let shift = shift(&scores, &offered.relevant);
        if let Some(last) = order.deep.last_mut() {
            last.bias.iter_mut().for_each(|bias| *bias += shift);
        }
        Ok(order)
    }

    fn pointwise(
        &self,
        rows: &Rows,
        mut network: Network,
        rng: &mut ChaCha8Rng,
        progress: &mut impl FnMut(u64, f64),
    ) -> Result<Learnt, Error> {
        let batch = self.config.batch;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        for epoch in 0..self.config.passes(rows.len().div_ceil(batch)) {
            order.shuffle(rng);
            let (mut sum, mut seen) = (0.0, 0);
            for batch in order.chunks(batch) {
                let x: Vec<f32> = batch.iter().flat_map(|i| self.standardised(rows.row(*i))).collect();
                let labels = batch.iter().map(|i| f32::from(rows.relevant[*i])).collect();
                let n = batch.len();
                let value = network.step(x, n, &self.device, epoch, |logits| {
                    let ones = matrix(vec![1.0; n], n, 1, &self.device);
                    cross_entropy(logits, matrix(labels, n, 1, &self.device), ones)
                })?;
                sum += value * n as f64;
                seen += n;
                progress(n as u64, sum / seen as f64);
            }
        }
        Ok(network.finish(&self.held))
    }

    /// `choices` are the rows of each offer.
    fn listwise(
        &self,
        rows: &Rows,
        mut choices: Vec<std::ops::Range<usize>>,
        mut network: Network,
        rng: &mut ChaCha8Rng,
        progress: &mut impl FnMut(u64, f64),
    ) -> Result<Learnt, Error> {
        let offers = self.config.offers;
        for epoch in 0..self.config.passes(choices.len().div_ceil(offers)) {
            choices.shuffle(rng);
            let (mut sum, mut seen) = (0.0, 0);
            for batch in choices.chunks(offers) {
                let (n, longest) = (batch.len(), batch.iter().map(|c| c.len()).max().unwrap_or(0));
                let (mut x, mut absent) = (vec![0.0; n * longest * rows.width], vec![NOBODY; n * longest]);
                let mut target = vec![0.0; n * longest];
                for (at, choice) in batch.iter().enumerate() {
                    let relevant = rows.relevant[choice.clone()].iter().filter(|r| **r).count() as f32;
                    for (place, row) in (at * longest..).zip(choice.clone()) {
                        let start = place * rows.width;
                        let inputs = x[start..start + rows.width].iter_mut();
                        inputs.zip(self.standardised(rows.row(row))).for_each(|(x, v)| *x = v);
                        absent[place] = 0.0;
                        target[place] = f32::from(rows.relevant[row]) / relevant;
                    }
                }
                let value = network.step(x, n * longest, &self.device, epoch, |logits| {
                    let logits = logits.reshape([n, longest]) + matrix(absent, n, longest, &self.device);
                    let hit = log_softmax(logits, 1) * matrix(target, n, longest, &self.device);
                    hit.sum().neg().div_scalar(n as f32)
                })?;
                sum += value * n as f64;
                seen += n;
                let count: usize = batch.iter().map(|choice| choice.len()).sum();
                progress(count as u64, sum / seen as f64);
            }
        }
        Ok(network.finish(&self.held))
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

/// A softmax does not say where zero is. What to add to the scores so that the mean of their sigmoids is the share of
/// `relevant` rows: diversity weighs that sigmoid against likeness. Found by bisection, the mean rises with the shift.
fn shift(scores: &[f32], relevant: &[bool]) -> f32 {
    let wanted = relevant.iter().filter(|r| **r).count() as f64;
    let expected = |shift: f64| -> f64 {
        let sigmoid = |score: &f32| 1.0 / (1.0 + (-f64::from(*score) - shift).exp());
        scores.iter().map(sigmoid).sum()
    };
    let (mut low, mut high) = (-60.0, 60.0);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        match expected(middle) < wanted {
            true => low = middle,
            false => high = middle,
        }
    }
    f64::midpoint(low, high) as f32
}
