//! Trained weights as plain numbers: what training hands to the ONNX writer, with a forward pass
//! in plain Rust that says what the graphs must compute.

use serde::{Deserialize, Serialize};

/// Smallest norm that a vector is divided by.
pub const NORM_FLOOR: f32 = 1e-6;

/// `x · W + b`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DenseWeights {
    /// Values that come in.
    pub input: usize,
    /// Values that go out.
    pub output: usize,
    /// `input × output`, row-major.
    pub weights: Vec<f32>,
    /// `output` values.
    pub bias: Vec<f32>,
}

impl DenseWeights {
    /// One row through the layer, summed over inputs in order.
    #[must_use]
    pub fn forward(&self, x: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.output];
        for (value, row) in x.iter().zip(self.weights.chunks_exact(self.output)) {
            for (o, w) in out.iter_mut().zip(row) {
                *o += value * w;
            }
        }
        for (o, b) in out.iter_mut().zip(&self.bias) {
            *o += b;
        }
        out
    }
}

/// Rows of an embedding table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingWeights {
    /// Number of rows; row 0 is unknown.
    pub rows: usize,
    /// Width of a row.
    pub dim: usize,
    /// `rows × dim`, row-major.
    pub values: Vec<f32>,
}

impl EmbeddingWeights {
    /// Row `id`; empty where the table has no such row.
    #[must_use]
    pub fn row(&self, id: u32) -> &[f32] {
        let start = id as usize * self.dim;
        self.values.get(start..start + self.dim).unwrap_or(&[])
    }
}

/// Dense layers with ReLU between them; the last one is linear.
#[must_use]
pub fn mlp(layers: &[DenseWeights], input: &[f32]) -> Vec<f32> {
    let mut x = input.to_vec();
    for (i, layer) in layers.iter().enumerate() {
        x = layer.forward(&x);
        if i + 1 < layers.len() {
            x.iter_mut().for_each(|v| *v = v.max(0.0));
        }
    }
    x
}

/// `x / max(‖x‖₂, floor)`.
fn normalised(mut x: Vec<f32>) -> Vec<f32> {
    let norm = x.iter().map(|v| v * v).sum::<f32>().sqrt().max(NORM_FLOOR);
    x.iter_mut().for_each(|v| *v /= norm);
    x
}

/// User tower: embeddings of the categorical columns in order ‖ dense → layers → unit length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserTowerWeights {
    /// One table per categorical column, in `UserLayout`'s order.
    pub embeddings: Vec<EmbeddingWeights>,
    /// ReLU between, the last one linear.
    pub dense_layers: Vec<DenseWeights>,
}

impl UserTowerWeights {
    /// User vector of one encoded viewer.
    #[must_use]
    pub fn forward(&self, categorical: &[u32], dense: &[f32]) -> Vec<f32> {
        let mut x = Vec::new();
        for (table, id) in self.embeddings.iter().zip(categorical) {
            x.extend_from_slice(table.row(*id));
        }
        x.extend_from_slice(dense);
        normalised(mlp(&self.dense_layers, &x))
    }
}

/// Item tower: (id row 1 + id row 2) ‖ mean of tag rows ‖ language ‖ rating ‖ channel ‖ dense → layers → unit length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemTowerWeights {
    /// Hashed ids: categorical columns 0 and 1 both look up here and are summed.
    pub id_table: EmbeddingWeights,
    /// Tags; the mean is over rows other than 0 (0 is padding), zeros where there is none.
    pub tag_table: EmbeddingWeights,
    /// Categorical column 2.
    pub language: EmbeddingWeights,
    /// Categorical column 3.
    pub rating: EmbeddingWeights,
    /// Categorical column 4.
    pub channel: EmbeddingWeights,
    /// ReLU between, the last one linear.
    pub dense_layers: Vec<DenseWeights>,
}

impl ItemTowerWeights {
    /// Item vector of one encoded video.
    #[must_use]
    pub fn forward(&self, categorical: &[u32], tags: &[u32], dense: &[f32]) -> Vec<f32> {
        let id = |column: usize| categorical.get(column).copied().unwrap_or(0);
        let mut x: Vec<f32> = (self.id_table.row(id(0)).iter())
            .zip(self.id_table.row(id(1)))
            .map(|(a, b)| a + b)
            .collect();
        let known: Vec<u32> = tags.iter().copied().filter(|tag| *tag != 0).collect();
        let mut mean = vec![0.0; self.tag_table.dim];
        for tag in &known {
            for (m, v) in mean.iter_mut().zip(self.tag_table.row(*tag)) {
                *m += v;
            }
        }
        let count = known.len().max(1) as f32;
        x.extend(mean.iter().map(|m| m / count));
        x.extend_from_slice(self.language.row(id(2)));
        x.extend_from_slice(self.rating.row(id(3)));
        x.extend_from_slice(self.channel.row(id(4)));
        x.extend_from_slice(dense);
        normalised(mlp(&self.dense_layers, &x))
    }
}

/// Ranker: standardised and clipped signals → layers, and beside them a linear path → the core's `HEADS`. Takes raw
/// signals: that is part of the graph. A network with a linear path is called *wide and deep* (Cheng et al. 2016,
/// arXiv:1606.07792).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RankerWeights {
    /// Train mean of each signal.
    pub mean: Vec<f32>,
    /// Train standard deviation of each signal, > 0.
    pub std: Vec<f32>,
    /// Standardised signals are held within `−clip..=clip`: what training never saw says no more than its edge.
    pub clip: f32,
    /// ReLU between, the last one linear with one output for each head.
    pub dense_layers: Vec<DenseWeights>,
    /// What each signal adds to each head directly, `signals × heads`, row-major.
    pub wide: Vec<f32>,
}

impl RankerWeights {
    /// What the heads say of one candidate's raw signals.
    #[must_use]
    pub fn forward(&self, signals: &[f32]) -> Vec<f32> {
        let x: Vec<f32> = (signals.iter().zip(&self.mean).zip(&self.std))
            .map(|((s, m), d)| ((s - m) / d).max(-self.clip).min(self.clip))
            .collect();
        let mut heads = mlp(&self.dense_layers, &x);
        let width = heads.len().max(1);
        for (value, row) in x.iter().zip(self.wide.chunks_exact(width)) {
            heads.iter_mut().zip(row).for_each(|(head, w)| *head += value * w);
        }
        heads
    }
}

impl DenseWeights {
    /// Two layers as one that computes both: on inputs of their own, or on the same.
    #[must_use]
    pub fn beside(&self, other: &DenseWeights, same_input: bool) -> DenseWeights {
        let (input, output) = (
            if same_input {
                self.input
            } else {
                self.input + other.input
            },
            self.output + other.output,
        );
        let mut weights = vec![0.0; input * output];
        for (i, row) in self.weights.chunks_exact(self.output).enumerate() {
            weights[i * output..i * output + self.output].copy_from_slice(row);
        }
        let below = if same_input { 0 } else { self.input };
        for (i, row) in other.weights.chunks_exact(other.output).enumerate() {
            let at = (below + i) * output + self.output;
            weights[at..at + other.output].copy_from_slice(row);
        }
        DenseWeights {
            input,
            output,
            weights,
            bias: [self.bias.as_slice(), &other.bias].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize, values: &[f32]) -> EmbeddingWeights {
        EmbeddingWeights {
            rows,
            dim: values.len() / rows,
            values: values.to_vec(),
        }
    }

    #[test]
    fn dense_is_x_times_w_plus_b() {
        let layer = DenseWeights {
            input: 2,
            output: 3,
            weights: vec![1.0, 2.0, 3.0, 10.0, 20.0, 30.0],
            bias: vec![0.5, 0.0, -0.5],
        };
        assert_eq!(layer.forward(&[1.0, 0.1]), vec![2.5, 4.0, 5.5]);
    }

    #[test]
    fn an_item_vector_has_unit_length_and_padding_tags_do_not_count() {
        let tower = ItemTowerWeights {
            id_table: table(3, &[0.0, 1.0, 2.0]),
            tag_table: table(3, &[9.0, 1.0, 3.0]),
            language: table(1, &[0.25]),
            rating: table(1, &[0.5]),
            channel: table(1, &[0.75]),
            dense_layers: vec![DenseWeights {
                input: 6,
                output: 6,
                weights: (0..36).map(|i| f32::from(u8::from(i % 7 == 0))).collect(),
                bias: vec![0.0; 6],
            }],
        };
        let vector = tower.forward(&[1, 2, 0, 0, 0], &[1, 2, 0, 0], &[-1.0]);
        let raw = [3.0, 2.0, 0.25, 0.5, 0.75, -1.0_f32];
        let norm = raw.iter().map(|v| v * v).sum::<f32>().sqrt();
        for (v, r) in vector.iter().zip(raw) {
            assert!((v - r / norm).abs() < 1e-6);
        }
    }

    #[test]
    fn the_ranker_standardises_raw_signals_itself() {
        let ranker = RankerWeights {
            mean: vec![1.0, -1.0],
            std: vec![2.0, 0.5],
            clip: 1.5,
            dense_layers: vec![DenseWeights {
                input: 2,
                output: 1,
                weights: vec![1.0, 1.0],
                bias: vec![0.0],
            }],
            wide: vec![0.0, 0.5],
        };
        assert!((ranker.forward(&[3.0, -0.5])[0] - 2.5).abs() < 1e-6);
        assert!((ranker.forward(&[99.0, -99.0])[0] + 0.75).abs() < 1e-6);
    }

    #[test]
    fn layers_beside_each_other_compute_what_each_does() {
        let layer = |input: usize, output: usize, scale: f32| DenseWeights {
            input,
            output,
            weights: (0..input * output).map(|i| scale * (i as f32 - 1.5)).collect(),
            bias: (0..output).map(|i| scale + i as f32).collect(),
        };
        let (a, b) = (
            [layer(3, 2, 0.5), layer(2, 1, -1.0)],
            [layer(3, 4, 0.25), layer(4, 1, 2.0)],
        );
        let joined = [a[0].beside(&b[0], true), a[1].beside(&b[1], false)];
        let x = [0.5, -2.0, 3.0];
        assert_eq!(mlp(&joined, &x), [mlp(&a, &x), mlp(&b, &x)].concat());
    }
}
