//! A half-sweep: every row of one side, given the factors of the other.

use rayon::prelude::*;

use super::config::{FactorConfig, Solver};
use super::sparse::Ones;
use super::spectrum::Spectrum;
use super::{conjugate, exact, subspace};
use crate::Error;
use crate::linear::{Kernel, with_simd};

/// Rows that one task solves.
const TASK: usize = 16;

/// One row's equations `(diag(d) + Σ_obs w v vᵀ) u = Σ_obs t v`, in the coordinates of the spectrum.
#[derive(Debug, Default)]
pub struct Row {
    /// `λ` eigenvalue + l2 of each coordinate.
    pub diagonal: Vec<f32>,
    /// Rows of the observed in the fixed factors.
    pub columns: Vec<u32>,
    /// What an observed weighs beyond the λ that is in the diagonal.
    pub weights: Vec<f32>,
    /// Weight times aim.
    pub targets: Vec<f32>,
}

impl Row {
    /// Row `r` of `ones`.
    #[inline(always)]
    fn set(&mut self, ones: &Ones, r: usize, spectrum: &Spectrum, config: &FactorConfig) {
        let lambda = config.lambda;
        self.columns.clear();
        self.weights.clear();
        self.targets.clear();
        let mut total = 0.0;
        for (column, confidence) in ones.weighted(r) {
            let weight = (1.0 - lambda) * confidence;
            self.columns.push(column);
            self.weights.push(weight - lambda);
            self.targets.push(weight);
            total += confidence;
        }
        let l2 = config.row_l2(self.columns.len(), total, ones.columns());
        self.diagonal.clear();
        self.diagonal.extend(spectrum.values.iter().map(|e| lambda * e + l2));
    }

    /// Factor of the observed at `place`.
    #[inline(always)]
    pub fn factor<'a>(&self, fixed: &'a [f32], place: usize) -> &'a [f32] {
        let dim = self.diagonal.len();
        let start = self.columns[place] as usize * dim;
        &fixed[start..start + dim]
    }
}

/// What a task needs beside its output; made once per thread.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The equations at hand.
    pub row: Row,
    /// A matrix.
    pub matrix: Vec<f32>,
    /// Factors of the observed, gathered.
    pub gathered: Vec<f32>,
    /// Vectors.
    pub vectors: [Vec<f32>; 4],
}

struct Task<'a> {
    scratch: &'a mut Scratch,
    ones: &'a Ones,
    spectrum: &'a Spectrum,
    config: &'a FactorConfig,
    first: usize,
    out: &'a mut [f32],
}

impl Kernel for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let mut row = std::mem::take(&mut self.scratch.row);
        for (i, out) in self.out.chunks_exact_mut(self.config.dim).enumerate() {
            row.set(self.ones, self.first + i, self.spectrum, self.config);
            if row.columns.is_empty() {
                out.fill(0.0);
                continue;
            }
            match self.config.solver {
                Solver::Cg => {
                    conjugate::improve::<FMA>(&row, &self.spectrum.fixed, self.config.steps, self.scratch, out)
                }
                Solver::Subspace => {
                    subspace::improve::<FMA>(&row, &self.spectrum.fixed, self.config.block, self.scratch, out);
                }
                // Gradient descent has no half-sweeps; its last one, for the users, is exact.
                Solver::Cholesky | Solver::Sgd => exact::solve::<FMA>(&row, &self.spectrum.fixed, self.scratch, out),
            }
        }
        self.scratch.row = row;
    }
}

/// Solves every row of `ones` against the `fixed` factors of its columns. `start` are the rows' factors so far; they are
/// all zeros at first.
///
/// # Errors
/// [`Error::TrainingDiverged`] where factors are not finite.
pub fn half(ones: &Ones, fixed: &[f32], start: &[f32], config: &FactorConfig) -> Result<Vec<f32>, Error> {
    let dim = config.dim;
    let spectrum = Spectrum::of(fixed, dim)?;
    let mut solved = match config.solver {
        Solver::Cg | Solver::Subspace => spectrum.rotate(start),
        Solver::Cholesky | Solver::Sgd => vec![0.0; ones.rows() * dim],
    };
    let tasks = solved.par_chunks_mut(TASK * dim).enumerate();
    tasks.for_each_init(Scratch::default, |scratch, (task, out)| {
        with_simd(Task {
            scratch,
            ones,
            spectrum: &spectrum,
            config,
            first: task * TASK,
            out,
        });
    });
    Ok(spectrum.rotate_back(&solved))
}
