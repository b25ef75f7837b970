//! Fast greedy inference of a determinantal point process (Chen, Zhang, Zhou: "Fast Greedy MAP Inference for
//! Determinantal Point Process to Improve Recommendation Diversity", NeurIPS 2018): Algorithm 1, and its section 4 with
//! a sliding window.

use super::{Spread, Tally, UnitRows, select};
use crate::program::kernel::{dot, dot_f64};

/// Share of the cosines in the kernel `0.9 S + 0.1 I`. Of cosines alone the determinant of more rows than they are wide
/// is 0, a twin's logarithm minus infinity, and no relevance could outweigh it; so it is −ln 10 at least.
pub(super) const SHARE: f64 = 0.9;

/// What a spread is below its bound at least: no rounding of a logarithm is as large.
const SLACK: f64 = 1e-4;

/// What `d²` is at least, but for rounding: the share of `I`.
const LEAST: f64 = 1.0 - SHARE;

/// The spread of a determinantal point process over cosines `S`, kernel `L = 0.9 S + 0.1 I`: `log det` of the window with
/// the candidate minus that without it, −2.3..=0. A row of zeros is alike to nothing: 0.
///
/// With `L = V Vᵀ` of the window, oldest first, `cᵢ` solves `V cᵢ = L[window, i]` and `dᵢ² = Lᵢᵢ − |cᵢ|²`: each pick `j`
/// appends one entry, `e = (Lⱼᵢ − ⟨V[j], cᵢ⟩) / Vⱼⱼ`, and takes `e²` from `dᵢ²`. Where the oldest pick leaves, Givens
/// rotations move its column into the ones behind it, and what is left of it goes back to `dᵢ²`.
///
/// A candidate takes the picks when it is settled, one after the other, and no more of them than it needs to be behind.
/// What it has taken are the oldest ones of the window: their `dᵢ²` is a bound of what all of them leave. The rotations of
/// some columns are made of these columns alone, so a candidate that is behind loses the oldest pick all the same.
#[derive(Debug)]
pub struct Determinant<'a> {
    rows: &'a UnitRows,
    /// Picks that are kept: one fewer than the window.
    keeps: usize,
    /// For each candidate `cᵢ`, as far as it has taken the picks.
    c: Vec<f64>,
    candidates: Vec<Taken>,
    bounds: Vec<f32>,
    /// Rows of the picks in the window, oldest first.
    window: Vec<&'a [f32]>,
    /// Rows of V left of its diagonal.
    factor: Vec<f64>,
    /// Its diagonal.
    diagonal: Vec<f64>,
    /// One over it.
    inverse: Vec<f64>,
}

/// How far a candidate is.
#[derive(Debug, Clone, Copy)]
struct Taken {
    /// How many picks of the window it has taken, the oldest first.
    picks: usize,
    /// `dᵢ²` as of these.
    square: f64,
    /// The spread, where all are taken and it was asked for.
    spread: Option<f32>,
    /// Slope and height at 0 of a line that is above the logarithm: that which touched it last, and a little.
    line: (f64, f64),
}

impl Taken {
    const NONE: Taken = Taken {
        picks: 0,
        square: 1.0,
        spread: None,
        // ln x ≤ x − 1.
        line: (1.0, SLACK - 1.0),
    };

    /// What the spread is at most.
    #[inline(always)]
    fn bound(&self) -> f64 {
        self.square * self.line.0 + self.line.1
    }
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
            candidates: vec![Taken::NONE; count],
            bounds: vec![SLACK as f32; count],
            window: Vec::with_capacity(keeps),
            factor: vec![0.0; keeps * keeps],
            diagonal: vec![0.0; keeps],
            inverse: vec![0.0; keeps],
        }
    }

    /// Takes the oldest pick out of the factorisation, and gives back to each candidate what it took from it.
    fn leave(&mut self) {
        let (w, last) = (self.keeps, self.window.len() - 1);
        let mut column: Vec<f64> = (1..=last).map(|row| self.factor[row * w]).collect();
        let mut turns = Vec::with_capacity(last);
        for l in 0..last {
            let (diagonal, below) = (self.diagonal[l + 1], column[l]);
            let length = libm::sqrt(diagonal * diagonal + below * below);
            let (cos, sin) = (diagonal / length, below / length);
            turns.push((cos, sin));
            self.diagonal[l] = length;
            self.inverse[l] = 1.0 / length;
            for (row, first) in column.iter_mut().enumerate().skip(l + 1) {
                let old = self.factor[(row + 1) * w + l + 1];
                self.factor[row * w + l] = cos * old + sin * *first;
                *first = cos * *first - sin * old;
            }
        }
        self.window.remove(0);
        for (i, own) in self.candidates.iter_mut().enumerate() {
            match own.picks {
                0 => continue,
                1 => *own = Taken::NONE,
                picks => {
                    own.square += turn(&mut self.c[i * w..][..picks], &turns);
                    (own.picks, own.spread) = (picks - 1, None);
                }
            }
            self.bounds[i] = own.bound() as f32;
        }
    }

    /// Lets a candidate take the picks of the window that it has not, until its spread is below `least`; whether it is.
    fn take(&mut self, candidate: usize, least: f32) -> bool {
        let w = self.keeps;
        let c = &mut self.c[candidate * w..][..w];
        let row = self.rows.row(candidate);
        let mut own = self.candidates[candidate];
        let least = f64::from(least);
        let mut below = false;
        for (at, picked) in self.window.iter().enumerate().skip(own.picks) {
            let common = dot_f64(&self.factor[at * w..][..at], &c[..at]);
            let e = (SHARE * f64::from(dot(picked, row)) - common) * self.inverse[at];
            c[at] = e;
            own.square -= e * e;
            own.picks = at + 1;
            below = own.bound() < least;
            if below {
                break;
            }
        }
        own.spread = None;
        self.candidates[candidate] = own;
        below
    }
}

/// Turns the entries of a candidate, so that the column of the oldest pick moves into the others; gives the square of what is
/// left of it.
fn turn(c: &mut [f64], turns: &[(f64, f64)]) -> f64 {
    let turns = &turns[..c.len() - 1];
    let mut first = c[0];
    for (l, (cos, sin)) in turns.iter().enumerate() {
        let old = c[l + 1];
        c[l] = cos * old + sin * first;
        first = cos * first - sin * old;
    }
    first * first
}

impl Spread for Determinant<'_> {
    fn bounds(&self) -> &[f32] {
        &self.bounds
    }

    fn settle(&mut self, candidate: usize, least: f32) -> Option<f32> {
        if self.candidates[candidate].picks < self.window.len() && self.take(candidate, least) {
            self.bounds[candidate] = self.candidates[candidate].bound() as f32;
            return None;
        }
        let own = &mut self.candidates[candidate];
        if own.spread.is_none() {
            let square = if own.square < LEAST { LEAST } else { own.square };
            let log = libm::log(square);
            own.line = (1.0 / square, log - 1.0 + SLACK);
            own.spread = Some(log as f32);
            self.bounds[candidate] = own.bound() as f32;
        }
        own.spread
    }

    fn pick(&mut self, picked: usize) {
        if self.keeps == 0 {
            return;
        }
        if self.window.len() == self.keeps {
            self.leave();
        }
        self.take(picked, f32::NEG_INFINITY);
        let (w, len) = (self.keeps, self.window.len());
        self.factor[len * w..][..len].copy_from_slice(&self.c[picked * w..][..len]);
        self.diagonal[len] = libm::sqrt(self.candidates[picked].square.max(LEAST));
        self.inverse[len] = 1.0 / self.diagonal[len];
        self.window.push(self.rows.row(picked));
        // It is no candidate any more.
        self.candidates[picked] = Taken::NONE;
    }
}

/// Picks up to `size` of the candidates `0..relevance.len()`, best first, by [`select`] with
/// `λ · relevance + (1 − λ) · log d²` over the latest `window`: O(N k (D + w) + k w²) at most for N candidates, k picks, rows
/// of width D, and O(N k + M k (D + w) + k w²) where M of them are near enough in relevance to be looked at.
#[must_use]
pub fn dpp(relevance: &[f32], rows: &UnitRows, size: usize, lambda: f32, window: usize) -> Vec<usize> {
    let mut spread = Determinant::new(rows, relevance.len(), window);
    select(relevance, &mut spread, size, lambda, &mut Tally::default(), None)
}
