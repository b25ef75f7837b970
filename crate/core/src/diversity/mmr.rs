//! Maximal marginal relevance (Carbonell and Goldstein 1998): each next video unlike the most similar one before it.

use super::{Spread, Tally, UnitRows, select};

/// The spread of maximal marginal relevance: minus the largest cosine to a picked one.
#[derive(Debug)]
pub struct Nearest<'a> {
    rows: &'a UnitRows,
    /// As of the picks that were looked at: later ones can only be nearer.
    spread: Vec<f32>,
    /// How many picks a candidate was held to.
    seen: Vec<usize>,
    picks: Vec<usize>,
}

/// Above every spread: a cosine is −1 at least, but for rounding.
const FARTHEST: f32 = 1.001;

impl<'a> Nearest<'a> {
    /// Of `count` rows, none of them picked.
    #[must_use]
    pub fn new(rows: &'a UnitRows, count: usize) -> Nearest<'a> {
        Nearest {
            rows,
            spread: vec![FARTHEST; count],
            seen: vec![0; count],
            picks: Vec::new(),
        }
    }
}

impl Spread for Nearest<'_> {
    fn bounds(&self) -> &[f32] {
        &self.spread
    }

    fn settle(&mut self, candidate: usize, _least: f32) -> Option<f32> {
        let spread = &mut self.spread[candidate];
        for picked in &self.picks[self.seen[candidate]..] {
            *spread = spread.min(-self.rows.cosine(candidate, *picked));
        }
        self.seen[candidate] = self.picks.len();
        Some(*spread)
    }

    fn pick(&mut self, picked: usize) {
        self.picks.push(picked);
    }
}

/// Picks up to `size` of the candidates `0..relevance.len()`, best first, by [`select`] with
/// `λ · relevance − (1 − λ) · max cosine to the picked`: O(N k D) at most for N candidates, k picks, rows of width D, and
/// O(N k + M k D) where M of them are near enough in relevance to be looked at.
#[must_use]
pub fn mmr(relevance: &[f32], rows: &UnitRows, size: usize, lambda: f32) -> Vec<usize> {
    let mut spread = Nearest::new(rows, relevance.len());
    select(relevance, &mut spread, size, lambda, &mut Tally::default(), None)
}
