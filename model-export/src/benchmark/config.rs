//! Settings of a model: what was asked for, and defaults that suit the data.

use serde::{Deserialize, Serialize};

use super::data::Data;
use crate::factors::{FactorConfig, Solver};

/// What learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Weighted matrix factorisation (iALS)
    Wmf,
    /// Factors by pairwise ranking
    Bpr,
    /// Item-item weights in closed form, for up to 20,000 items
    Ease,
    /// Item-item neighbours by cosine
    Itemknn,
    /// Linear filter over the graph of users and items (GF-CF, with sharpening)
    Graph,
    /// How many found an item relevant
    Popular,
}

/// Everything that a run depends on beside the data. A model reads what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What learns.
    pub model: ModelKind,
    /// Width of a factor.
    pub dim: usize,
    /// α: weight of an unobserved pair where an observed has 1.
    pub alpha: f32,
    /// Weight of the squared norms.
    pub reg: f32,
    /// ν: frequency scaling of that weight.
    pub nu: f32,
    /// Sweeps or epochs.
    pub epochs: usize,
    /// How factors are solved for.
    pub solver: Solver,
    /// Coordinates of a block of the subspace solver.
    pub block: usize,
    /// Steps of conjugate gradient.
    pub steps: usize,
    /// First step size of descent.
    pub rate: f32,
    /// Neighbours of an item.
    pub neighbours: usize,
    /// Doubt of likeness that few vouch for.
    pub shrink: f32,
    /// Weight of the broad tastes.
    pub low_pass: f32,
    /// How long to sharpen.
    pub sharpen: f32,
    /// Seed of everything random.
    pub seed: u64,
}

/// Settings that were asked for; what is `None` follows from the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, clap::Args)]
pub struct Overrides {
    /// Width of a factor (wmf, bpr), singular vectors (graph)
    #[arg(long)]
    pub dim: Option<usize>,
    /// Weight of an unobserved pair, an observed has 1 (wmf)
    #[arg(long)]
    pub alpha: Option<f32>,
    /// Weight of the squared norms (wmf, bpr, ease)
    #[arg(long)]
    pub reg: Option<f32>,
    /// Power of a row's total weight that scales its norm's; 0 is plain L2 (wmf)
    #[arg(long)]
    pub nu: Option<f32>,
    /// Sweeps or epochs (wmf, bpr, graph)
    #[arg(long)]
    pub epochs: Option<usize>,
    /// How factors are solved for (wmf)
    #[arg(long, value_enum)]
    pub solver: Option<Solver>,
    /// Coordinates of a block of the subspace solver (wmf)
    #[arg(long)]
    pub block: Option<usize>,
    /// Steps of conjugate gradient in each half-sweep (wmf)
    #[arg(long)]
    pub steps: Option<usize>,
    /// First step size of descent (bpr, wmf with --solver sgd)
    #[arg(long)]
    pub rate: Option<f32>,
    /// Neighbours of an item (itemknn)
    #[arg(long)]
    pub neighbours: Option<usize>,
    /// Added to a cosine's denominator (itemknn)
    #[arg(long)]
    pub shrink: Option<f32>,
    /// Weight of the broad tastes that the singular vectors hold (graph)
    #[arg(long, value_name = "WEIGHT")]
    pub low_pass: Option<f32>,
    /// How long to sharpen, 0 to 4; each user then reads the whole graph (graph)
    #[arg(long, value_name = "TIME")]
    pub sharpen: Option<f32>,
    /// Seed of everything random
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Share of all pairs that are observed above which data are called dense.
const DENSE: f64 = 0.01;

impl Settings {
    /// What `asked` leaves open follows from the data: docs/benchmark.md has the table and where it comes from.
    #[must_use]
    pub fn new(model: ModelKind, asked: &Overrides, data: &Data) -> Settings {
        let density = data.train.len() as f64 / (data.users as f64 * data.items as f64);
        let (dim, alpha, reg, epochs) = match model {
            ModelKind::Bpr => (64, 0.0, 0.01, 60),
            ModelKind::Ease => (0, 0.0, 250.0, 1),
            ModelKind::Graph => (448, 0.0, 0.0, 8),
            _ if density < DENSE => (512, 0.01, 0.003, 16),
            _ => (192, 0.3, 0.007, 12),
        };
        Settings {
            model,
            dim: asked.dim.unwrap_or(dim),
            alpha: asked.alpha.unwrap_or(alpha),
            reg: asked.reg.unwrap_or(reg),
            nu: asked.nu.unwrap_or(1.0),
            epochs: asked.epochs.unwrap_or(epochs).max(1),
            solver: asked.solver.unwrap_or(Solver::Cholesky),
            block: asked.block.unwrap_or(128),
            steps: asked.steps.unwrap_or(3),
            rate: asked.rate.unwrap_or(0.05),
            neighbours: asked.neighbours.unwrap_or(100),
            shrink: asked.shrink.unwrap_or(10.0),
            low_pass: asked.low_pass.unwrap_or(0.3),
            sharpen: asked.sharpen.unwrap_or(2.5),
            seed: asked.seed.unwrap_or(1),
        }
    }

    /// The factorisation that these describe.
    #[must_use]
    pub fn factors(&self) -> FactorConfig {
        FactorConfig {
            dim: self.dim,
            sweeps: self.epochs,
            seed: self.seed,
            solver: self.solver,
            steps: self.steps,
            block: self.block,
            rate: self.rate,
            ..FactorConfig::default()
        }
        .with_rendle(self.alpha, self.reg, self.nu)
    }
}
