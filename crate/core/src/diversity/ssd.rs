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
    /// For each candidate its squared part along each direction of the ring.
    taken: Vec<f64>,
    picks: usize,
    spread: Vec<f32>,
}

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
            taken: vec![0.0; keeps * count],
            picks: 0,
            spread: vec![1.0; count],
        }
    }

    /// Length of what the directions of the ring leave of a row.
    fn left(&self, candidate: usize) -> f64 {
        let taken: f64 = self.taken[candidate * self.keeps..(candidate + 1) * self.keeps]
            .iter()
            .sum();
        libm::sqrt((1.0 - taken).max(LEAST_SQUARE))
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
    fn values(&self) -> &[f32] {
        &self.spread
    }

    fn pick(&mut self, picked: usize, open: &[usize]) {
        if self.keeps == 0 {
            return;
        }
        let slot = self.picks % self.keeps;
        self.picks += 1;
        // Measured before the oldest leaves: it stood in the window of this pick.
        let (length, direction) = (self.left(picked), self.direction(picked));
        self.lengths[slot] = length;
        self.basis[slot] = direction;
        for i in open {
            let part = f64::from(dot(&self.basis[slot], self.rows.row(*i)));
            self.taken[i * self.keeps + slot] = part * part;
        }
        let volume: f64 = self.lengths.iter().product();
        for i in open {
            self.spread[*i] = (volume * self.left(*i)) as f32;
        }
    }
}

/// Picks up to `size` of the candidates `0..relevance.len()`, best first, by [`select`] with
/// `λ · relevance + (1 − λ) · volume` over the latest `window`: O(N k (D + w)) for N candidates, k picks, rows of
/// width D.
#[must_use]
pub fn ssd(relevance: &[f32], rows: &UnitRows, size: usize, lambda: f32, window: usize) -> Vec<usize> {
    let mut spread = Spectrum::new(rows, relevance.len(), window);
    select(relevance, &mut spread, size, lambda, &mut Tally::default(), None)
}
