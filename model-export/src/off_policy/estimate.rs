//! Estimates and their intervals, from sums per user.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::{LogKind, OffPolicyConfig};
use crate::bootstrap::{Interval, draw};

/// Draws of users.
const DRAWS: usize = 1000;

/// One logged impression, as a policy looks at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logged {
    /// Whoever it was shown to; draws are of users.
    pub user: u32,
    /// Chance with which the log showed it, above 0 and at most 1; not read of a uniform log.
    pub propensity: f64,
    /// Chance with which the policy would have shown it.
    pub chance: f64,
    /// What it earned; `None` is left out.
    pub reward: Option<f64>,
    /// What the reward model expects of it.
    pub predicted: f64,
    /// What the reward model expects of the policy at this place.
    pub expected: f64,
}

/// The ways to estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Estimator {
    /// The mean reward of the log, whatever the policy: wrong for any but the logging policy.
    Naive,
    /// Inverse propensity.
    Ips,
    /// Inverse propensity, self-normalised.
    Snips,
    /// Doubly robust.
    Dr,
    /// Replay of a uniformly random log.
    Replay,
}

/// All, in the order of reports.
pub const ESTIMATORS: [Estimator; 5] = [
    Estimator::Naive,
    Estimator::Ips,
    Estimator::Snips,
    Estimator::Dr,
    Estimator::Replay,
];

impl Estimator {
    /// The name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Estimator::Naive => "naive",
            Estimator::Ips => "ips",
            Estimator::Snips => "snips",
            Estimator::Dr => "dr",
            Estimator::Replay => "replay",
        }
    }

    /// Whether a log of this kind allows it.
    #[must_use]
    pub fn fits(self, log: LogKind) -> bool {
        match self {
            Estimator::Naive => true,
            Estimator::Ips | Estimator::Snips | Estimator::Dr => log == LogKind::Propensities,
            Estimator::Replay => log == LogKind::Uniform,
        }
    }
}

/// Estimates of one policy and one reward.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimates {
    /// By estimator.
    pub values: BTreeMap<Estimator, Interval>,
    /// Mean of the unclipped weights: 1 where the log supports the policy; of a uniform log `None`.
    pub mean_weight: Option<Interval>,
    /// Kish's effective sample size.
    pub effective: f64,
    /// Largest unclipped weight.
    pub largest: f64,
    /// Impressions whose weight was clipped.
    pub clipped: usize,
    /// Impressions that the policy might have shown too.
    pub matched: usize,
    /// Values over the draws of users, for differences of two policies on the same log.
    draws: BTreeMap<Estimator, Vec<f64>>,
}

impl Estimates {
    /// This policy minus another one, on the same log: drawn in pairs, each user with both.
    #[must_use]
    pub fn minus(&self, other: &Estimates) -> BTreeMap<Estimator, Interval> {
        let of = |(estimator, own): (&Estimator, &Interval)| {
            let (theirs, draws) = (other.values.get(estimator)?, other.draws.get(estimator)?);
            let pairs = self.draws.get(estimator)?.iter().zip(draws);
            let difference = Interval::of(own.value - theirs.value, pairs.map(|(a, b)| a - b));
            Some((*estimator, difference))
        };
        let shown = self.values.iter().filter(|(e, _)| **e != Estimator::Naive);
        shown.filter_map(of).collect()
    }
}

/// What is summed: impressions, rewards, unclipped weights, weights, weighted rewards, doubly robust terms, chances,
/// rewards by chance.
type Sums = [f64; 8];

fn terms(logged: &Logged, reward: f64, weights: (f64, f64)) -> Sums {
    let (whole, weight) = weights;
    [
        1.0,
        reward,
        whole,
        weight,
        weight * reward,
        logged.expected + weight * (reward - logged.predicted),
        logged.chance,
        logged.chance * reward,
    ]
}

fn value(estimator: Estimator, sums: &Sums) -> f64 {
    let [count, reward, _, weight, weighted, robust, chance, by_chance] = *sums;
    match estimator {
        Estimator::Naive => reward / count,
        Estimator::Ips => weighted / count,
        Estimator::Snips => weighted / weight,
        Estimator::Dr => robust / count,
        Estimator::Replay => by_chance / chance,
    }
}

/// Estimates the value of a policy, with intervals over draws of users. Where nothing supports an estimate, it is
/// left out.
#[must_use]
pub fn estimate(logged: &[Logged], config: &OffPolicyConfig) -> Estimates {
    let mut users: Vec<u32> = logged.iter().map(|l| l.user).collect();
    users.sort_unstable();
    users.dedup();
    let mut by_user = vec![[0.0; 8]; users.len()];
    let (mut clipped, mut matched, mut squares, mut largest) = (0, 0, 0.0, 0.0_f64);
    for (l, reward) in logged.iter().filter_map(|l| Some((l, l.reward?))) {
        let whole = match config.log {
            LogKind::Propensities => l.chance / l.propensity,
            LogKind::Uniform => l.chance,
        };
        let weight = config.clip.map_or(whole, |most| whole.min(most));
        clipped += usize::from(weight < whole);
        matched += usize::from(l.chance > 0.0);
        squares += weight * weight;
        largest = largest.max(whole);
        let row = users.partition_point(|user| *user < l.user);
        let sums = by_user[row].iter_mut().zip(terms(l, reward, (whole, weight)));
        sums.for_each(|(sum, term)| *sum += term);
    }
    let total = |times: &[f64]| -> Sums {
        let mut all = [0.0; 8];
        for (own, times) in by_user.iter().zip(times).filter(|(_, times)| **times > 0.0) {
            all.iter_mut().zip(own).for_each(|(sum, v)| *sum += times * v);
        }
        all
    };
    let all = total(&vec![1.0; users.len()]);
    let numbers = (0..DRAWS as u64).into_par_iter();
    let drawn: Vec<Sums> = numbers.map(|number| total(&draw(users.len(), number))).collect();
    let mut found = Estimates {
        values: BTreeMap::new(),
        mean_weight: (config.log == LogKind::Propensities && all[0] > 0.0)
            .then(|| Interval::of(all[2] / all[0], drawn.iter().map(|sums| sums[2] / sums[0]))),
        effective: if squares > 0.0 { all[3] * all[3] / squares } else { 0.0 },
        largest,
        clipped,
        matched,
        draws: BTreeMap::new(),
    };
    for estimator in ESTIMATORS.into_iter().filter(|e| e.fits(config.log)) {
        let own = value(estimator, &all);
        if own.is_finite() {
            let draws: Vec<f64> = drawn.iter().map(|sums| value(estimator, sums)).collect();
            found.values.insert(estimator, Interval::of(own, draws.iter().copied()));
            found.draws.insert(estimator, draws);
        }
    }
    found
}
