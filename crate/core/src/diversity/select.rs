//! The greedy loop that every method shares.

use super::{Calibration, Tally};
use crate::program::kernel::{largest, mix, next_of};

/// What a method adds to relevance: how far each candidate is from the picked ones.
///
/// Picking is lazy (Minoux, *Accelerated greedy algorithms for maximizing submodular set functions*, 1978): most candidates
/// are behind in relevance by more than any spread could make up for, and what they are away from the picks is never asked.
/// A method tells a bound of each that costs nothing, and works a candidate's spread out when [`select`] asks for it.
pub trait Spread {
    /// For each candidate what its spread is at most, as long as nothing more is picked; any for those that were picked.
    fn bounds(&self) -> &[f32];

    /// The spread of a candidate, more is more different: what the picks so far make of it, whenever it is asked. `None` where
    /// it is below `least`: then nobody needs to know how far.
    fn settle(&mut self, candidate: usize, least: f32) -> Option<f32>;

    /// A candidate was picked.
    fn pick(&mut self, picked: usize);
}

/// Picks up to `size` of the candidates `0..relevance.len()`, best first.
///
/// Each step takes the candidate of the highest `λ · relevance + (1 − λ) · spread` whose groups are not full, the earlier
/// one where two are equal. Relevance is scaled to 0..=1 over the candidates first, so that λ means the same whatever the
/// scores' range; with one value throughout, all are 1. The first pick is the most relevant for every λ: there is nothing
/// yet to be unlike. Candidates of non-finite relevance come last, in their order. λ = 1 is the order of relevance,
/// λ is clamped to 0..=1.
///
/// `tally` weighs relevance by the groups that stand in the slate already, and refuses what is over a cap; afterwards it
/// knows what was passed over. `calibration` draws the slate's mix towards a given one.
#[must_use]
pub fn select(
    relevance: &[f32],
    spread: &mut dyn Spread,
    size: usize,
    lambda: f32,
    tally: &mut Tally,
    mut calibration: Option<&mut Calibration>,
) -> Vec<usize> {
    let lambda = if lambda.is_nan() { 1.0 } else { lambda.clamp(0.0, 1.0) };
    let scaled = unit_range(relevance);
    // Both rise. Places that are not open have a value that is below every other.
    let (mut open, mut closed): (Vec<usize>, Vec<usize>) = (0..scaled.len()).partition(|i| relevance[*i].is_finite());
    let mut picked: Vec<usize> = Vec::with_capacity(size.min(relevance.len()));
    let mut values = vec![0.0; relevance.len()];
    let mut merits = scaled.clone();
    let inverse = 1.0 / (1.0 - lambda);
    while picked.len() < size {
        let alone = picked.is_empty() || lambda >= 1.0;
        // Merit and spread, by their weights.
        let value = |merit: f32, spread: f32| match alone {
            true => merit,
            false => lambda * merit + (1.0 - lambda) * spread,
        };
        if tally.decays() {
            open.iter().for_each(|i| merits[*i] = scaled[*i] * tally.weight(*i));
        }
        match &mut calibration {
            // The mix moves every value: all are worked out.
            Some(calibration) => {
                for i in &open {
                    let spread = if alone {
                        None
                    } else {
                        spread.settle(*i, f32::NEG_INFINITY)
                    };
                    values[*i] = value(merits[*i], spread.unwrap_or(0.0));
                }
                calibration.apply(&open, &mut values);
            }
            None if alone => values.copy_from_slice(&merits),
            None => mix(&merits, lambda, spread.bounds(), &mut values),
        }
        closed.iter().for_each(|i| values[*i] = f32::NEG_INFINITY);
        let mut best = best(&open, &values, tally);
        if let (false, None, Some((first, _))) = (alone, &calibration, best) {
            // The value of one; none where it is below another's.
            let mut exact = |i: usize, highest: f32, values: &mut [f32]| {
                let spread = spread.settle(i, short_of(highest, lambda, merits[i], inverse));
                values[i] = spread.map_or(f32::NEG_INFINITY, |spread| value(merits[i], spread));
                values[i]
            };
            let (mut at, mut highest) = (first, exact(first, f32::NEG_INFINITY, &mut values));
            // Who is not below the best even by a bound is worked out too; of equals the earlier one is the best.
            let mut from = 0;
            while let Some(i) = next_of(&values, from, highest) {
                from = i + 1;
                if i != first {
                    let own = exact(i, highest, &mut values);
                    if (own > highest || own == highest && i < at) && tally.full(i).is_none() {
                        (at, highest) = (i, own);
                    }
                }
            }
            best = Some((at, highest));
        }
        tally.pass_over(&open, &values, best);
        let Some((next, _)) = best else { break };
        // Not swap_remove: the order of what is left decides between equals.
        if let Ok(place) = open.binary_search(&next) {
            open.remove(place);
        }
        closed.push(next);
        tally.add(next);
        if let Some(calibration) = &mut calibration {
            calibration.add(next);
        }
        picked.push(next);
        // After the last one nobody asks.
        if lambda < 1.0 && picked.len() < size {
            spread.pick(next);
        }
    }
    for i in (0..relevance.len()).filter(|i| !relevance[*i].is_finite()) {
        if picked.len() < size {
            match tally.full(i) {
                None => {
                    tally.add(i);
                    picked.push(i);
                }
                Some(_) => tally.pass_over(&[i], &values, None),
            }
        }
    }
    picked
}

/// A spread that leaves `λ · merit + (1 − λ) · spread` below `highest`, also where both are rounded; so every lesser one does.
/// `inverse` is about `1 / (1 − λ)`.
fn short_of(highest: f32, lambda: f32, merit: f32, inverse: f32) -> f32 {
    let mut least = (highest - lambda * merit) * inverse;
    let mut step = 1e-6;
    while lambda * merit + (1.0 - lambda) * least >= highest && least > f32::NEG_INFINITY {
        least -= step;
        step *= 2.0;
    }
    least
}

/// The candidate of the highest value whose groups are not full, the first where two are equal, and its value.
fn best(open: &[usize], values: &[f32], tally: &Tally) -> Option<(usize, f32)> {
    if !tally.caps() {
        return largest(values).map(|i| (i, values[i]));
    }
    let mut best: Option<(usize, f32)> = None;
    for i in open {
        if best.is_none_or(|(_, highest)| values[*i] > highest) && tally.full(*i).is_none() {
            best = Some((*i, values[*i]));
        }
    }
    best
}

/// The values scaled to 0..=1; those that are not finite become 0.
pub(super) fn unit_range(values: &[f32]) -> Vec<f32> {
    // By comparisons: `min` and `max` of floats are calls where the module is built for size.
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for v in values.iter().copied().filter(|v| v.is_finite()) {
        low = if v < low { v } else { low };
        high = if v > high { v } else { high };
    }
    // In f64: the span of two finite f32 can be infinite.
    let span = f64::from(high) - f64::from(low);
    let scaled = |v: &f32| match (v.is_finite(), span > 0.0) {
        (true, true) => ((f64::from(*v) - f64::from(low)) / span) as f32,
        (true, false) => 1.0,
        (false, _) => 0.0,
    };
    values.iter().map(scaled).collect()
}
