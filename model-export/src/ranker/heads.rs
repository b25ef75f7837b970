//! What the heads learn from: a target and a weight of each row for each of them, and the place at which it was shown.

use upnext_core::head::{FURTHER, Head};

use super::config::PerHead;
use super::rows::Rows;
use crate::towers::weights::DenseWeights;

/// Rows that must have something of a head, and rows that must not, in sum: a head of fewer says what chance made it.
const LEAST: f32 = 20.0;

/// Heads that `rows` can teach: there are rows on either side. Relevance is always taught.
pub(super) fn taught(rows: &Rows, loss: PerHead) -> [bool; Head::ALL.len()] {
    let mut taught = [true; Head::ALL.len()];
    for (at, weight) in loss.all().into_iter().enumerate().skip(1) {
        let known = rows.told.iter().filter_map(|told| told.further[at - 1]);
        let (above, below) = known.fold((0.0, 0.0), |(above, below), t| (above + t, below + 1.0 - t));
        taught[at] = weight > 0.0 && above >= LEAST && below >= LEAST;
    }
    taught
}

/// For each row a target and a weight of each output, row-major.
pub(super) struct Targets {
    pub(super) outputs: usize,
    values: Vec<f32>,
    weights: Vec<f32>,
}

impl Targets {
    /// Relevance alone.
    pub(super) fn relevance(rows: &Rows) -> Targets {
        Targets {
            outputs: 1,
            values: rows.relevant.iter().map(|relevant| f32::from(*relevant)).collect(),
            weights: vec![1.0; rows.len()],
        }
    }

    /// All heads. A label that nobody knows weighs nothing, and neither does a head that is not taught.
    ///
    /// The fraction watched has a cross-entropy too, with the fraction as a soft target: like a squared error it is least
    /// at the mean, but its gradient in the logit is `σ − target` and does not vanish where the sigmoid is flat, and it is
    /// in the unit of the other heads, so that one weight means the same for each.
    pub(super) fn heads(rows: &Rows, loss: PerHead, taught: [bool; Head::ALL.len()]) -> Targets {
        let mut targets = Targets {
            outputs: Head::ALL.len(),
            values: Vec::with_capacity(Head::ALL.len() * rows.len()),
            weights: Vec::with_capacity(Head::ALL.len() * rows.len()),
        };
        for row in 0..rows.len() {
            for ((head, weight), taught) in Head::ALL.into_iter().zip(loss.all()).zip(taught) {
                let target = target(rows, row, head);
                targets.values.push(target.unwrap_or(0.0));
                let counts = taught && target.is_some();
                targets.weights.push(if counts { weight } else { 0.0 });
            }
        }
        targets
    }

    /// Targets and weights of these rows, and the sum of the weights.
    pub(super) fn of(&self, rows: &[usize]) -> (Vec<f32>, Vec<f32>, f32) {
        let pick = |from: &[f32]| -> Vec<f32> {
            let row = |row: &usize| from[row * self.outputs..(row + 1) * self.outputs].iter();
            rows.iter().flat_map(row).copied().collect()
        };
        let weights = pick(&self.weights);
        let total = weights.iter().sum();
        (pick(&self.values), weights, total)
    }
}

/// What a head should say of a row; `None` where nobody knows.
pub(super) fn target(rows: &Rows, row: usize, head: Head) -> Option<f32> {
    match head {
        Head::Relevant => rows.relevant.get(row).map(|relevant| f32::from(*relevant)),
        _ => rows.told.get(row)?.further[head as usize - 1],
    }
}

/// The place at which each row was shown, as two more inputs: the logarithm of the place, standardised, and whether it is
/// known, less its mean.
///
/// What is shown first is watched more, whatever it is. A ranker that does not know the place takes that for a merit of the
/// videos that a server had put first. So the network is told the place while it learns, and serves with the mean
/// one: its inputs are 0 then, and the rows of its first layer that read them are cut off ([`Places::cut`]). Any other fixed
/// place would shift all candidates alike, up to what the network made of place and signal together, and
/// calibration would shift them back. See *Recommending what video to watch next*, Zhao et al., RecSys 2019.
pub(super) struct Places {
    inputs: Vec<[f32; Places::INPUTS]>,
}

impl Places {
    const INPUTS: usize = 2;

    /// Of rows; nothing where none knows its place.
    pub(super) fn of(rows: &Rows) -> Places {
        let logs: Vec<Option<f32>> = (rows.told.iter())
            .map(|told| told.position.map(|place| (place as f32).ln_1p()))
            .collect();
        let known: Vec<f32> = logs.iter().flatten().copied().collect();
        if known.is_empty() {
            return Places { inputs: Vec::new() };
        }
        let mean = |values: &[f32]| values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
        let centre = mean(&known) as f32;
        let spread = mean(&known.iter().map(|v| (v - centre).powi(2)).collect::<Vec<f32>>()).sqrt() as f32;
        let (spread, share) = (spread.max(1e-3), known.len() as f32 / logs.len() as f32);
        let input = |log: &Option<f32>| match log {
            Some(log) => [(log - centre) / spread, 1.0 - share],
            None => [0.0, -share],
        };
        Places {
            inputs: logs.iter().map(input).collect(),
        }
    }

    /// Inputs of each row.
    pub(super) const fn width(&self) -> usize {
        if self.inputs.is_empty() { 0 } else { Places::INPUTS }
    }

    /// Inputs of a row.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        self.inputs.get(row).map_or(&[], |inputs| inputs)
    }

    /// Fixes the place at the mean one: the first layer without the inputs that said it.
    pub(super) fn cut(&self, first: &mut DenseWeights) {
        first.input -= self.width();
        first.weights.truncate(first.input * first.output);
    }
}

/// One more than the heads after relevance.
const _: () = assert!(Head::ALL.len() == 1 + FURTHER);
