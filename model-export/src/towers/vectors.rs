//! Rows of floats with their int8 twins: item vectors and factors, as the device and its pools see them.

use rayon::prelude::*;
use upnext_core::{QuantRow, quantize};

use super::inputs::ItemInputs;
use super::weights::ItemTowerWeights;

/// Rows in f32 and in int8 with a scale each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QuantRows {
    /// Width of a row.
    pub dim: usize,
    /// Row-major.
    pub values: Vec<f32>,
    /// Row-major, by [`quantize`].
    pub levels: Vec<i8>,
    /// One per row.
    pub scales: Vec<f32>,
}

impl QuantRows {
    /// Quantises every row of `values`.
    #[must_use]
    pub fn new(dim: usize, values: Vec<f32>) -> QuantRows {
        let dim = dim.max(1);
        let mut levels = vec![0; values.len()];
        let scales = (values.chunks_exact(dim).zip(levels.chunks_exact_mut(dim)))
            .map(|(v, l)| quantize(v, l))
            .collect();
        QuantRows {
            dim,
            values,
            levels,
            scales,
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// True where there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// A row as the device sees it; `None` where there is no such row.
    #[must_use]
    pub fn row(&self, row: u32) -> Option<QuantRow<'_>> {
        let start = row as usize * self.dim;
        Some(QuantRow {
            scale: *self.scales.get(row as usize)?,
            values: self.levels.get(start..start + self.dim)?,
        })
    }
}

/// Vectors of the whole catalogue.
#[must_use]
pub fn item_vectors(tower: &ItemTowerWeights, inputs: &ItemInputs) -> QuantRows {
    let forward = |row| tower.forward(inputs.categorical(row), inputs.tags(row), inputs.dense(row));
    let rows: Vec<Vec<f32>> = (0..inputs.count).into_par_iter().map(forward).collect();
    let dim = tower.dense_layers.last().map_or(0, |layer| layer.output);
    QuantRows::new(dim, rows.concat())
}
