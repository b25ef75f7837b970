//! Fast greedy inference of a determinantal point process (Chen, Zhang, Zhou: "Fast Greedy MAP Inference for
//! Determinantal Point Process to Improve Recommendation Diversity", NeurIPS 2018): Algorithm 1, and its section 4 with
//! a sliding window.

use super::{Spread, Tally, UnitRows, select};
use crate::program::kernel::dot;

/// Share of the cosines in the kernel `0.9 S + 0.1 I`. Of cosines alone the determinant of more rows than they are wide
/// is 0, a twin's logarithm minus infinity, and no relevance could outweigh it; so it is −ln 10 at least.
pub(super) const SHARE: f64 = 0.9;

/// The spread of a determinantal point process over cosines `S`, kernel `L = 0.9 S + 0.1 I`: `log det` of the window with
/// the candidate minus that without it, −2.3..=0. A row of zeros is alike to nothing: 0.
///
/// With `L = V Vᵀ` of the window, `cᵢ` solves `V cᵢ = L[window, i]` and `dᵢ² = Lᵢᵢ − |cᵢ|²`: each pick `j`
/// appends one entry, `e = (Lⱼᵢ − ⟨cⱼ, cᵢ⟩) / dⱼ`, and takes `e²` from `dᵢ²`. Where the oldest pick leaves, Givens
/// rotations move its column into the ones behind it.
#[derive(Debug)]
pub struct Determinant<'a> {
    rows: &'a UnitRows,
    /// Picks that are kept: one fewer than the window.
    keeps: usize,
    /// `cᵢ`, `keeps` places for each candidate.
    c: Vec<f64>,
    /// `dᵢ²`.
    square: Vec<f64>,
    /// Rows of V, lower triangle, `keeps` places each.
    factor: Vec<f64>,
    len: usize,
    spread: Vec<f32>,
}

impl<'a> Determinant<'a> {
    /// Of `count` rows, none of them picked; `window` counts the pick to come, so that 1 looks at nothing before it.
    #[must_use]
    pub fn new(rows: &'a UnitRows, count: usize, window: usize) -> Determinant<'a> {
        // No more picks than candidates.
        let keeps = window.saturating_sub(1).min(count);
        Determinant {
            rows,
            keeps,
            c: vec![0.0; keeps * count],
            square: vec![1.0; count],
            factor: vec![0.0; keeps * keeps],
            len: 0,
            spread: vec![0.0; count],
        }
    }

    /// Takes the oldest pick out of the factorisation.
    fn slide(&mut self, open: &[usize], picked: usize) {
        let (w, last) = (self.keeps, self.len - 1);
        let mut column: Vec<f64> = (1..=last).map(|row| self.factor[row * w]).collect();
        let mut turns = Vec::with_capacity(last);
        for l in 0..last {
            let (diagonal, below) = (self.factor[(l + 1) * w + l + 1], column[l]);
            let length = libm::sqrt(diagonal * diagonal + below * below);
            let (cos, sin) = (diagonal / length, below / length);
            turns.push((cos, sin));
            self.factor[l * w + l] = length;
            for (row, first) in column.iter_mut().enumerate().skip(l + 1) {
                let old = self.factor[(row + 1) * w + l + 1];
                self.factor[row * w + l] = cos * old + sin * *first;
                *first = cos * *first - sin * old;
            }
        }
        self.len = last;
        for i in open.iter().copied().chain([picked]) {
            let c = &mut self.c[i * w..(i + 1) * w];
            let mut first = c[0];
            for (l, (cos, sin)) in turns.iter().enumerate() {
                let old = c[l + 1];
                c[l] = cos * old + sin * first;
                first = cos * first - sin * old;
            }
            self.square[i] += first * first;
        }
    }
}

impl Spread for Determinant<'_> {
    fn values(&self) -> &[f32] {
        &self.spread
    }

    fn pick(&mut self, picked: usize, open: &[usize]) {
        let w = self.keeps;
        if w == 0 {
            return;
        }
        if self.len == w {
            self.slide(open, picked);
        }
        let (len, pivot) = (self.len, libm::sqrt(self.square[picked].max(1.0 - SHARE)));
        let own = self.c[picked * w..picked * w + len].to_vec();
        self.factor[len * w..len * w + len].copy_from_slice(&own);
        self.factor[len * w + len] = pivot;
        let row = self.rows.row(picked);
        for i in open {
            let c = &mut self.c[i * w..(i + 1) * w];
            let common: f64 = own.iter().zip(&*c).map(|(a, b)| a * b).sum();
            let e = (SHARE * f64::from(dot(row, self.rows.row(*i))) - common) / pivot;
            c[len] = e;
            self.square[*i] -= e * e;
            self.spread[*i] = libm::log(self.square[*i].max(1.0 - SHARE)) as f32;
        }
        self.len += 1;
    }
}

/// Picks up to `size` of the candidates `0..relevance.len()`, best first, by [`select`] with
/// `λ · relevance + (1 − λ) · log d²` over the latest `window`: O(N k (D + w) + k w²) for N candidates, k picks, rows
/// of width D.
#[must_use]
pub fn dpp(relevance: &[f32], rows: &UnitRows, size: usize, lambda: f32, window: usize) -> Vec<usize> {
    let mut spread = Determinant::new(rows, relevance.len(), window);
    select(relevance, &mut spread, size, lambda, &mut Tally::default(), None)
}
