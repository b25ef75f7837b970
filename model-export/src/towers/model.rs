//! Both towers under training: tables and layers, gathered for a batch and moved by its gradients.

use burn::tensor::{Device, Gradients, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use upnext_core::feature::{ItemLayout, UserLayout};

use super::adam::{Adam, TrainedDense, TrainedTable};
use super::graph::{Leaves, gradient, matrix, unit};
use super::inputs::{ItemInputs, UserInputs};
use super::weights::{DenseWeights, EmbeddingWeights, ItemTowerWeights, UserTowerWeights};
use crate::Error;

/// Widths of tables and layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Widths {
    /// Width of the hashed id table.
    pub id: usize,
    /// Width of the tag table.
    pub tag: usize,
    /// Width of every other table.
    pub category: usize,
    /// Width of the hidden layer of each tower.
    pub hidden: usize,
    /// Width of the vectors.
    pub vector: usize,
}

/// A table with small random rows.
fn table(rows: u32, dim: usize, rng: &mut ChaCha8Rng) -> TrainedTable {
    let values = (0..rows as usize * dim).map(|_| 0.2 * (rng.random::<f32>() - 0.5));
    TrainedTable::new(EmbeddingWeights {
        rows: rows as usize,
        dim,
        values: values.collect(),
    })
}

/// Layers through these widths, uniform within `±sqrt(6 / input)` (He), bias zero.
pub fn layers(widths: &[usize], rng: &mut ChaCha8Rng) -> Vec<TrainedDense> {
    let layer = |pair: &[usize]| {
        let (input, output) = (pair[0], pair[1]);
        let reach = (6.0 / input as f32).sqrt();
        TrainedDense::new(DenseWeights {
            input,
            output,
            weights: (0..input * output)
                .map(|_| reach * (2.0 * rng.random::<f32>() - 1.0))
                .collect(),
            bias: vec![0.0; output],
        })
    };
    widths.windows(2).map(layer).collect()
}

/// The user tower under training.
#[derive(Debug, Clone)]
pub struct UserTower {
    tables: Vec<TrainedTable>,
    layers: Vec<TrainedDense>,
}

/// The item tower under training. Tables in the order of its input: id, tag, language, rating, channel.
#[derive(Debug, Clone)]
pub struct ItemTower {
    tables: Vec<TrainedTable>,
    layers: Vec<TrainedDense>,
}

/// One tower's share of a batch on the device.
#[derive(Debug)]
pub struct Batch {
    embedded: Tensor<2>,
    leaves: Leaves,
    /// Unit vectors `[rows, vector]`.
    pub vectors: Tensor<2>,
}

impl Batch {
    fn new(layers: &[TrainedDense], embedded: Vec<f32>, constant: Vec<f32>, rows: usize, device: &Device) -> Batch {
        let width = embedded.len() / rows.max(1);
        let leaves = Leaves::new(layers, width, device);
        let embedded = matrix(embedded, rows, width, device).require_grad();
        let width = constant.len() / rows.max(1);
        let vectors = unit(leaves.forward(embedded.clone(), matrix(constant, rows, width, device)));
        Batch {
            embedded,
            leaves,
            vectors,
        }
    }
}

impl UserTower {
    /// Random weights for a layout.
    #[must_use]
    pub fn new(layout: &UserLayout, widths: &Widths, rng: &mut ChaCha8Rng) -> UserTower {
        let tables: Vec<_> = layout
            .categorical
            .iter()
            .map(|c| table(c.rows, widths.category, rng))
            .collect();
        let input = tables.len() * widths.category + layout.dense;
        UserTower {
            tables,
            layers: layers(&[input, widths.hidden, widths.vector], rng),
        }
    }

    /// These moments through the tower.
    #[must_use]
    pub fn batch(&self, inputs: &UserInputs, rows: &[usize], device: &Device) -> Batch {
        let (mut embedded, mut dense) = (Vec::new(), Vec::with_capacity(rows.len() * inputs.dense_dim));
        for row in rows {
            for (table, id) in self.tables.iter().zip(inputs.categorical(*row)) {
                embedded.extend_from_slice(table.value.row(*id));
            }
            dense.extend_from_slice(inputs.dense(*row));
        }
        Batch::new(&self.layers, embedded, dense, rows.len(), device)
    }

    /// Moves tables and layers by the gradients of a batch.
    ///
    /// # Errors
    /// [`Error::TrainingDiverged`] where a gradient is not finite.
    pub fn step(
        &mut self,
        batch: &Batch,
        inputs: &UserInputs,
        rows: &[usize],
        gradients: &mut Gradients,
        adam: &Adam,
        step: u32,
    ) -> Result<(), Error> {
        let of_rows = gradient(&batch.embedded, gradients)?;
        let mut rest = of_rows.as_slice();
        for row in rows {
            for (table, id) in self.tables.iter_mut().zip(inputs.categorical(*row)) {
                let (own, tail) = rest.split_at(table.value.dim);
                table.add(*id, 1.0, own);
                rest = tail;
            }
        }
        self.tables.iter_mut().for_each(|table| table.step(adam));
        batch.leaves.step(gradients, adam, step, &mut self.layers)
    }

    /// The weights as they are.
    #[must_use]
    pub fn weights(&self) -> UserTowerWeights {
        UserTowerWeights {
            embeddings: self.tables.iter().map(|t| t.value.clone()).collect(),
            dense_layers: self.layers.iter().map(|l| l.value.clone()).collect(),
        }
    }
}

/// A video in a batch, and whether its id is hidden (so that content alone must do).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Row of the video.
    pub video: usize,
    /// The id counts as unknown.
    pub anonymous: bool,
}

impl ItemTower {
    /// Random weights for a layout.
    #[must_use]
    pub fn new(layout: &ItemLayout, widths: &Widths, rng: &mut ChaCha8Rng) -> ItemTower {
        let [id, _, language, rating, channel] = layout.categorical;
        let mut tables = vec![table(id.rows, widths.id, rng), table(layout.tags.rows, widths.tag, rng)];
        tables.extend([language, rating, channel].map(|c| table(c.rows, widths.category, rng)));
        let input = widths.id + widths.tag + 3 * widths.category + layout.dense;
        ItemTower {
            tables,
            layers: layers(&[input, widths.hidden, widths.vector], rng),
        }
    }

    /// The rows that a video reads: per table its rows and the weight of each.
    fn reads(inputs: &ItemInputs, seen: Seen) -> [(Vec<u32>, f32); 5] {
        let category = |column: usize| inputs.categorical(seen.video).get(column).copied().unwrap_or(0);
        let id = |column| if seen.anonymous { 0 } else { category(column) };
        let tags: Vec<u32> = inputs
            .tags(seen.video)
            .iter()
            .copied()
            .filter(|tag| *tag != 0)
            .collect();
        let weight = 1.0 / tags.len().max(1) as f32;
        [
            (vec![id(0), id(1)], 1.0),
            (tags, weight),
            (vec![category(2)], 1.0),
            (vec![category(3)], 1.0),
            (vec![category(4)], 1.0),
        ]
    }

    /// These videos through the tower.
    #[must_use]
    pub fn batch(&self, inputs: &ItemInputs, rows: &[Seen], device: &Device) -> Batch {
        let (mut embedded, mut dense) = (Vec::new(), Vec::with_capacity(rows.len() * inputs.dense_dim));
        for seen in rows {
            for (table, (ids, weight)) in self.tables.iter().zip(Self::reads(inputs, *seen)) {
                let start = embedded.len();
                embedded.resize(start + table.value.dim, 0.0);
                for id in ids {
                    for (sum, v) in embedded[start..].iter_mut().zip(table.value.row(id)) {
                        *sum += weight * v;
                    }
                }
            }
            dense.extend_from_slice(inputs.dense(seen.video));
        }
        Batch::new(&self.layers, embedded, dense, rows.len(), device)
    }

    /// Moves tables and layers by the gradients of a batch.
    ///
    /// # Errors
    /// [`Error::TrainingDiverged`] where a gradient is not finite.
    pub fn step(
        &mut self,
        batch: &Batch,
        inputs: &ItemInputs,
        rows: &[Seen],
        gradients: &mut Gradients,
        adam: &Adam,
        step: u32,
    ) -> Result<(), Error> {
        let of_rows = gradient(&batch.embedded, gradients)?;
        let mut rest = of_rows.as_slice();
        for seen in rows {
            for (table, (ids, weight)) in self.tables.iter_mut().zip(Self::reads(inputs, *seen)) {
                let (own, tail) = rest.split_at(table.value.dim);
                ids.iter().for_each(|id| table.add(*id, weight, own));
                rest = tail;
            }
        }
        self.tables.iter_mut().for_each(|table| table.step(adam));
        batch.leaves.step(gradients, adam, step, &mut self.layers)
    }

    /// The weights as they are.
    #[must_use]
    pub fn weights(&self) -> ItemTowerWeights {
        let table = |i: usize| self.tables.get(i).map(|t| t.value.clone()).unwrap_or_default();
        ItemTowerWeights {
            id_table: table(0),
            tag_table: table(1),
            language: table(2),
            rating: table(3),
            channel: table(4),
            dense_layers: self.layers.iter().map(|l| l.value.clone()).collect(),
        }
    }
}
