//! How to factorise.

use serde::{Deserialize, Serialize};
use upnext_core::feature::spec::FoldInSpec;

use crate::Error;

/// How a row's equations are solved in each half-sweep. All lead to the same factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Solver {
    /// Exactly, by Cholesky
    Cholesky,
    /// A few steps of conjugate gradient from the last factor
    Cg,
    /// Blocks of coordinates exactly, one after the other (iALS++); for wide factors
    Subspace,
    /// Stochastic gradient descent
    Sgd,
}

/// What a row's squared norm is scaled by, to the power of ν.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Frequency {
    /// The weight of all the row's pairs in the loss (Rendle et al. 2021)
    Weight,
    /// The number of its ones (Zhou et al. 2008, ALS-WR: what Spark MLlib does)
    Ones,
}

/// How to factorise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FactorConfig {
    /// Width of a factor.
    pub dim: usize,
    /// λ: weight of the unobserved, 0..1. `implicit` calls `(1 − λ) / λ` alpha.
    pub lambda: f32,
    /// Weight of the squared norms, > 0.
    pub l2: f32,
    /// ν: a row's norm weighs `l2 · Wᵛ`; 0 is plain L2, 1 is frequency scaling.
    pub nu: f32,
    /// What `W` is.
    pub frequency: Frequency,
    /// Sweeps; each solves all users, then all items.
    pub sweeps: usize,
    /// Seed of the first item factors.
    pub seed: u64,
    /// How.
    pub solver: Solver,
    /// Steps of conjugate gradient in each half-sweep.
    pub steps: usize,
    /// Coordinates of a block of the subspace solver.
    pub block: usize,
    /// First step size of stochastic gradient descent.
    pub rate: f32,
}

impl Default for FactorConfig {
    fn default() -> Self {
        FactorConfig {
            dim: 64,
            lambda: 0.1,
            l2: 2.0,
            nu: 0.0,
            frequency: Frequency::Weight,
            sweeps: 10,
            seed: 1,
            solver: Solver::Cholesky,
            steps: 3,
            block: 64,
            rate: 0.05,
        }
    }
}

impl FactorConfig {
    /// The fold-in that belongs to these factors; it knows plain L2 alone.
    #[must_use]
    pub fn fold_in(&self) -> FoldInSpec {
        FoldInSpec {
            lambda: self.lambda,
            l2: self.l2,
        }
    }

    /// The same loss as `Σ_obs (1 − u·v)² + alpha Σ_all (u·v)² + reg Σ (|row| + alpha·columns)ᵛ ‖row‖²` of Rendle et al.
    /// (2021). There an observed pair weighs alpha more, with 0 as its aim: together that is one aim, `1 / (1 + alpha)`, and
    /// with factors scaled so that it becomes 1, the loss is this project's times a constant.
    #[must_use]
    pub fn with_rendle(mut self, alpha: f32, reg: f32, nu: f32) -> FactorConfig {
        let both = 1.0 + 2.0 * alpha;
        self.lambda = alpha / both;
        self.l2 = reg * (1.0 + alpha) * both.powf(nu - 1.0);
        self.nu = nu;
        self.frequency = Frequency::Weight;
        self
    }

    /// The loss that Spark MLlib's ALS with `implicitPrefs` goes by, `Σ_all (1 + alpha·A)(A − u·v)² + regParam Σ n ‖row‖²`
    /// with `n` ones in a row, is this project's over λ, with `alpha = (1 − λ)/λ − 1` and `regParam = l2/λ`.
    ///
    /// ```
    /// use upnext_export::factors::FactorConfig;
    /// let config = FactorConfig::default().with_spark(8.0, 0.5);
    /// assert!((config.lambda - 0.1).abs() < 1e-7 && (config.l2 - 0.05).abs() < 1e-7);
    /// ```
    #[must_use]
    pub fn with_spark(mut self, alpha: f32, reg_param: f32) -> FactorConfig {
        self.lambda = 1.0 / (alpha + 2.0);
        self.l2 = reg_param * self.lambda;
        self.nu = 1.0;
        self.frequency = Frequency::Ones;
        self
    }

    /// Weight of the squared norm of a row in which the observed have `confidence` in total, of `columns`.
    #[must_use]
    pub fn row_l2(&self, count: usize, confidence: f32, columns: usize) -> f32 {
        if self.nu == 0.0 {
            return self.l2;
        }
        let weight = match self.frequency {
            Frequency::Weight => (1.0 - self.lambda) * confidence + self.lambda * (columns - count) as f32,
            Frequency::Ones => count as f32,
        };
        self.l2 * weight.powf(self.nu)
    }

    /// What is outside its range.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`].
    pub fn check(&self) -> Result<(), Error> {
        let bad = |option: &str, reason: String| {
            Err(Error::ConfigInvalid {
                option: option.to_owned(),
                reason,
            })
        };
        if !(1..=4096).contains(&self.dim) {
            return bad("factor-dim", format!("{} is not in 1..=4096", self.dim));
        }
        if !(self.lambda > 0.0 && self.lambda <= 0.5) {
            return bad("lambda", format!("{} must be above 0, at most 0.5", self.lambda));
        }
        if !(self.l2 > 0.0 && self.l2.is_finite()) {
            return bad("l2", format!("{} must be above 0", self.l2));
        }
        if !(0.0..=2.0).contains(&self.nu) {
            return bad("nu", format!("{} is not in 0..=2", self.nu));
        }
        if self.steps == 0 || self.block == 0 {
            return bad("steps and block", "must be at least 1".to_owned());
        }
        if !(self.rate > 0.0 && self.rate.is_finite()) {
            return bad("rate", format!("{} must be above 0", self.rate));
        }
        Ok(())
    }
}
