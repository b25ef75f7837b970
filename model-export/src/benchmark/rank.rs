//! Rankings of cases and their figures.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;
use upnext_core::metrics;

use super::data::{Case, Data};
use crate::factors::Ones;
use crate::models::Model;
use crate::progress::Progress;

/// Lengths at which rankings are judged.
pub const KS: [usize; 6] = [1, 5, 10, 20, 50, 100];

/// The longest of them.
const LONGEST: usize = 100;

/// Cases that are scored at once.
const BATCH: usize = 96;

/// Means over cases, by names such as `ndcg@10`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Figures(pub BTreeMap<String, f64>);

impl Figures {
    /// One figure; 0 where there is none of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }
}

/// Ranks every case by the model's scores, on all cores, and judges the rankings. Greater scores come first, ties by row,
/// what is not a number last.
#[must_use]
pub fn rank(model: &dyn Model, data: &Data) -> Figures {
    let progress = Progress::start("ranking", data.cases.len() as u64);
    let figures = judge(model, &data.train, &data.cases, |done| progress.add(done as u64));
    progress.finish();
    figures
}

/// Relevance flags of the ranking of each case, best first, and how many there were to find. Who is ranked is who is
/// neither in `train` nor, where a case says so, outside its own list.
pub(crate) fn ranked(
    model: &dyn Model,
    train: &Ones,
    cases: &[Case],
    progress: impl Fn(usize) + Sync,
) -> Vec<(Vec<bool>, usize)> {
    let batches: Vec<Vec<(Vec<bool>, usize)>> = cases
        .par_chunks(BATCH)
        .map_init(Vec::new, |scores: &mut Vec<f32>, batch| {
            let users: Vec<u32> = batch.iter().map(|case| case.user).collect();
            scores.resize(users.len() * train.columns(), 0.0);
            model.scores(&users, scores);
            let rows = batch.iter().zip(scores.chunks_exact(train.columns()));
            let flags = rows
                .map(|(case, scores)| (flags(case, train, scores), case.relevant.len()))
                .collect();
            progress(batch.len());
            flags
        })
        .collect();
    batches.into_iter().flatten().collect()
}

/// [`rank`] of some cases.
pub(super) fn judge(model: &dyn Model, train: &Ones, cases: &[Case], progress: impl Fn(usize) + Sync) -> Figures {
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for (flags, relevant) in &ranked(model, train, cases, progress) {
        for k in KS {
            let figures = [
                ("hr", metrics::hit_at(flags, k)),
                ("ndcg", metrics::ndcg_at(flags, *relevant, k)),
                ("recall", metrics::recall_at(flags, *relevant, k)),
                ("precision", metrics::precision_at(flags, k)),
                ("map", metrics::average_precision_at(flags, *relevant, k)),
                ("mrr", metrics::reciprocal_rank_at(flags, k)),
            ];
            for (name, value) in figures {
                *sums.entry(format!("{name}@{k}")).or_default() += value.unwrap_or(0.0);
            }
        }
    }
    let count = cases.len().max(1) as f64;
    Figures(sums.into_iter().map(|(name, sum)| (name, sum / count)).collect())
}

/// The relevance flags of a case's ranking, as far as it is judged.
fn flags(case: &Case, train: &Ones, scores: &[f32]) -> Vec<bool> {
    let top = match &case.against {
        Some(against) => {
            let all = against.iter().chain(&case.relevant);
            top(all.map(|item| (scores[*item as usize], *item)))
        }
        None => {
            let mut seen = train.row(case.user as usize).iter().peekable();
            top(scores
                .iter()
                .zip(0_u32..)
                .filter_map(|(score, item)| match seen.next_if_eq(&&item) {
                    Some(_) => None,
                    None => Some((*score, item)),
                }))
        }
    };
    top.iter().map(|(_, item)| case.relevant.contains(item)).collect()
}

/// The first [`LONGEST`] in order.
fn top(all: impl Iterator<Item = (f32, u32)>) -> Vec<(f32, u32)> {
    let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    let mut best: Vec<(f32, u32)> = Vec::with_capacity(4 * LONGEST);
    let mut least = f32::NEG_INFINITY;
    for (score, item) in all {
        // −0 and 0 are one score.
        let score = if score.is_nan() { f32::NEG_INFINITY } else { score + 0.0 };
        if score < least {
            continue;
        }
        best.push((score, item));
        if best.len() == 4 * LONGEST {
            best.select_nth_unstable_by(LONGEST - 1, order);
            best.truncate(LONGEST);
            least = best.iter().map(|(score, _)| *score).fold(f32::INFINITY, f32::min);
        }
    }
    best.sort_unstable_by(order);
    best.truncate(LONGEST);
    best
}
