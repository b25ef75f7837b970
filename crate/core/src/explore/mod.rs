//! The dial from familiar to exploring: some places of a slate go to videos that did not win one.
//!
//! Which places, the dial decides; which videos, the seed. The places are filled one after the other, from the last one
//! upwards, each by a draw of its own among those that *fit*: that are not in the slate and break no cap of it
//! as it then stands. Over seeds that are alike likely the chance of every video at every place, given the draws before, is
//! known exactly and told with it. The product of the chances is that of the whole draw, so a log of such slates can be
//! judged as another policy would have filled them (inverse propensity: Horvitz & Thompson 1952; in recommending: Li et al.,
//! *Unbiased offline evaluation of contextual-bandit-based news article recommendation algorithms*, 2011).
//!
//! - **Uniform**: all that fit are alike likely.
//! - **Thompson** (Thompson 1933; Chapelle & Li, *An empirical evaluation of Thompson sampling*, 2011): every second draw is as
//!   above, so that no chance is 0; every other one takes one of [`SAMPLES`] fixed samples of what the personal head holds
//!   possible (an ensemble: Lu & Van Roy, *Ensemble sampling*, 2017), and what fits best in it. A finite
//!   ensemble is what makes the chances exact: they are counted.

mod exploration;

#[cfg(test)]
mod tests;

pub use exploration::Exploration;

use crate::diversity::Tally;
use crate::hash::{bucket, hash64};

/// One place in this many is given away where the dial is at its end.
pub const EXPLORE_EVERY: usize = 5;
/// Samples of an ensemble.
pub const SAMPLES: usize = 32;

/// A place that was given away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// The place.
    pub place: usize,
    /// The chance, over seeds, that this video was drawn for it, given what was drawn for the places behind it.
    pub propensity: f32,
}

/// Places that the dial gives away of a slate of `size` where `others` did not win one: `share × size / EXPLORE_EVERY`,
/// rounded down.
#[must_use]
pub fn given_away(share: f32, size: usize, others: usize) -> usize {
    let most = size / EXPLORE_EVERY;
    ((share.clamp(0.0, 1.0) * most as f32) as usize).min(most).min(others)
}

/// Gives [`given_away`] places of `picked`, from the last place upwards and spread evenly, to candidates among `others`. Which
/// ones is decided by `seed`, their ids and the `ensemble` alone: the same seed explores the same videos wherever they
/// stand in the block. Where nothing fits a place is kept. `tally` holds the slate and its caps. Returns the
/// places that were given away, rising; `others` then holds those that had them.
///
/// Each sample of the ensemble lists distinct indexes of `others`, best first; without a sample, and where none lists one that
/// fits, the draw is uniform.
pub fn explore<'a>(
    picked: &mut [usize],
    others: &mut [usize],
    share: f32,
    seed: u64,
    ensemble: &[Vec<usize>],
    tally: &mut Tally,
    id: impl Fn(usize) -> &'a str,
) -> Vec<Drawn> {
    let count = given_away(share, picked.len(), others.len());
    let mut places: Vec<Drawn> = Vec::with_capacity(count);
    // Those that came into `others` by a draw had a place and had their turn.
    let mut open = vec![true; others.len()];
    for number in 0..count {
        let place = picked.len() - 1 - number * EXPLORE_EVERY;
        tally.remove(picked[place]);
        let fits: Vec<bool> = others
            .iter()
            .zip(&open)
            .map(|(row, open)| *open && tally.full(*row).is_none())
            .collect();
        let best: Vec<usize> = ensemble
            .iter()
            .filter_map(|sample| sample.iter().copied().find(|at| fits.get(*at) == Some(&true)))
            .collect();
        let seed = match number {
            0 => seed,
            _ => hash64(seed, &(number as u64).to_le_bytes()),
        };
        // No id is empty.
        let choice = bucket(hash64(seed, b""), 2 * best.len() as u32) as usize;
        let by_seed = || {
            let fitting = (0..others.len()).filter(|at| fits[*at]);
            fitting.min_by_key(|at| {
                let id = id(others[*at]);
                (hash64(seed, id.as_bytes()), id)
            })
        };
        if let Some(at) = best.get(choice).copied().or_else(by_seed) {
            let alike = 1.0 / fits.iter().filter(|fits| **fits).count() as f32;
            let propensity = match best.len() {
                0 => alike,
                all => 0.5 * alike + 0.5 * best.iter().filter(|best| **best == at).count() as f32 / all as f32,
            };
            core::mem::swap(&mut picked[place], &mut others[at]);
            open[at] = false;
            places.push(Drawn { place, propensity });
        }
        tally.add(picked[place]);
    }
    places.reverse();
    places
}
