//! The order of a slate, learnt among what was on offer together.

use std::ops::Range;

use burn::tensor::activation::log_softmax;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::fit::{Lesson, Training};
use super::heads::{Places, Targets};
use super::network::{Learnt, Network};
use super::rows::Rows;
use crate::Error;
use crate::towers::graph::matrix;

/// What stands in for the logit of a row that is not there.
const NOBODY: f32 = -1e9;

/// Rows to choose from, and what the choice weighs: 1 on average.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lot {
    pub(super) rows: Range<usize>,
    weight: f32,
}

/// The rows of each choice with something relevant and something else.
pub(super) fn choices(rows: &Rows) -> Vec<Lot> {
    let mut from = 0;
    let all = rows.sizes.iter().enumerate().map(|(at, size)| {
        from += size;
        Lot {
            rows: from - size..from,
            weight: rows.weights.get(at).copied().unwrap_or(1.0),
        }
    });
    let mut lots: Vec<Lot> = all
        .filter(|lot| {
            let relevant = rows.relevant[lot.rows.clone()].iter().filter(|r| **r).count();
            relevant > 0 && relevant < lot.rows.len()
        })
        .collect();
    let mean = lots.iter().map(|lot| f64::from(lot.weight)).sum::<f64>() / lots.len().max(1) as f64;
    lots.iter_mut()
        .for_each(|lot| lot.weight = (f64::from(lot.weight) / mean) as f32);
    lots
}

impl Training<'_> {
    /// The order among what was on offer. Where nothing that was found relevant was on offer beside something else, the
    /// order has only the impressions to learn from.
    pub(super) fn among(
        &self,
        shown: &Rows,
        offered: &Rows,
        progress: &mut impl FnMut(u64, f64),
    ) -> Result<Learnt, Error> {
        let [first, second] = self.config.order_hidden;
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        let widths = [shown.width, first, second, 1];
        let network = Network::wide(&widths, self.adam(), self.config.wide_rate, &mut rng);
        let choices = choices(offered);
        if choices.is_empty() {
            let lesson = Lesson {
                rows: shown,
                places: Places::of(&Rows::default()),
                targets: Targets::relevance(shown),
            };
            return self.pointwise(&lesson, 0..shown.len(), network, &mut rng, progress);
        }
        let mut order = self.listwise(offered, choices, network, &mut rng, progress)?;
        let scores: Vec<f32> = (0..offered.len())
            .map(|row| self.standardised(offered.row(row)).collect::<Vec<f32>>())
            .map(|x| order.outputs(&x).first().copied().unwrap_or(0.0))
            .collect();
        let shift = shift(&scores, &offered.relevant);
        if let Some(last) = order.deep.last_mut() {
            last.bias.iter_mut().for_each(|bias| *bias += shift);
        }
        Ok(order)
    }

    /// `choices` are the rows of each offer. The loss is their mean by weight.
    fn listwise(
        &self,
        rows: &Rows,
        mut choices: Vec<Lot>,
        mut network: Network,
        rng: &mut ChaCha8Rng,
        progress: &mut impl FnMut(u64, f64),
    ) -> Result<Learnt, Error> {
        let offers = self.config.offers;
        for epoch in 0..self.config.passes(choices.len().div_ceil(offers)) {
            choices.shuffle(rng);
            let (mut sum, mut seen) = (0.0, 0);
            for batch in choices.chunks(offers) {
                let (n, longest) = (batch.len(), batch.iter().map(|c| c.rows.len()).max().unwrap_or(0));
                let (mut x, mut absent) = (vec![0.0; n * longest * rows.width], vec![NOBODY; n * longest]);
                let mut target = vec![0.0; n * longest];
                for (at, choice) in batch.iter().enumerate() {
                    let relevant = rows.relevant[choice.rows.clone()].iter().filter(|r| **r).count() as f32;
                    for (place, row) in (at * longest..).zip(choice.rows.clone()) {
                        let start = place * rows.width;
                        let inputs = x[start..start + rows.width].iter_mut();
                        inputs.zip(self.standardised(rows.row(row))).for_each(|(x, v)| *x = v);
                        absent[place] = 0.0;
                        target[place] = choice.weight * f32::from(rows.relevant[row]) / relevant;
                    }
                }
                let value = network.step(x, n * longest, &self.device, epoch, |logits| {
                    let logits = logits.reshape([n, longest]) + matrix(absent, n, longest, &self.device);
                    let hit = log_softmax(logits, 1) * matrix(target, n, longest, &self.device);
                    hit.sum().neg().div_scalar(n as f32)
                })?;
                sum += value * n as f64;
                seen += n;
                let count: usize = batch.iter().map(|choice| choice.rows.len()).sum();
                progress(count as u64, sum / seen as f64);
            }
        }
        Ok(network.finish(&self.held))
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
