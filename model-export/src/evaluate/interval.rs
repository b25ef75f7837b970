//! How sure a figure is: bootstrap over users, and differences between models on the same users.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;
use upnext_core::metrics::{average_precision_at, ndcg_at, precision_at, recall_at, roc_auc};

use super::impressions::Impression;
use super::slates::Judged;
use super::{KS, MODELS};

/// Draws of users for figures of slates.
const SLATE_DRAWS: usize = 1000;
/// Draws of users for areas under curves over all impressions.
const AUC_DRAWS: usize = 200;
/// Share of the draws that an interval holds.
const SHARE: f64 = 0.95;
/// The model whose differences to the others are told.
const OURS: usize = MODELS.len() - 1;
/// Seed of the draws.
const SEED: u64 = 11;

/// A figure with the interval that holds 95 % of its values over draws of users.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The figure itself.
    pub value: f64,
    /// 2.5 % of the draws are below.
    pub low: f64,
    /// 2.5 % of the draws are above.
    pub high: f64,
}

/// Figures by name: `auc`, `user_auc`, `precision@10`, …
pub type Figures = BTreeMap<String, Interval>;

/// Intervals of every model, and of the device minus each other model.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Intervals {
    /// By model.
    pub models: BTreeMap<&'static str, Figures>,
    /// By the other model; drawn in pairs, each user with both.
    pub device_minus: BTreeMap<&'static str, Figures>,
}

/// One figure: value and draws of each model.
struct Series {
    name: String,
    values: [f64; MODELS.len()],
    draws: Vec<[f64; MODELS.len()]>,
}

/// Everything from the same draws.
pub(super) fn intervals(scores: &[Impression], judged: &[Judged]) -> Intervals {
    let mut all = slates(judged);
    all.extend(areas(scores));
    let mut intervals = Intervals::default();
    for series in &all {
        for (model, name) in MODELS.iter().enumerate() {
            let own = interval(series.values[model], series.draws.iter().map(|d| d[model]));
            intervals
                .models
                .entry(name)
                .or_default()
                .insert(series.name.clone(), own);
            if model != OURS {
                let draws = series.draws.iter().map(|d| d[OURS] - d[model]);
                let difference = interval(series.values[OURS] - series.values[model], draws);
                let of = intervals.device_minus.entry(name).or_default();
                of.insert(series.name.clone(), difference);
            }
        }
    }
    intervals
}

fn interval(value: f64, draws: impl Iterator<Item = f64>) -> Interval {
    let mut draws: Vec<f64> = draws.filter(|v| v.is_finite()).collect();
    draws.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * draws.len().saturating_sub(1) as f64).round() as usize;
        draws.get(place).copied().unwrap_or(value)
    };
    Interval {
        value,
        low: at((1.0 - SHARE) / 2.0),
        high: at((1.0 + SHARE) / 2.0),
    }
}

/// How often each of `users` is drawn.
fn draw(users: usize, seed: u64) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED ^ (seed << 16));
    let mut times = vec![0.0; users];
    for _ in 0..users {
        times[rng.random_range(0..users)] += 1.0;
    }
    times
}

/// Figures at k of a ranking.
type AtK = fn(&[bool], usize, usize) -> Option<f64>;
const AT_K: [(&str, AtK); 4] = [
    ("precision", |hits, _, k| precision_at(hits, k)),
    ("recall", recall_at),
    ("ndcg", ndcg_at),
    ("map", average_precision_at),
];

fn slates(judged: &[Judged]) -> Vec<Series> {
    let names: Vec<String> = AT_K
        .iter()
        .flat_map(|(name, _)| KS.map(|k| format!("{name}@{k}")))
        .collect();
    let width = names.len() * MODELS.len();
    // Row by row: users, then figures, then models.
    let row = |j: &Judged| -> Vec<f64> {
        let at = |(figure, k): (AtK, usize)| j.hits.each_ref().map(|hits| figure(hits, j.relevant, k).unwrap_or(0.0));
        AT_K.iter()
            .flat_map(|(_, f)| KS.map(|k| (*f, k)))
            .flat_map(at)
            .collect()
    };
    let values: Vec<f64> = judged.iter().flat_map(row).collect();
    let mean = |times: &[f64]| -> Vec<f64> {
        let mut sums = vec![0.0; width];
        for (row, times) in values.chunks_exact(width).zip(times).filter(|(_, times)| **times > 0.0) {
            sums.iter_mut().zip(row).for_each(|(s, v)| *s += times * v);
        }
        let total: f64 = times.iter().sum();
        sums.into_iter().map(|s| s / total.max(1.0)).collect()
    };
    let draws = (0..SLATE_DRAWS as u64).into_par_iter();
    let draws: Vec<Vec<f64>> = draws.map(|seed| mean(&draw(judged.len(), seed))).collect();
    let all = mean(&vec![1.0; judged.len()]);
    let of = |means: &[f64], figure: usize| std::array::from_fn(|model| means[figure * MODELS.len() + model]);
    let series = |(figure, name)| Series {
        name,
        values: of(&all, figure),
        draws: draws.iter().map(|means| of(means, figure)).collect(),
    };
    names.into_iter().enumerate().map(series).collect()
}

/// Areas over impressions: of all, and inside users.
fn areas(scores: &[Impression]) -> Vec<Series> {
    let mut users: Vec<u32> = scores.iter().map(|s| s.user).collect();
    users.sort_unstable();
    users.dedup();
    let user_of: Vec<usize> = scores.iter().map(|s| users.partition_point(|u| *u < s.user)).collect();
    let orders: [Vec<usize>; MODELS.len()] = std::array::from_fn(|model| {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| (scores[*a].live[model] + 0.0).total_cmp(&(scores[*b].live[model] + 0.0)));
        order
    });
    let own: [Vec<Option<(f64, f64)>>; MODELS.len()] =
        std::array::from_fn(|model| inside(scores, &user_of, users.len(), model));
    let area = |times: &[f64], model: usize| weighted_auc(scores, &orders[model], &user_of, times, model);
    let inner = |times: &[f64], model: usize| {
        let pairs = own[model]
            .iter()
            .zip(times)
            .filter_map(|(own, times)| own.map(|(auc, n)| (auc * n * times, n * times)));
        let (sum, weight) = pairs.fold((0.0, 0.0), |(s, w), (a, n)| (s + a, w + n));
        sum / weight
    };
    let both = |times: &[f64]| -> [[f64; MODELS.len()]; 2] {
        [
            std::array::from_fn(|m| area(times, m)),
            std::array::from_fn(|m| inner(times, m)),
        ]
    };
    let draws = (0..AUC_DRAWS as u64).into_par_iter();
    let draws: Vec<[[f64; MODELS.len()]; 2]> = draws.map(|seed| both(&draw(users.len(), seed))).collect();
    let all = both(&vec![1.0; users.len()]);
    let series = |(figure, name): (usize, &str)| Series {
        name: name.to_owned(),
        values: all[figure],
        draws: draws.iter().map(|d| d[figure]).collect(),
    };
    ["auc", "user_auc"].into_iter().enumerate().map(series).collect()
}

/// Each user's own area and number of impressions; `None` where they have one side only.
fn inside(scores: &[Impression], user_of: &[usize], users: usize, model: usize) -> Vec<Option<(f64, f64)>> {
    let mut own: Vec<(Vec<f32>, Vec<bool>)> = vec![Default::default(); users];
    for (s, user) in scores.iter().zip(user_of) {
        own[*user].0.push(s.live[model]);
        own[*user].1.push(s.relevant);
    }
    let area = |(values, labels): &(Vec<f32>, Vec<bool>)| Some((roc_auc(values, labels)?, values.len() as f64));
    own.iter().map(area).collect()
}

/// The area with each user's impressions counted `times`; `order` is by rising score.
fn weighted_auc(scores: &[Impression], order: &[usize], user_of: &[usize], times: &[f64], model: usize) -> f64 {
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|a, b| scores[*a].live[model] == scores[*b].live[model]) {
        let (mut up, mut down) = (0.0, 0.0);
        for i in tied {
            let side = if scores[*i].relevant { &mut up } else { &mut down };
            *side += times[user_of[*i]];
        }
        wins += up * (below + down / 2.0);
        below += down;
        positives += up;
    }
    wins / (below * positives)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn judged(better: bool, user: u32) -> Judged {
        let hits = |good: bool| {
            (0..100)
                .map(|place| place == if good { 0 } else { 30 })
                .collect::<Vec<bool>>()
        };
        let luck = user.is_multiple_of(3);
        Judged::of_hits(1, [hits(luck), hits(luck), hits(false), hits(luck || better)])
    }

    #[test]
    fn an_interval_holds_the_value_and_a_paired_difference_is_surer_than_its_parts() {
        let judged: Vec<Judged> = (0..300).map(|user| judged(user % 2 == 0, user)).collect();
        let scores: Vec<Impression> = (0..600)
            .map(|i| {
                let relevant = i % 5 == 0;
                let noise = (i * 37 % 101) as f32 / 101.0;
                let ours = noise + if relevant { 0.5 } else { 0.0 };
                let live = [noise, 0.0, noise, ours];
                Impression {
                    user: i / 6,
                    video: i,
                    relevant,
                    live,
                    frozen: live,
                }
            })
            .collect();
        let found = intervals(&scores, &judged);
        assert_eq!(found, intervals(&scores, &judged));
        for figures in found.models.values().chain(found.device_minus.values()) {
            assert!(
                figures
                    .values()
                    .all(|i| i.low <= i.value + 1e-9 && i.value <= i.high + 1e-9),
                "{figures:?}"
            );
        }
        assert_eq!(found.models["cf"]["auc"].value, 0.5);
        let minus = &found.device_minus["popular"];
        assert!(minus["precision@10"].low > 0.0 && minus["auc"].low > 0.0);
        assert_eq!(minus["recall@100"].value, 0.0);
        let all: Vec<f32> = scores.iter().map(|s| s.live[3]).collect();
        let labels: Vec<bool> = scores.iter().map(|s| s.relevant).collect();
        let own = found.models["device"]["auc"].value;
        assert!((own - roc_auc(&all, &labels).unwrap()).abs() < 1e-12);
    }
}
