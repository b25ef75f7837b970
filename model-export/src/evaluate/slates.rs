//! Slates as of the start of the test window, and what of them came true.

use std::collections::BTreeMap;

use rayon::prelude::*;
use upnext_core::bundle::ClientModel;
use upnext_core::feature::PastEvent;
use upnext_core::filter::filter;
use upnext_core::head::HeadWeights;
use upnext_core::pipeline::{Options, compose};
use upnext_core::text::Folding;
use upnext_core::{Context, Profile};

use super::catalogue::Catalogue;
use super::{Engines, KS, Seen};
use crate::Error;
use crate::label::Encounter;
use crate::moments::{Moments, before};
use crate::progress::Progress;
use crate::prune::{best, nearest, score};
use crate::ranker::Watched;
use crate::table::Dataset;

/// Longest slate that is judged.
const LONGEST: usize = KS[KS.len() - 1];

/// A user of the test window.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) user: u32,
    /// Row of their first impression of the window: it gives device, surface, place and the clock's moment.
    first: usize,
    /// What they found relevant, sorted.
    relevant: Vec<u32>,
    cold: bool,
}

/// What came of the slates of one visitor, models in the order of [`super::MODELS`].
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) relevant: usize,
    pub(super) cold: bool,
    /// The server has a factor of them.
    pub(super) account: bool,
    /// Video rows, best first.
    pub(super) slates: [Vec<u32>; 4],
    /// Which of them came true.
    pub(super) hits: [Vec<bool>; 4],
    /// Relevant videos among the server's candidates, and among as many popular ones.
    pub(super) pruned: [usize; 2],
    /// Relevant videos that nobody had met before, and which of the first of those, by the towers alone, came true.
    pub(super) fresh: (usize, Vec<bool>),
}

#[cfg(test)]
impl Judged {
    /// Slates of whose videos nothing is known but which came true.
    pub(super) fn of_hits(relevant: usize, hits: [Vec<bool>; 4]) -> Judged {
        Judged {
            relevant,
            cold: false,
            account: true,
            slates: Default::default(),
            hits,
            pruned: [0; 2],
            fresh: (0, Vec::new()),
        }
    }
}

/// Users with something relevant in the test window, at most `most`, evenly spaced.
pub(super) fn pleased(test: &[(&Encounter, bool)], seen: &Seen, most: usize) -> Vec<Visitor> {
    let mut visitors = visitors(test, seen);
    visitors.retain(|v| !v.relevant.is_empty());
    spaced(visitors, most)
}

/// At most `most`, evenly spaced.
pub(super) fn spaced<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let step = all.len().div_ceil(most.max(1)).max(1);
    all.into_iter().step_by(step).collect()
}

/// All users of these impressions.
pub(super) fn visitors(test: &[(&Encounter, bool)], seen: &Seen) -> Vec<Visitor> {
    let mut found: BTreeMap<u32, Visitor> = BTreeMap::new();
    for (e, relevant) in test {
        let visitor = found.entry(e.user).or_insert_with(|| Visitor {
            user: e.user,
            first: e.row as usize,
            relevant: Vec::new(),
            cold: !seen.users[e.user as usize],
        });
        if *relevant {
            visitor.relevant.push(e.video);
        }
    }
    let mut visitors: Vec<Visitor> = found.into_values().collect();
    for visitor in &mut visitors {
        visitor.relevant.sort_unstable();
        visitor.relevant.dedup();
    }
    visitors
}

/// What the slates are made from.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) moments: &'a Moments<'a>,
    pub(super) catalogue: &'a Catalogue<'a>,
    pub(super) engines: &'a Engines,
    pub(super) model: &'a ClientModel,
    /// Start of the test window.
    pub(super) from_ms: i64,
    pub(super) diversity: f32,
    pub(super) head_weights: Option<HeadWeights>,
    /// What the head of what is watched foretells.
    pub(super) watched: Watched,
    /// Videos without an event before the window, sorted.
    pub(super) fresh: &'a [u32],
}

impl Stage<'_> {
    /// Judges all, on all cores, in their order.
    pub(super) fn judge_all(&self, visitors: &[Visitor], label: &str) -> Result<Vec<Judged>, Error> {
        let progress = Progress::start(label, visitors.len() as u64);
        let judge = |visitor: &Visitor| {
            let judged = self.judge(visitor);
            progress.add(1);
            judged
        };
        let judged = visitors.par_iter().map(judge).collect();
        progress.finish();
        judged
    }

    pub(super) fn judge(&self, visitor: &Visitor) -> Result<Judged, Error> {
        let Stage {
            moments,
            catalogue,
            from_ms,
            ..
        } = *self;
        let data = moments.data;
        let profile = data.profile(visitor.user, Some(visitor.first));
        let context = context(data, visitor, from_ms);
        let events = moments
            .pasts
            .of(visitor.user, Some(&catalogue.vectors), moments.factors);
        let past = before(&events, from_ms);
        let candidates = catalogue.candidates(visitor.user);
        let options = Options {
            size: LONGEST,
            diversity: self.diversity,
            head_weights: self.head_weights,
            ..Options::default()
        };
        let block = catalogue.block(&candidates)?;
        let slate = self
            .engines
            .with(|engine| compose(engine, self.model, &block, &profile, past, &context, &options))?;
        let near = nearest(&catalogue.vectors, &slate.user_vector);
        let first = |rows: &[u32]| first(catalogue, rows, &profile, past, from_ms);
        let slates = [
            first(catalogue.popular())?,
            first(&candidates)?,
            first(&near)?,
            slate.items.iter().map(|item| candidates[item.row]).collect(),
        ];
        let came_true = |row: &u32| visitor.relevant.binary_search(row).is_ok();
        let count = |rows: &[u32]| rows.iter().filter(|row| came_true(row)).count();
        let unmet = visitor.relevant.iter();
        let unmet = unmet.filter(|row| self.fresh.binary_search(row).is_ok()).count();
        let by_towers = |row: &u32| (score(&catalogue.vectors, &slate.user_vector, *row), *row);
        let newest = match unmet {
            0 => Vec::new(),
            _ => best(self.fresh.iter().map(by_towers)),
        };
        Ok(Judged {
            fresh: (unmet, newest.iter().take(LONGEST).map(came_true).collect()),
            relevant: visitor.relevant.len(),
            cold: visitor.cold,
            account: catalogue.account(visitor.user).is_some(),
            pruned: [count(&candidates), count(catalogue.popular())],
            hits: slates.each_ref().map(|slate| slate.iter().map(came_true).collect()),
            slates,
        })
    }
}

/// The start of the window, at the time of day, on the device and surface of the first impression of it.
fn context(data: &Dataset, visitor: &Visitor, from_ms: i64) -> Context {
    let there = data.context(visitor.first);
    Context {
        now_ms: from_ms,
        local_time: there.local_time(),
        utc_offset_minutes: data.utc_offset_minutes(visitor.user, from_ms),
        ..there
    }
}

/// The first rows of an order that the device would show.
fn first(
    catalogue: &Catalogue<'_>,
    rows: &[u32],
    profile: &Profile,
    past: &[PastEvent<'_>],
    now_ms: i64,
) -> Result<Vec<u32>, Error> {
    let (kept, _) = filter(&catalogue.block(rows)?, profile, past, now_ms, None, Folding::current());
    Ok(kept.into_iter().take(LONGEST).map(|row| rows[row]).collect())
}
