//! Figures of several models from the same draws of users.

use rayon::prelude::*;
use upnext_core::metrics::{average_precision_at, ndcg_at, precision_at, recall_at, roc_auc};

use super::KS;
use crate::bootstrap::draw;

/// Draws of users for figures of slates.
const SLATE_DRAWS: usize = 1000;
/// Draws of users for areas under curves over all impressions.
const AUC_DRAWS: usize = 200;

/// One figure: value and draws of each of `N` models.
#[derive(Debug, Clone)]
pub(crate) struct Series<const N: usize> {
    pub(crate) name: String,
    pub(crate) values: [f64; N],
    pub(crate) draws: Vec<[f64; N]>,
}

/// An impression as `N` models score it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored<const N: usize> {
    pub(crate) user: u32,
    pub(crate) relevant: bool,
    pub(crate) scores: [f32; N],
}

/// What came true of the slates that `N` models made for one user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a, const N: usize> {
    pub(crate) relevant: usize,
    pub(crate) hits: [&'a [bool]; N],
}

/// Figures at k of a ranking.
type AtK = fn(&[bool], usize, usize) -> Option<f64>;
const AT_K: [(&str, AtK); 4] = [
    ("precision", |hits, _, k| precision_at(hits, k)),
    ("recall", recall_at),
    ("ndcg", ndcg_at),
    ("map", average_precision_at),
];

/// Precision, recall, nDCG and mean average precision of slates.
pub(crate) fn slates<const N: usize>(shown: &[Shown<'_, N>]) -> Vec<Series<N>> {
    let names: Vec<String> = AT_K
        .iter()
        .flat_map(|(name, _)| KS.map(|k| format!("{name}@{k}")))
        .collect();
    let width = names.len() * N;
    // Row by row: users, then figures, then models.
    let row = |s: &Shown<'_, N>| -> Vec<f64> {
        let at = |(figure, k): (AtK, usize)| s.hits.map(|hits| figure(hits, s.relevant, k).unwrap_or(0.0));
        AT_K.iter()
            .flat_map(|(_, f)| KS.map(|k| (*f, k)))
            .flat_map(at)
            .collect()
    };
    let values: Vec<f64> = shown.iter().flat_map(row).collect();
    let mean = |times: &[f64]| -> Vec<f64> {
        let mut sums = vec![0.0; width];
        for (row, times) in values.chunks_exact(width).zip(times).filter(|(_, times)| **times > 0.0) {
            sums.iter_mut().zip(row).for_each(|(s, v)| *s += times * v);
        }
        let total: f64 = times.iter().sum();
        sums.into_iter().map(|s| s / total.max(1.0)).collect()
    };
    let draws = (0..SLATE_DRAWS as u64).into_par_iter();
    let draws: Vec<Vec<f64>> = draws.map(|number| mean(&draw(shown.len(), number))).collect();
    let all = mean(&vec![1.0; shown.len()]);
    let of = |means: &[f64], figure: usize| std::array::from_fn(|model| means[figure * N + model]);
    let series = |(figure, name)| Series {
        name,
        values: of(&all, figure),
        draws: draws.iter().map(|means| of(means, figure)).collect(),
    };
    names.into_iter().enumerate().map(series).collect()
}

/// Areas over impressions: of all, and inside users.
pub(crate) fn areas<const N: usize>(rows: &[Scored<N>]) -> Vec<Series<N>> {
    let mut users: Vec<u32> = rows.iter().map(|s| s.user).collect();
    users.sort_unstable();
    users.dedup();
    let user_of: Vec<usize> = rows.iter().map(|s| users.partition_point(|u| *u < s.user)).collect();
    let orders: [Vec<usize>; N] = std::array::from_fn(|model| {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|a, b| (rows[*a].scores[model] + 0.0).total_cmp(&(rows[*b].scores[model] + 0.0)));
        order
    });
    let own: [Vec<Option<(f64, f64)>>; N] = std::array::from_fn(|model| inside(rows, &user_of, users.len(), model));
    let area = |times: &[f64], model: usize| weighted_auc(rows, &orders[model], &user_of, times, model);
    let inner = |times: &[f64], model: usize| {
        let pairs = own[model]
            .iter()
            .zip(times)
            .filter_map(|(own, times)| own.map(|(auc, n)| (auc * n * times, n * times)));
        let (sum, weight) = pairs.fold((0.0, 0.0), |(s, w), (a, n)| (s + a, w + n));
        sum / weight
    };
    let both = |times: &[f64]| -> [[f64; N]; 2] {
        [
            std::array::from_fn(|m| area(times, m)),
            std::array::from_fn(|m| inner(times, m)),
        ]
    };
    let draws = (0..AUC_DRAWS as u64).into_par_iter();
    let draws: Vec<[[f64; N]; 2]> = draws.map(|number| both(&draw(users.len(), number))).collect();
    let all = both(&vec![1.0; users.len()]);
    let series = |(figure, name): (usize, &str)| Series {
        name: name.to_owned(),
        values: all[figure],
        draws: draws.iter().map(|d| d[figure]).collect(),
    };
    ["auc", "user_auc"].into_iter().enumerate().map(series).collect()
}

/// Each user's own area and number of impressions; `None` where they have one side only.
fn inside<const N: usize>(
    rows: &[Scored<N>],
    user_of: &[usize],
    users: usize,
    model: usize,
) -> Vec<Option<(f64, f64)>> {
    let mut own: Vec<(Vec<f32>, Vec<bool>)> = vec![Default::default(); users];
    for (s, user) in rows.iter().zip(user_of) {
        own[*user].0.push(s.scores[model]);
        own[*user].1.push(s.relevant);
    }
    let area = |(values, labels): &(Vec<f32>, Vec<bool>)| Some((roc_auc(values, labels)?, values.len() as f64));
    own.iter().map(area).collect()
}

/// The area with each user's impressions counted `times`; `order` is by rising score.
fn weighted_auc<const N: usize>(
    rows: &[Scored<N>],
    order: &[usize],
    user_of: &[usize],
    times: &[f64],
    model: usize,
) -> f64 {
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|a, b| rows[*a].scores[model] == rows[*b].scores[model]) {
        let (mut up, mut down) = (0.0, 0.0);
        for i in tied {
            let side = if rows[*i].relevant { &mut up } else { &mut down };
            *side += times[user_of[*i]];
        }
        wins += up * (below + down / 2.0);
        below += down;
        positives += up;
    }
    wins / (below * positives)
}
