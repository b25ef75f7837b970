//! What a server would have offered at the moments at which something was found relevant: that video, and others of its
//! candidates. From these the order of a slate is learnt.

use std::collections::{BTreeMap, HashMap};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use serde::{Deserialize, Serialize};

use super::rows::{Choice, Offer, Told};
use super::visits::beginnings;
use crate::analyse::VideoFigures;
use crate::factors::Factors;
use crate::label::Encounter;
use crate::prune::{best, nearest};
use crate::split::Split;
use crate::towers::QuantRows;

/// As of when the viewer is known to whom something is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OfferMoment {
    /// The instant at which the video was found.
    Found,
    /// The beginning of the visit in which it was found.
    Visit,
}

/// Somebody at a moment, and what they may choose from.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The moment: that of this encounter.
    pub moment: Encounter,
    /// One choice for each video that they found.
    pub choices: Vec<Choice>,
}

/// What offers are made from.
#[derive(Debug, Clone, Copy)]
pub struct OfferSource<'a> {
    /// Split.
    pub split: &'a Split,
    /// All encounters, in order of time.
    pub met: &'a [Encounter],
    /// Factors of the users.
    pub factors: &'a Factors,
    /// Factors of the videos.
    pub items: &'a QuantRows,
    /// What was counted for the videos.
    pub figures: &'a VideoFigures,
    /// Candidates beside each one that was found relevant.
    pub negatives: usize,
    /// As of when the viewer is known.
    pub moment: OfferMoment,
    /// Power of the number of a user's choices by which each of them weighs less, 0 to 1: 0, each choice weighs alike; 1, each
    /// user does.
    pub balance: f32,
    /// Seed of the draw.
    pub seed: u64,
}

/// Offers by the row of their encounter, for those of `impressions` that were found relevant, for the first time, and were
/// among the server's candidates: for an account what its factor finds, for a newcomer what is popular that day. Others
/// are drawn from the candidates that the user never found relevant in the past or in the train window.
#[must_use]
pub fn offers(source: &OfferSource<'_>, impressions: &[(&Encounter, bool)]) -> Vec<Asked> {
    let mut firsts: HashMap<(u32, u32), u32> = HashMap::new();
    let mut liked: HashMap<u32, Vec<u32>> = HashMap::new();
    let past = source.met.iter().filter(|e| e.at_ms < source.split.train_until_ms);
    for e in past.filter(|e| e.label() == Some(true)) {
        firsts.entry((e.user, e.video)).or_insert_with(|| {
            liked.entry(e.user).or_default().push(e.video);
            e.row
        });
    }
    let mut candidates: HashMap<(u32, i64), Vec<u32>> = HashMap::new();
    let begun = match source.moment {
        OfferMoment::Visit => beginnings(source.met),
        OfferMoment::Found => HashMap::new(),
    };
    let mut found: BTreeMap<u32, Asked> = BTreeMap::new();
    for (e, _) in impressions.iter().filter(|(_, relevant)| *relevant) {
        if firsts.get(&(e.user, e.video)) != Some(&e.row) {
            continue;
        }
        let day = source.split.day(e.at_ms);
        let factor = source.account(e.user);
        let key = factor.map_or((u32::MAX, day), |_| (e.user, 0));
        let candidates = candidates.entry(key).or_insert_with(|| match factor {
            Some(factor) => nearest(source.items, factor),
            None => best((0..source.items.len() as u32).map(|row| (source.figures.trend_before(row, day), row))),
        });
        if !candidates.contains(&e.video) {
            continue;
        }
        let liked = liked.get(&e.user).map_or(&[][..], Vec::as_slice);
        let mut others: Vec<u32> = candidates.iter().copied().filter(|row| !liked.contains(row)).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(source.seed ^ u64::from(e.row));
        let (drawn, _) = others.partial_shuffle(&mut rng, source.negatives);
        let offer = |video: u32| Offer {
            video,
            effect: source.figures.effect_without(video, day),
            trend: source.figures.trend_before(video, day),
            relevant: video == e.video,
            told: Told::default(),
        };
        let offers = std::iter::once(e.video).chain(drawn.iter().copied()).map(offer);
        let moment = begun.get(&e.row).copied().unwrap_or(**e);
        let asked = found.entry(moment.row).or_insert_with(|| Asked {
            moment,
            choices: Vec::new(),
        });
        asked.choices.push(Choice {
            offers: offers.collect(),
            weight: 1.0,
        });
    }
    let mut found: Vec<Asked> = found.into_values().collect();
    weigh(&mut found, source.balance);
    found
}

/// Gives each choice its weight: who finds much has more choices, and shall not decide for all by as much.
fn weigh(found: &mut [Asked], balance: f32) {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for asked in found.iter() {
        *counts.entry(asked.moment.user).or_default() += asked.choices.len();
    }
    for asked in found {
        let count = counts.get(&asked.moment.user).copied().unwrap_or(1);
        let weight = (count as f64).powf(-f64::from(balance)) as f32;
        asked.choices.iter_mut().for_each(|choice| choice.weight = weight);
    }
}

impl OfferSource<'_> {
    fn account(&self, user: u32) -> Option<&[f32]> {
        let start = user as usize * self.factors.dim;
        let factor = self.factors.users.get(start..start + self.factors.dim)?;
        factor.iter().any(|v| *v != 0.0).then_some(factor)
    }
}
