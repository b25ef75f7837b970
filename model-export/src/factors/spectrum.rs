//! The part of a half-sweep's equations that all rows share, in coordinates that make it diagonal.
//!
//! A row's equations are `(λ G + l2 + Σ_obs w v vᵀ) u = Σ_obs t v`, with `G = Σ_all v vᵀ`. In the eigenvectors of `G` the
//! first two terms are a diagonal, whatever the row's `l2`. Every solver works there: an exact solve of a row
//! with fewer observed than coordinates has only as many unknowns as observed ([`super::exact`]), a step of conjugate
//! gradient costs no product with `G`, and blocks of coordinates hardly disturb each other.

use crate::Error;
use crate::linear::{Eigen, Packed, gram};

/// Fixed factors in the eigenvectors of their Gram matrix.
#[derive(Debug, Clone)]
pub struct Spectrum {
    dim: usize,
    /// Eigenvalues of the Gram matrix, at least 0.
    pub values: Vec<f32>,
    /// The fixed factors, rotated; row-major.
    pub fixed: Vec<f32>,
    vectors: Vec<f32>,
}

impl Spectrum {
    /// Of factors with `dim` columns.
    ///
    /// # Errors
    /// [`Error::TrainingDiverged`] where they are not finite.
    pub fn of(fixed: &[f32], dim: usize) -> Result<Spectrum, Error> {
        let eigen = Eigen::of(gram(fixed, dim), dim).ok_or_else(|| Error::TrainingDiverged {
            step: "factorisation",
            at: "the Gram matrix".to_owned(),
        })?;
        let vectors: Vec<f32> = eigen.vectors.iter().map(|v| *v as f32).collect();
        Ok(Spectrum {
            dim,
            values: eigen.values.iter().map(|v| v.max(0.0) as f32).collect(),
            fixed: Packed::transposed(&vectors, dim).product(fixed),
            vectors,
        })
    }

    /// Rows in these coordinates.
    #[must_use]
    pub fn rotate(&self, rows: &[f32]) -> Vec<f32> {
        Packed::transposed(&self.vectors, self.dim).product(rows)
    }

    /// Rows in the coordinates of before.
    #[must_use]
    pub fn rotate_back(&self, rows: &[f32]) -> Vec<f32> {
        Packed::new(&self.vectors, self.dim).product(rows)
    }
}
