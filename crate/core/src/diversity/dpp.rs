//! Fast greedy inference of a determinantal point process (Chen, Zhang, Zhou: "Fast Greedy MAP Inference for
//! Determinantal Point Process to Improve Recommendation Diversity", NeurIPS 2018): Algorithm 1, and its section 4 with
//! a sliding window.

use super::{Spread, Tally, UnitRows, select};

/// Share of the cosines in the kernel `0.9 S + 0.1 I`. Of cosines alone the determinant of more rows than they are wide
/// is 0, a twin's logarithm minus infinity, and no relevance could outweigh it; so it is −ln 10 at least.
pub(super) const SHARE: f64 = 0.9;

/// What a spread is below its bound at least: no rounding of a logarithm is as large.
const SLACK: f32 = 1e-4;

/// The spread of a determinantal point process over cosines `S`, kernel `L = 0.9 S + 0.1 I`: `log det` of the window with
/// the candidate minus that without it, −2.3..=0. A row of zeros is alike to nothing: 0.
///
/// With `L = V Vᵀ` of the window, `cᵢ` solves `V cᵢ = L[window, i]` and `dᵢ² = Lᵢᵢ − |cᵢ|²`: each pick `j`
/// appends one entry, `e = (Lⱼᵢ − ⟨cⱼ, cᵢ⟩) / dⱼ`, and takes `e²` from `dᵢ²`. Where the oldest pick leaves, Givens
/// rotations move its column into the ones behind it. Both are kept as steps, which a candidate takes when it is settled:
/// `dᵢ²` falls with every pick, so that what it was is a bound of what it is, until a pick leaves.
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
    /// Picks in the window.
    len: usize,
    steps: Vec<Step>,
    /// How many steps a candidate has taken.
    taken: Vec<usize>,
    spread: Vec<f32>,
    bounds: Vec<f32>,
}

/// What happens to `c` and `d²` of every candidate.
#[derive(Debug)]
enum Step {
    /// A pick enters: its row, its `c`, its `d`.
    Enter(usize, Vec<f64>, f64),
    /// The oldest one leaves: the rotations, cosine and sine of each.
    Leave(Vec<(f64, f64)>),
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
            steps: Vec::new(),
            taken: vec![0; count],
            spread: vec![0.0; count],
            bounds: vec![SLACK; count],
        }
    }

    /// Takes the oldest pick out of the factorisation.
    fn leave(&mut self) -> Step {
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
        Step::Leave(turns)
    }
}

impl Spread for Determinant<'_> {
    fn bounds(&self) -> &[f32] {
        &self.bounds
    }

    fn settle(&mut self, candidate: usize) -> f32 {
        let w = self.keeps;
        let steps = &self.steps[self.taken[candidate]..];
        if steps.is_empty() {
            return self.spread[candidate];
        }
        self.taken[candidate] = self.steps.len();
        let c = &mut self.c[candidate * w..(candidate + 1) * w];
        let square = &mut self.square[candidate];
        for step in steps {
            match step {
                Step::Enter(picked, own, pivot) => {
                    let common: f64 = own.iter().zip(&*c).map(|(a, b)| a * b).sum();
                    let e = (SHARE * f64::from(self.rows.cosine(*picked, candidate)) - common) / pivot;
                    c[own.len()] = e;
                    *square -= e * e;
                }
                Step::Leave(turns) => {
                    let mut first = c[0];
                    for (l, (cos, sin)) in turns.iter().enumerate() {
                        let old = c[l + 1];
                        c[l] = cos * old + sin * first;
                        first = cos * first - sin * old;
                    }
                    *square += first * first;
                }
            }
        }
        let spread = libm::log(square.max(1.0 - SHARE)) as f32;
        self.spread[candidate] = spread;
        self.bounds[candidate] = spread + SLACK;
        spread
    }

    fn pick(&mut self, picked: usize) {
        let w = self.keeps;
        if w == 0 {
            return;
        }
        if self.len == w {
            let step = self.leave();
            self.steps.push(step);
            self.bounds.fill(SLACK);
        }
        self.settle(picked);
        let pivot = libm::sqrt(self.square[picked].max(1.0 - SHARE));
        let own = self.c[picked * w..picked * w + self.len].to_vec();
        self.factor[self.len * w..self.len * w + self.len].copy_from_slice(&own);
        self.factor[self.len * w + self.len] = pivot;
        self.steps.push(Step::Enter(picked, own, pivot));
        self.len += 1;
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
