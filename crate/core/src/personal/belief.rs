//! Weights of a logistic regression as a Gaussian belief, and how it changes with time and with labels.

use crate::feature::sigmoid;
use crate::program::kernel::dense;

/// Steps towards the mode along the one direction that a label tells of: so many that halve the range, then as many of
/// Newton's, which alone go to and fro where the variance is large.
const STEPS: usize = 8;

/// Mean and covariance of the weights at an instant.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Belief {
    prior: Vec<f32>,
    mean: Vec<f32>,
    /// Row-major.
    covariance: Vec<f32>,
    half_life_days: f64,
    at_ms: Option<i64>,
    /// What of the covariance is left since it was written down; the rest of it is the prior's. Applied with the next
    /// label, in the same pass over it.
    kept: f32,
}

impl Belief {
    /// The prior: means of 0 and these variances, to which half of the way is gone in `half_life_days`.
    pub(super) fn new(prior: Vec<f32>, half_life_days: f64) -> Belief {
        let width = prior.len();
        let mut covariance = vec![0.0; width * width];
        prior
            .iter()
            .enumerate()
            .for_each(|(i, variance)| covariance[i * (width + 1)] = *variance);
        Belief {
            mean: vec![0.0; width],
            covariance,
            prior,
            half_life_days,
            at_ms: None,
            kept: 1.0,
        }
    }

    /// Means of the weights.
    pub(super) fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The covariance now, row-major.
    pub(super) fn settled(&self) -> Vec<f32> {
        let width = self.mean.len();
        let mut covariance: Vec<f32> = self.covariance.iter().map(|cell| self.kept * cell).collect();
        self.prior
            .iter()
            .enumerate()
            .for_each(|(i, prior)| covariance[i * (width + 1)] += (1.0 - self.kept) * prior);
        covariance
    }

    /// Lets time pass: `m ← a·m`, `S ← a²·S + (1 − a²)·S₀` with `a = 2^(−days / half-life)`, the transition of an
    /// Ornstein–Uhlenbeck process at rest in the prior (Uhlenbeck & Ornstein, *On the theory of the Brownian motion*, 1930).
    pub(super) fn pass(&mut self, at_ms: i64) {
        let days = self
            .at_ms
            .map_or(0.0, |last| (at_ms as f64 - last as f64) / 86_400_000.0);
        self.at_ms = Some(at_ms);
        if days > 0.0 {
            let kept = libm::exp2(-days / self.half_life_days);
            self.mean.iter_mut().for_each(|weight| *weight *= kept as f32);
            self.kept *= (kept * kept) as f32;
        }
    }

    /// Takes in a label of `features` with the logit `offset` without them: assumed-density filtering with Laplace's
    /// approximation (Spiegelhalter & Lauritzen 1990; Bishop, *Pattern Recognition and Machine Learning*, 4.5). The posterior of
    /// one label leaves the prior along `S·x` only, so that its mode is found by a search in one dimension, and the
    /// covariance loses a matrix of rank one.
    pub(super) fn learn(&mut self, features: &[f32], offset: f32, relevant: bool) {
        let (kept, width) = (self.kept, self.mean.len());
        let mut along = vec![0.0; width];
        dense(features, &self.covariance, None, &mut along);
        for ((along, prior), x) in along.iter_mut().zip(&self.prior).zip(features) {
            *along = kept * *along + (1.0 - kept) * prior * x;
        }
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let variance = f64::from(dot(&along, features)).max(0.0);
        let logit = f64::from(offset) + f64::from(dot(&self.mean, features));
        let label = if relevant { 1.0 } else { 0.0 };
        let (step, slope) = mode(logit, variance, label);
        let taken = (slope / (1.0 + variance * slope)) as f32;
        for (i, row) in self.covariance.chunks_exact_mut(width).enumerate() {
            let weight = taken * along[i];
            row.iter_mut()
                .zip(&along)
                .for_each(|(cell, along)| *cell = kept * *cell - weight * along);
            row[i] += (1.0 - kept) * self.prior[i];
        }
        self.mean
            .iter_mut()
            .zip(&along)
            .for_each(|(weight, along)| *weight += along * step as f32);
        self.kept = 1.0;
    }
}

/// The `t` with `t = label − σ(logit + variance·t)`, and the slope of σ there. The difference of both sides rises in `t`, and
/// `t` lies within `label − 1..=label`.
pub(super) fn mode(logit: f64, variance: f64, label: f64) -> (f64, f64) {
    let (mut low, mut high, mut step) = (label - 1.0, label, 0.0);
    for number in 0..2 * STEPS {
        let chance = sigmoid(logit + variance * step);
        let surplus = step + chance - label;
        if surplus > 0.0 {
            high = step;
        } else {
            low = step;
        }
        let next = step - surplus / (1.0 + variance * chance * (1.0 - chance));
        step = if number >= STEPS && (low..=high).contains(&next) {
            next
        } else {
            0.5 * (low + high)
        };
    }
    let chance = sigmoid(logit + variance * step);
    (step, chance * (1.0 - chance))
}
