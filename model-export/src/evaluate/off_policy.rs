//! The models as policies: what their slates would have earned where the log showed something else.
//!
//! A policy has the slate that it makes of each user as of the start of the test window. At each place that the log
//! filled, it shows one of the first [`SLATE`] of it that the user has not been shown in the window so far, all alike.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::slates::{self, Judged, Visitor};
use super::{Ground, MODELS, SLATE};
use crate::Error;
use crate::bootstrap::Interval;
use crate::label::Encounter;
use crate::off_policy::{
    Estimates, Estimator, LogKind, Logged, OffPolicyConfig, Reward, RewardModel, estimate, propensity,
};
use crate::split::{Side, Split};
use crate::table::Dataset;

/// Estimates by reward, then by estimator.
pub type Values = BTreeMap<&'static str, BTreeMap<Estimator, Interval>>;

/// What one policy would have earned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyValue {
    /// Impressions that it might have shown too.
    pub matched: usize,
    /// Effective sample size, impressions.
    pub effective: f64,
    /// Mean of the unclipped weights: 1 where the log could have shown all that the policy shows.
    pub mean_weight: Option<Interval>,
    /// Largest unclipped weight.
    pub largest_weight: f64,
    /// Impressions whose weight was clipped.
    pub clipped: usize,
    /// Its mean rewards.
    pub values: Values,
}

/// What each model's slates would have earned as a policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OffPolicyReport {
    /// What the log said of its chances.
    pub log: LogKind,
    /// Largest weight, if it was bounded.
    pub clip: Option<f64>,
    /// Videos of a policy's choice at one place.
    pub slate: usize,
    /// Impressions judged.
    pub impressions: usize,
    /// Users that they were shown to.
    pub users: usize,
    /// By model.
    pub policies: BTreeMap<&'static str, PolicyValue>,
    /// The device minus each other model, each user with both.
    pub device_minus: BTreeMap<&'static str, Values>,
}

/// What is judged: impressions of the test window, in the order of time.
fn shown<'a>(met: &'a [Encounter], split: &Split) -> Vec<&'a Encounter> {
    let inside = |e: &&Encounter| e.outcome.shown && split.side(e.at_ms) == Side::Test;
    met.iter().filter(inside).collect()
}

/// Refuses a log that does not say with what chance it showed what it showed.
fn check(data: &Dataset, shown: &[&Encounter], config: &OffPolicyConfig) -> Result<(), Error> {
    match config.log {
        LogKind::Propensities => shown
            .iter()
            .try_for_each(|e| propensity(data, e.row as usize).map(|_| ())),
        LogKind::Uniform => Ok(()),
    }
}

/// A log that speaks of policies: what it showed, with what chance, and what its past lets expect.
pub(super) struct Log<'a> {
    data: &'a Dataset,
    config: &'a OffPolicyConfig,
    /// Users whose slates a policy needs; impressions of others are left out.
    pub(super) visitors: Vec<Visitor>,
    events: Vec<&'a Encounter>,
    propensities: Vec<f64>,
    /// In the order of [`Reward::ALL`].
    models: Vec<RewardModel>,
}

impl<'a> Log<'a> {
    /// The test window, of all users or of at most so many, evenly spaced.
    pub(super) fn new(ground: &Ground<'a>, users: usize, config: &'a OffPolicyConfig) -> Result<Log<'a>, Error> {
        let (data, split, met) = (ground.stage.moments.data, &ground.split, ground.met);
        let mut events: Vec<&Encounter> = shown(met, split);
        check(data, &events, config)?;
        let labelled: Vec<(&Encounter, bool)> = events.iter().map(|e| (*e, e.label() == Some(true))).collect();
        let visitors = slates::spaced(slates::visitors(&labelled, ground.seen), users);
        let judged: BTreeSet<u32> = visitors.iter().map(|visitor| visitor.user).collect();
        events.retain(|e| judged.contains(&e.user));
        let mut propensities = Vec::with_capacity(events.len());
        for e in &events {
            propensities.push(match config.log {
                LogKind::Propensities => propensity(data, e.row as usize)?,
                LogKind::Uniform => 1.0,
            });
        }
        Ok(Log {
            data,
            config,
            visitors,
            events,
            propensities,
            models: Reward::ALL.iter().map(|r| learn(data, split, met, *r)).collect(),
        })
    }

    /// Estimates of the slates of one model, in the order of [`Reward::ALL`]; `judged` are those of the visitors.
    pub(super) fn estimates(&self, judged: &[Judged], model: usize) -> Vec<Estimates> {
        let slates: BTreeMap<u32, &Judged> = self.visitors.iter().map(|v| v.user).zip(judged).collect();
        let choices = choices(&self.events, &slates, model);
        let of_reward = |(reward, r_hat): (&Reward, &RewardModel)| {
            let rows = self.events.iter().zip(&self.propensities).zip(&choices);
            let logged: Vec<Logged> = rows
                .map(|((e, p), choice)| choice.logged(e, *p, e.earned(*reward, self.data), r_hat))
                .collect();
            estimate(&logged, self.config)
        };
        Reward::ALL.iter().zip(&self.models).map(of_reward).collect()
    }
}

/// Estimates of every model's slates; `judged` are those of the log's visitors.
pub(super) fn off_policy(log: &Log<'_>, judged: &[Judged]) -> OffPolicyReport {
    let found: Vec<Vec<Estimates>> = (0..MODELS.len()).map(|model| log.estimates(judged, model)).collect();
    let mut report = OffPolicyReport {
        log: log.config.log,
        clip: log.config.clip,
        slate: SLATE,
        impressions: log.events.len(),
        users: log.visitors.len(),
        policies: MODELS.into_iter().zip(found.iter().map(|own| summary(own))).collect(),
        device_minus: BTreeMap::new(),
    };
    if let Some((device, others)) = found.split_last() {
        let others = MODELS.into_iter().zip(others);
        report.device_minus = others.map(|(name, other)| (name, minus(device, other))).collect();
    }
    report
}

/// One policy minus another one, reward by reward.
pub(super) fn minus(own: &[Estimates], other: &[Estimates]) -> Values {
    let pairs = Reward::ALL.iter().zip(own.iter().zip(other));
    pairs
        .map(|(reward, (own, theirs))| (reward.as_str(), own.minus(theirs)))
        .collect()
}

/// The reward model, from what was shown before the test window.
fn learn(data: &Dataset, split: &Split, met: &[Encounter], reward: Reward) -> RewardModel {
    let before = met.iter().filter(|e| e.outcome.shown && e.at_ms < split.train_until_ms);
    let rows: Vec<(u32, u32, f64)> = before
        .filter_map(|e| Some((e.user, e.video, e.earned(reward, data)?)))
        .collect();
    RewardModel::fit(data.users.len(), data.videos.len(), &rows)
}

/// The videos that a policy may show at one place, all alike; none where its slate has been shown to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice(pub(super) Vec<u32>);

impl Choice {
    fn logged(&self, e: &Encounter, propensity: f64, reward: Option<f64>, model: &RewardModel) -> Logged {
        let share = 1.0 / self.0.len().max(1) as f64;
        Logged {
            user: e.user,
            propensity,
            chance: if self.0.contains(&e.video) { share } else { 0.0 },
            reward,
            predicted: model.expect(e.user, e.video),
            expected: self.0.iter().map(|video| share * model.expect(e.user, *video)).sum(),
        }
    }
}

/// The choice of a model at the place of each event, which are in the order of time.
pub(super) fn choices(events: &[&Encounter], slates: &BTreeMap<u32, &Judged>, model: usize) -> Vec<Choice> {
    let mut open: BTreeMap<u32, Vec<u32>> = slates
        .iter()
        .map(|(user, j)| (*user, j.slates[model].clone()))
        .collect();
    let choice = |e: &&Encounter| {
        let left = open.entry(e.user).or_default();
        let choice = Choice(left.iter().take(SLATE).copied().collect());
        left.retain(|video| *video != e.video);
        choice
    };
    events.iter().map(choice).collect()
}

pub(super) fn summary(estimates: &[Estimates]) -> PolicyValue {
    // Weights are those of the policy, whatever the reward; of the first, the fewest impressions are left out.
    let first = estimates.first();
    PolicyValue {
        matched: first.map_or(0, |e| e.matched),
        effective: first.map_or(0.0, |e| e.effective),
        mean_weight: first.and_then(|e| e.mean_weight),
        largest_weight: first.map_or(0.0, |e| e.largest),
        clipped: first.map_or(0, |e| e.clipped),
        values: Reward::ALL
            .iter()
            .zip(estimates)
            .map(|(reward, e)| (reward.as_str(), e.values.clone()))
            .collect(),
    }
}

impl OffPolicyReport {
    /// The estimator that a table shows: the surest that the log allows.
    #[must_use]
    pub const fn main(&self) -> Estimator {
        match self.log {
            LogKind::Propensities => Estimator::Dr,
            LogKind::Uniform => Estimator::Replay,
        }
    }

    /// One line per policy and reward, for a human.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "as policies, on {} impressions of {} users:\n",
            self.impressions, self.users
        );
        for name in MODELS {
            let Some(policy) = self.policies.get(name) else {
                continue;
            };
            let support = policy.mean_weight.map_or(String::new(), |w| {
                format!(", mean weight {:.3} [{:.3}, {:.3}]", w.value, w.low, w.high)
            });
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(
                text,
                "{name}: {} impressions matched, effective {:.0}{support}, largest weight {:.1}, {} clipped",
                policy.matched, policy.effective, policy.largest_weight, policy.clipped
            );
            for reward in Reward::ALL.map(Reward::as_str) {
                let figures = policy.values.get(reward).into_iter().flatten();
                let shown =
                    figures.map(|(e, i)| format!("{} {:.4} [{:.4}, {:.4}]", e.as_str(), i.value, i.low, i.high));
                let _ = writeln!(text, "  {reward}: {}", shown.collect::<Vec<_>>().join(", "));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests;
