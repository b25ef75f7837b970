//! Maximal marginal relevance (Carbonell and Goldstein 1998): each next video unlike the most similar one before it.

use super::{Spread, Tally, UnitRows, select};

/// The spread of maximal marginal relevance: minus the largest cosine to a picked one.
#[derive(Debug)]
pub struct Nearest<'a> {
    rows: &'a UnitRows,
    spread: Vec<f32>,
    any: bool,
}

impl<'a> Nearest<'a> {
    /// Of `count` rows, none of them picked.
    #[must_use]
    pub fn new(rows: &'a UnitRows, count: usize) -> Nearest<'a> {
        Nearest {
            rows,
            spread: vec![0.0; count],
            any: false,
        }
    }
}

impl Spread for Nearest<'_> {
    fn values(&self) -> &[f32] {
        &self.spread
    }

    fn pick(&mut self, picked: usize, open: &[usize]) {
        for candidate in open {
            let away = -self.rows.cosine(*candidate, picked);
            let spread = &mut self.spread[*candidate];
            *spread = if self.any { spread.min(away) } else { away };
        }
        self.any = true;
    }
}

/// Picks up to `size` of the candidates `0..relevance.len()`, best first, by [`select`] with
/// `λ · relevance − (1 − λ) · max cosine to the picked`: O(N k D) for N candidates, k picks, rows of width D.
#[must_use]
pub fn mmr(relevance: &[f32], rows: &UnitRows, size: usize, lambda: f32) -> Vec<usize> {
    let mut spread = Nearest::new(rows, relevance.len());
    select(relevance, &mut spread, size, lambda, &mut Tally::default(), None)
}
