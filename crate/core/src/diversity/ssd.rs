//! Sliding spectrum decomposition (Huang, Wang, Zhang, Xu: "Sliding Spectrum Decomposition for Diversified
//! Recommendation", KDD 2021).

use super::{Spread, Tally, UnitRows, select};
use crate::program::kernel::dot;

/// Least squared length that is left of a row of length 1. Below it f32 cosines tell nothing: a repeated row counts as
/// this far away, so that neither a volume nor a division meets a zero.
pub(super) const LEAST_SQUARE: f64 = 1e-6;

/// The spread of sliding spectrum decomposition: the volume that the rows of the window span with the candidate, as the
/// product of what Gram–Schmidt leaves of each. A pick that leaves the window gives back what it took from the others;
/// those after it keep the direction that they had. A row of zeros is alike to nothing: length 1.
#[derive(Debug)]
pub struct Spectrum<'a> {
    rows: &'a UnitRows,
    /// Picks that are kept: one fewer than the window.
    keeps: usize,
    /// Directions of the picks in a ring, one row each, zeros where nothing was left.
    basis: Vec<Vec<f32>>,
    /// What was left of the picks.
    lengths: Vec<f64>,
    /// Product of those.
    volume: f64,
    /// For each candidate its squared part along each direction of the ring.
    taken: Vec<f64>,
    picks: usize,
    /// How many picks a candidate was held to.
    seen: Vec<usize>,
    /// What they leave of it, at most: all of it, where directions that took from it have left the ring.
    left: Vec<f64>,
    bounds: Vec<f32>,
}

/// What a spread is below its bound, as a share of it, at least: more than rounding.
const SLACK: f64 = 1e-6;

impl<'a> Spectrum<'a> {
    /// Of `count` rows, none of them picked; `window` counts the pick to come, so that 1 looks at nothing before it.
    #[must_use]
    pub fn new(rows: &'a UnitRows, count: usize, window: usize) -> Spectrum<'a> {
        let keeps = window.saturating_sub(1).min(count);
        Spectrum {
            rows,
            keeps,
            basis: vec![Vec::new(); keeps],
            lengths: vec![1.0; keeps],
            volume: 1.0,
            taken: vec![0.0; keeps * count],
            picks: 0,
            seen: vec![0; count],
            left: vec![1.0; count],
            bounds: vec![1.0; count],
        }
    }

    /// Length of what the directions of the ring leave of a row; those that it was not held to yet are caught up with.
    fn left(&mut self, candidate: usize) -> f64 {
        let taken = &mut self.taken[candidate * self.keeps..(candidate + 1) * self.keeps];
        // Who is behind by more than the ring holds needs the latest alone.
        let from = self.seen[candidate].max(self.picks.saturating_sub(self.keeps));
        for pick in from..self.picks {
            let slot = pick % self.keeps;
            let part = f64::from(dot(&self.basis[slot], self.rows.row(candidate)));
            taken[slot] = part * part;
        }
        self.seen[candidate] = self.picks;
        let left = libm::sqrt((1.0 - taken.iter().sum::<f64>()).max(LEAST_SQUARE));
        self.left[candidate] = left;
        left
    }

    /// The part of a row that the ring leaves, of length 1; zeros where it is none.
    fn direction(&self, candidate: usize) -> Vec<f32> {
        let row = self.rows.row(candidate);
        let mut rest: Vec<f64> = row.iter().map(|v| f64::from(*v)).collect();
        for direction in &self.basis {
            let part = f64::from(dot(direction, row));
            rest.iter_mut()
                .zip(direction)
                .for_each(|(r, v)| *r -= part * f64::from(*v));
        }
        let square: f64 = rest.iter().map(|v| v * v).sum();
        let scale = if square > LEAST_SQUARE {
            1.0 / libm::sqrt(square)
        } else {
            0.0
        };
        rest.iter().map(|v| (v * scale) as f32).collect()
    }
}

impl Spread for Spectrum<'_> {
    fn bounds(&self) -> &[f32] {
        &self.bounds
    }

    fn settle(&mut self, candidate: usize, _least: f32) -> Option<f32> {
        if self.keeps == 0 {
            return Some(1.0);
        }
        Some((self.volume * self.left(candidate)) as f32)
    }

    fn pick(&mut self, picked: usize) {
        if self.keeps == 0 {
            return;
        }
        let slot = self.picks % self.keeps;
        // Measured before the oldest leaves: it stood in the window of this pick.
        let (length, direction) = (self.left(picked), self.direction(picked));
        self.lengths[slot] = length;
        self.basis[slot] = direction;
        if self.picks >= self.keeps {
            self.left.fill(1.0);
        }
        self.picks += 1;
        self.volume = self.lengths.iter().product();
        for (bound, left) in self.bounds.iter_mut().zip(&self.left) {
            *bound = (self.volume * left * (1.0 + SLACK)) as f32;
        }
    }
}

/// Picks up to `size` of the candidates `0..relevance.len()`, best first, by [`select`] with
/// `λ · relevance + (1 − λ) · volume` over the latest `window`: O(N k (D + w)) at most for N candidates, k picks, rows of
/// width D, and O(N k + M k (D + w)) where M of them are near enough in relevance to be looked at.
#[must_use]
pub fn ssd(relevance: &[f32], rows: &UnitRows, size: usize, lambda: f32, window: usize) -> Vec<usize> {
    let mut spread = Spectrum::new(rows, relevance.len(), window);
    select(relevance, &mut spread, size, lambda, &mut Tally::default(), None)
}
