//! Vectors of a bundle for other programs: NumPy arrays, and indices that FAISS reads.

mod faiss;
mod npy;
#[cfg(test)]
mod tests;

use upnext_core::bundle::Role;

use crate::Error;
use crate::bundle::Bundle;

/// Which vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Side {
    /// Item vectors, which content is found by.
    Items,
    /// Item factors, which collaborative filtering finds by.
    ItemFactors,
    /// User factors, which it asks with.
    UserFactors,
}

/// Rows of f32, with the id of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Id of each row: of its video, or of its account.
    pub ids: Vec<String>,
    /// Width of a row.
    pub dim: usize,
    /// `ids × dim`, row-major.
    pub values: Vec<f32>,
}

impl Rows {
    /// The rows of a bundle, in the order of its tables.
    ///
    /// # Errors
    /// Those of reading the bundle.
    pub fn of(bundle: &Bundle, side: Side) -> Result<Rows, Error> {
        let (vector_dim, factor_dim) = (bundle.manifest.vector_dim as usize, bundle.manifest.factor_dim as usize);
        let rows = |ids, dim, values| Rows { ids, dim, values };
        Ok(match side {
            Side::Items => rows(
                bundle.ids(Role::Videos)?,
                vector_dim,
                bundle.item_tensors()?.vectors_f32,
            ),
            Side::ItemFactors => rows(
                bundle.ids(Role::Videos)?,
                factor_dim,
                bundle.item_tensors()?.factors_f32,
            ),
            Side::UserFactors => rows(bundle.ids(Role::Accounts)?, factor_dim, bundle.user_factors()?),
        })
    }

    /// The rows as a file of NumPy, version 1.0 of the format: `np.load` gives a `float32` array `[rows, dim]`.
    #[must_use]
    pub fn to_npy(&self) -> Vec<u8> {
        npy::write(self.dim, &self.values)
    }

    /// The rows as a flat FAISS index for inner products: `faiss.read_index` gives an `IndexFlatIP`, whose hit `i` is row `i`.
    #[must_use]
    pub fn to_faiss(&self) -> Vec<u8> {
        faiss::write(self.dim, &self.values)
    }
}
