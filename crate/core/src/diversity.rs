//! Maximal marginal relevance: a slate of which each next video is relevant and unlike the ones
//! before it. A pure algorithm; it knows nothing of blocks or viewers.

use crate::program::kernel::dot;

/// Rows of one width, each of length 1 or 0: what similarity is a plain dot product of.
#[derive(Debug, Clone, Default)]
pub struct UnitRows {
    width: usize,
    values: Vec<f32>,
}

impl UnitRows {
    /// No rows yet, room for `rows`.
    #[must_use]
    pub fn new(width: usize, rows: usize) -> UnitRows {
        UnitRows {
            width,
            values: Vec::with_capacity(width * rows),
        }
    }

    /// Appends a row, scaled to length 1. Zeros, and rows that are not finite, become zeros:
    /// alike to nothing. Shorter rows are filled up with zeros, longer ones cut.
    pub fn push(&mut self, row: impl IntoIterator<Item = f32>) {
        let start = self.values.len();
        self.values
            .extend(row.into_iter().chain(core::iter::repeat(0.0)).take(self.width));
        let row = &mut self.values[start..];
        let norm = dot(row, row).sqrt();
        let scale = if norm.is_finite() && norm > 0.0 {
            1.0 / norm
        } else {
            0.0
        };
        row.iter_mut()
            .for_each(|v| *v = if scale > 0.0 { *v * scale } else { 0.0 });
    }

    /// Row `index`; empty outside.
    #[must_use]
    pub fn row(&self, index: usize) -> &[f32] {
        self.values
            .get(index * self.width..(index + 1) * self.width)
            .unwrap_or(&[])
    }

    /// Cosine of two rows.
    #[must_use]
    pub fn cosine(&self, a: usize, b: usize) -> f32 {
        dot(self.row(a), self.row(b))
    }
}

/// Picks up to `size` of the candidates `0..relevance.len()`, best first.
///
/// Each step takes the candidate of the highest `λ · relevance − (1 − λ) · max cosine to the
/// picked`, the earlier one where two are equal. Relevance is scaled to 0..=1 over the candidates
/// first, so that λ means the same whatever the scores' range; with one value throughout, all are 1.
/// Candidates of non-finite relevance come last, in their order. λ = 1 is the order of relevance,
/// λ is clamped to 0..=1.
#[must_use]
pub fn mmr(relevance: &[f32], rows: &UnitRows, size: usize, lambda: f32) -> Vec<usize> {
    let lambda = if lambda.is_nan() { 1.0 } else { lambda.clamp(0.0, 1.0) };
    let mut open: Vec<Open> = unit_range(relevance)
        .map(|(index, relevance)| Open {
            index,
            relevance,
            nearest: 0.0,
        })
        .collect();
    let mut picked: Vec<usize> = Vec::with_capacity(size.min(relevance.len()));
    while picked.len() < size {
        if let Some(last) = picked.last() {
            for candidate in &mut open {
                let near = rows.cosine(candidate.index, *last);
                candidate.nearest = if picked.len() == 1 {
                    near
                } else {
                    candidate.nearest.max(near)
                };
            }
        }
        let mut best: Option<(usize, f32)> = None;
        for (place, candidate) in open.iter().enumerate() {
            let value = candidate.value(lambda, picked.is_empty());
            if best.is_none_or(|(_, highest)| value > highest) {
                best = Some((place, value));
            }
        }
        let Some((place, _)) = best else { break };
        // Not swap_remove: the order of what is left decides between equals.
        picked.push(open.remove(place).index);
    }
    let rest = (0..relevance.len()).filter(|i| !relevance[*i].is_finite());
    picked.extend(rest.take(size - picked.len()));
    picked
}

struct Open {
    index: usize,
    relevance: f32,
    nearest: f32,
}

impl Open {
    fn value(&self, lambda: f32, first: bool) -> f32 {
        // The first is the most relevant for every λ: there is nothing yet to be unlike.
        if first || lambda >= 1.0 {
            self.relevance
        } else {
            lambda * self.relevance - (1.0 - lambda) * self.nearest
        }
    }
}

/// The finite values with their indexes, scaled to 0..=1.
fn unit_range(values: &[f32]) -> impl Iterator<Item = (usize, f32)> {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let low = finite().fold(f32::INFINITY, f32::min);
    let high = finite().fold(f32::NEG_INFINITY, f32::max);
    // In f64: the span of two finite f32 can be infinite.
    let span = f64::from(high) - f64::from(low);
    let scaled = move |v: f32| {
        if span > 0.0 {
            ((f64::from(v) - f64::from(low)) / span) as f32
        } else {
            1.0
        }
    };
    values
        .iter()
        .enumerate()
        .filter(|(_, v)| v.is_finite())
        .map(move |(i, v)| (i, scaled(*v)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By the definition: at each step every candidate against every picked one, in f64.
    fn oracle_value(relevance: &[f64], rows: &[Vec<f64>], picked: &[usize], i: usize, lambda: f64) -> f64 {
        let cosine = |a: &[f64], b: &[f64]| {
            let d = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(p, q)| p * q).sum::<f64>();
            let scale = (d(a, a) * d(b, b)).sqrt();
            if scale > 0.0 { d(a, b) / scale } else { 0.0 }
        };
        let nearest = picked
            .iter()
            .map(|j| cosine(&rows[i], &rows[*j]))
            .fold(f64::NEG_INFINITY, f64::max);
        if picked.is_empty() {
            relevance[i]
        } else {
            lambda * relevance[i] - (1.0 - lambda) * nearest
        }
    }

    fn cases() -> impl Strategy<Value = Vec<(f32, Vec<f32>)>> {
        prop::collection::vec((-4.0_f32..4.0, prop::collection::vec(-1.0_f32..1.0, 5)), 1..40)
    }

    fn unit_rows(case: &[(f32, Vec<f32>)]) -> UnitRows {
        let mut rows = UnitRows::new(5, case.len());
        case.iter().for_each(|(_, row)| rows.push(row.iter().copied()));
        rows
    }

    proptest! {
        #[test]
        fn each_pick_is_the_best_by_the_definition(case in cases(), lambda in 0.0_f32..1.0) {
            let relevance: Vec<f32> = case.iter().map(|c| c.0).collect();
            let picked = mmr(&relevance, &unit_rows(&case), case.len(), lambda);
            let mut scaled = vec![0.0; case.len()];
            unit_range(&relevance).for_each(|(i, r)| scaled[i] = f64::from(r));
            let rows: Vec<Vec<f64>> = case.iter().map(|c| c.1.iter().map(|v| f64::from(*v)).collect()).collect();
            for (step, pick) in picked.iter().enumerate() {
                let value = |i| oracle_value(&scaled, &rows, &picked[..step], i, f64::from(lambda));
                let best = picked[step..].iter().map(|i| value(*i)).fold(f64::NEG_INFINITY, f64::max);
                // f32 against f64: a pick may be short of the best by rounding, not by more.
                prop_assert!(value(*pick) >= best - 1e-5, "step {} of {:?}", step, picked);
            }
        }

        #[test]
        fn never_loses_or_repeats_a_candidate(case in cases(), size in 0_usize..50, lambda in -1.0_f32..2.0) {
            let relevance: Vec<f32> = case.iter().map(|c| c.0).collect();
            let mut picked = mmr(&relevance, &unit_rows(&case), size, lambda);
            prop_assert_eq!(picked.len(), size.min(case.len()));
            picked.sort_unstable();
            picked.dedup();
            prop_assert_eq!(picked.len(), size.min(case.len()));
        }

        #[test]
        fn lambda_one_is_the_order_of_relevance(case in cases()) {
            let relevance: Vec<f32> = case.iter().map(|c| c.0).collect();
            let mut expected: Vec<usize> = (0..case.len()).collect();
            expected.sort_by(|a, b| relevance[*b].total_cmp(&relevance[*a]));
            prop_assert_eq!(mmr(&relevance, &unit_rows(&case), case.len(), 1.0), expected);
        }
    }

    #[test]
    fn a_twin_waits_for_another_kind() {
        let mut rows = UnitRows::new(2, 3);
        [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
            .into_iter()
            .for_each(|r| rows.push(r));
        assert_eq!(mmr(&[1.0, 0.9, 0.5], &rows, 3, 0.5), [0, 2, 1]);
        assert_eq!(mmr(&[1.0, 0.9, 0.5], &rows, 3, 1.0), [0, 1, 2]);
    }

    #[test]
    fn equals_keep_their_order() {
        let mut rows = UnitRows::new(1, 3);
        (0..3).for_each(|_| rows.push([0.0]));
        assert_eq!(mmr(&[2.0, 2.0, 2.0], &rows, 3, 0.3), [0, 1, 2]);
    }

    #[test]
    fn not_finite_relevance_comes_last() {
        let mut rows = UnitRows::new(1, 4);
        (0..4).for_each(|_| rows.push([1.0]));
        assert_eq!(mmr(&[f32::NAN, 1.0, f32::INFINITY, 2.0], &rows, 4, 0.5), [3, 1, 0, 2]);
        assert_eq!(mmr(&[f32::NAN, 1.0], &rows, 1, f32::NAN), [1]);
    }
}
