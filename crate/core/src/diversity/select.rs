//! The greedy loop that every method shares.

use super::{Calibration, Tally};

/// What a method adds to relevance: how far each candidate is from the picked ones.
///
/// Picking is lazy (Minoux, *Accelerated greedy algorithms for maximizing submodular set functions*, 1978): most candidates
/// are behind in relevance by more than any spread could make up for, and what they are away from the picks is never asked.
/// A method tells a bound of each that costs nothing, and works a candidate's spread out when [`select`] asks for it.
pub trait Spread {
    /// For each candidate what its spread is at most, as long as nothing more is picked; any for those that were picked.
    fn bounds(&self) -> &[f32];

    /// The spread of a candidate, more is more different: what the picks so far make of it, whenever it is asked.
    fn settle(&mut self, candidate: usize) -> f32;

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
    let mut open: Vec<usize> = (0..relevance.len()).filter(|i| relevance[*i].is_finite()).collect();
    let mut picked: Vec<usize> = Vec::with_capacity(size.min(relevance.len()));
    let mut values = vec![0.0; relevance.len()];
    while picked.len() < size {
        let alone = picked.is_empty() || lambda >= 1.0;
        // Merit and spread, by their weights.
        let value = |merit: f32, spread: f32| match alone {
            true => merit,
            false => lambda * merit + (1.0 - lambda) * spread,
        };
        let merit = |i: usize, tally: &Tally| scaled[i] * tally.weight(i);
        let mut best: Option<(usize, f32)> = None;
        let mut offer = |place: usize, own: f32, tally: &Tally| {
            if best.is_none_or(|(_, highest)| own > highest) && tally.full(open[place]).is_none() {
                best = Some((place, own));
            }
        };
        if let Some(calibration) = &mut calibration {
            // The mix moves every value: all are worked out.
            for i in &open {
                let spread = if alone { 0.0 } else { spread.settle(*i) };
                values[*i] = value(merit(*i, tally), spread);
            }
            calibration.apply(&open, &mut values);
            (0..open.len()).for_each(|place| offer(place, values[open[place]], tally));
        } else {
            let bounds = spread.bounds();
            for (place, i) in open.iter().enumerate() {
                let own = value(merit(*i, tally), bounds[*i]);
                values[*i] = own;
                offer(place, own, tally);
            }
        }
        if let (false, None, Some((first, _))) = (alone, &calibration, best) {
            let mut exact = |i: usize, values: &mut [f32]| {
                values[i] = value(merit(i, tally), spread.settle(i));
                values[i]
            };
            let (mut at, mut highest) = (first, exact(open[first], &mut values));
            // Who is not below the best even by a bound is worked out too; of equals the earlier one is the best.
            for (place, i) in open.iter().enumerate() {
                if place != first && values[*i] >= highest {
                    let own = exact(*i, &mut values);
                    if (own > highest || own == highest && place < at) && tally.full(*i).is_none() {
                        (at, highest) = (place, own);
                    }
                }
            }
            best = Some((at, highest));
        }
        tally.pass_over(&open, &values, best);
        let Some((place, _)) = best else { break };
        // Not swap_remove: the order of what is left decides between equals.
        let next = open.remove(place);
        tally.add(next);
        if let Some(calibration) = &mut calibration {
            calibration.add(next);
        }
        if lambda < 1.0 {
            spread.pick(next);
        }
        picked.push(next);
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

/// The values scaled to 0..=1; those that are not finite become 0.
pub(super) fn unit_range(values: &[f32]) -> Vec<f32> {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let low = finite().fold(f32::INFINITY, f32::min);
    let high = finite().fold(f32::NEG_INFINITY, f32::max);
    // In f64: the span of two finite f32 can be infinite.
    let span = f64::from(high) - f64::from(low);
    let scaled = |v: &f32| match (v.is_finite(), span > 0.0) {
        (true, true) => ((f64::from(*v) - f64::from(low)) / span) as f32,
        (true, false) => 1.0,
        (false, _) => 0.0,
    };
    values.iter().map(scaled).collect()
}
