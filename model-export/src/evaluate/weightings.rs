//! What slates become when they are ordered for other ends: for likes, for finished videos, for time.
//!
//! The same users are judged by each weighting of the ranker's heads. Two answers stand beside each other: what the log says that the
//! first places *earned* in the test window, a video that was not shown having earned nothing; and, where the log allows it, what the
//! slates would have earned as policies.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rayon::prelude::*;
use serde::Serialize;
use upnext_core::head::{Head, HeadWeights};

use super::off_policy::{Log, PolicyValue, Values, minus, summary};
use super::slates::{self, Judged, Stage, Visitor};
use super::{Ground, MODELS};
use crate::Error;
use crate::bootstrap::{Interval, draw};
use crate::label::Encounter;
use crate::off_policy::{Estimates, Estimator, OffPolicyConfig, Reward};
use crate::table::Dataset;

/// Places whose earnings are told.
pub const PLACES: usize = 10;
/// What is told of them.
pub(super) const EARNED: [Reward; 5] = [
    Reward::Relevant,
    Reward::Click,
    Reward::Completed,
    Reward::Liked,
    Reward::WatchSeconds,
];
/// Draws of users.
const DRAWS: u64 = 1000;
/// The model whose slates are weighed otherwise.
const DEVICE: usize = MODELS.len() - 1;

/// Figures by reward.
pub type Earned = BTreeMap<&'static str, Interval>;

/// Slates of one weighting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weighting {
    /// What the heads weigh; of the first one, as the bundle or `--head-weights` has it.
    pub weights: HeadWeights,
    /// Mean of what each of the first [`PLACES`] earned in the window, users weighing alike: `relevant` is their precision,
    /// `watch_seconds` are seconds for each place. Of several encounters with a video the one that earned most counts.
    pub earned: Earned,
    /// The same minus that of the first weighting, each user with both.
    pub earned_minus: Earned,
    /// As a policy; absent where that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyValue>,
    /// As a policy, minus the first weighting's; absent where that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_minus: Option<Values>,
}

/// Judges the bundle's own weighting and `others`.
pub(super) fn weightings(
    ground: &Ground<'_>,
    own: HeadWeights,
    others: &[HeadWeights],
    users: usize,
    off_policy: Option<&OffPolicyConfig>,
) -> Result<Vec<Weighting>, Error> {
    if others.is_empty() {
        return Ok(Vec::new());
    }
    let others = others.iter().map(|other| over(own, *other));
    let all: Vec<HeadWeights> = std::iter::once(own).chain(others).collect();
    let visitors = slates::pleased(ground.test, ground.seen, users);
    let outcomes = outcomes(ground.test, ground.stage.moments.data);
    let mut earned = Vec::new();
    for judged in by_weighting(ground, &all, &visitors) {
        let rows = visitors.iter().zip(judged?);
        let rows = rows.map(|(visitor, j)| of_slate(visitor.user, &j.slates[DEVICE], &outcomes));
        earned.push(rows.collect::<Vec<Row>>());
    }
    let mut found: Vec<Weighting> = all
        .iter()
        .zip(figures(&earned))
        .map(|(weights, (earned, earned_minus))| Weighting {
            weights: *weights,
            earned,
            earned_minus,
            policy: None,
            policy_minus: None,
        })
        .collect();
    let Some(config) = off_policy else { return Ok(found) };
    let log = Log::new(ground, users, config)?;
    let mut first: Option<Vec<Estimates>> = None;
    for (weighting, judged) in found.iter_mut().zip(by_weighting(ground, &all, &log.visitors)) {
        let estimates = log.estimates(&judged?, DEVICE);
        weighting.policy = Some(summary(&estimates));
        weighting.policy_minus = first.as_ref().map(|first| minus(&estimates, first));
        first.get_or_insert(estimates);
    }
    Ok(found)
}

/// What `asked` leaves out weighs as it did.
fn over(own: HeadWeights, asked: HeadWeights) -> HeadWeights {
    let heads = Head::ALL.into_iter().zip(asked.all().into_iter().zip(own.all()));
    heads
        .filter_map(|(head, (asked, own))| Some((head, asked.or(own)?)))
        .collect()
}

/// The slates of each weighting, made as they are asked for.
fn by_weighting<'a>(
    ground: &'a Ground<'_>,
    all: &'a [HeadWeights],
    visitors: &'a [Visitor],
) -> impl Iterator<Item = Result<Vec<Judged>, Error>> + 'a {
    all.iter().map(move |weights| {
        let stage = Stage {
            head_weights: Some(*weights),
            ..ground.stage
        };
        stage.judge_all(visitors, &name(weights))
    })
}

/// What the places of one user's slate earned on average, in the order of [`EARNED`].
type Row = [f64; EARNED.len()];

/// What users got of videos in the window.
fn outcomes(test: &[(&Encounter, bool)], data: &Dataset) -> BTreeMap<(u32, u32), Row> {
    let mut found: BTreeMap<(u32, u32), Row> = BTreeMap::new();
    for (e, _) in test {
        let row = found.entry((e.user, e.video)).or_default();
        for (best, reward) in row.iter_mut().zip(EARNED) {
            *best = best.max(e.earned(reward, data).unwrap_or(0.0));
        }
    }
    found
}

fn of_slate(user: u32, slate: &[u32], outcomes: &BTreeMap<(u32, u32), Row>) -> Row {
    let mut sum = Row::default();
    for video in slate.iter().take(PLACES) {
        if let Some(row) = outcomes.get(&(user, *video)) {
            sum.iter_mut().zip(row).for_each(|(sum, earned)| *sum += earned);
        }
    }
    sum.map(|sum| sum / PLACES as f64)
}

/// Figures of each weighting, and minus the first one's, from the same draws of users.
fn figures(earned: &[Vec<Row>]) -> Vec<(Earned, Earned)> {
    let users = earned.first().map_or(0, Vec::len);
    let means = |times: &[f64]| -> Vec<Row> {
        let total: f64 = times.iter().sum::<f64>().max(1.0);
        let mean = |rows: &Vec<Row>| {
            let mut sum = Row::default();
            for (row, times) in rows.iter().zip(times) {
                sum.iter_mut().zip(row).for_each(|(sum, v)| *sum += times * v / total);
            }
            sum
        };
        earned.iter().map(mean).collect()
    };
    let whole = means(&vec![1.0; users]);
    let numbers = (0..DRAWS).into_par_iter();
    let drawn: Vec<Vec<Row>> = numbers.map(|number| means(&draw(users, number))).collect();
    (0..earned.len())
        .map(|at| {
            let of = |reward: usize| Interval::of(whole[at][reward], drawn.iter().map(|d| d[at][reward]));
            let minus = |reward: usize| {
                let draws = drawn.iter().map(|d| d[at][reward] - d[0][reward]);
                Interval::of(whole[at][reward] - whole[0][reward], draws)
            };
            let names = || EARNED.iter().map(|reward| reward.as_str()).enumerate();
            (
                names().map(|(reward, name)| (name, of(reward))).collect(),
                names().map(|(reward, name)| (name, minus(reward))).collect(),
            )
        })
        .collect()
}

/// `liked 0.5, watched 1`: what weighs something.
pub(super) fn name(weights: &HeadWeights) -> String {
    let heads = Head::ALL.into_iter().zip(weights.all());
    let told = heads.filter_map(|(head, weight)| Some((head.as_str(), weight.filter(|w| *w > 0.0)?)));
    let told: Vec<String> = told.map(|(head, weight)| format!("{head} {weight}")).collect();
    told.join(", ")
}

/// Lines for a terminal.
pub(super) fn table(weightings: &[Weighting], estimator: Option<Estimator>) -> String {
    let mut text = String::new();
    if weightings.is_empty() {
        return text;
    }
    let shown = |i: &Interval| format!("{:.4} [{:.4}, {:.4}]", i.value, i.low, i.high);
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(text, "by weights of the heads, each of the first {PLACES} places:");
    for weighting in weightings {
        let _ = writeln!(text, "{}:", name(&weighting.weights));
        for reward in EARNED.map(Reward::as_str) {
            let _ = write!(text, "  {reward}: earned");
            for figures in [&weighting.earned, &weighting.earned_minus] {
                let figure = figures.get(reward).map_or("-".to_owned(), shown);
                let _ = write!(text, " {figure},");
            }
            let of = |values: &Values| Some(shown(values.get(reward)?.get(&estimator?)?));
            let policy = weighting.policy.as_ref().and_then(|policy| of(&policy.values));
            let minus = weighting.policy_minus.as_ref().and_then(of);
            let _ = writeln!(
                text,
                " as a policy {}, {}",
                policy.as_deref().unwrap_or("-"),
                minus.as_deref().unwrap_or("-")
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_earn_what_the_log_says_and_nothing_where_it_says_nothing() {
        let outcomes = BTreeMap::from([
            ((1, 10), [1.0, 1.0, 0.0, 0.0, 30.0]),
            ((1, 11), [0.0, 1.0, 0.0, 1.0, 10.0]),
            ((2, 12), [1.0; 5]),
        ]);
        // The eleventh place does not count, and neither does what somebody else did.
        let slate = [10, 12, 11, 0, 0, 0, 0, 0, 0, 0, 10];
        assert_eq!(of_slate(1, &slate, &outcomes), [0.1, 0.2, 0.0, 0.1, 4.0]);
        assert_eq!(of_slate(1, &[], &outcomes), Row::default());
    }

    #[test]
    fn differences_are_drawn_in_pairs() {
        // Users differ much, and the second weighting earns half a second more of each.
        let first: Vec<Row> = (0..200).map(|user| [0.0, 0.0, 0.0, 0.0, f64::from(user)]).collect();
        let second: Vec<Row> = first.iter().map(|row| row.map(|v| v + 0.5)).collect();
        let found = figures(&[first, second]);
        let of = |at: usize| (found[at].0["watch_seconds"], found[at].1["watch_seconds"]);
        assert_eq!(
            of(0).1,
            Interval {
                value: 0.0,
                low: 0.0,
                high: 0.0
            }
        );
        let (whole, minus) = of(1);
        assert!(whole.high - whole.low > 5.0 && whole.holds(100.0), "{whole:?}");
        assert!(
            (minus.low - 0.5).abs() < 1e-9 && (minus.high - 0.5).abs() < 1e-9,
            "{minus:?}"
        );
    }

    #[test]
    fn a_weighting_is_called_by_what_weighs_in_it() {
        let weights = HeadWeights {
            relevant: Some(0.0),
            liked: Some(0.5),
            watched: Some(1.0),
            finished: None,
        };
        assert_eq!(name(&weights), "liked 0.5, watched 1");
    }
}
