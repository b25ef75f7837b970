//! Trained weights as programs of a precision hold them: the ONNX of a bundle then says the same as its programs.

use upnext_compile::{Precision, Share};

use crate::towers::weights::{DenseWeights, EmbeddingWeights, RankerWeights, UserTowerWeights};

/// The tower whose weights are what a program of this precision holds.
#[must_use]
pub fn rounded_tower(precision: Precision, weights: &UserTowerWeights) -> UserTowerWeights {
    let table = |table: &EmbeddingWeights| EmbeddingWeights {
        values: precision.rounded(&table.values, table.dim, Share::Row),
        ..*table
    };
    UserTowerWeights {
        embeddings: weights.embeddings.iter().map(table).collect(),
        dense_layers: layers(precision, &weights.dense_layers),
    }
}

/// The ranker, likewise.
#[must_use]
pub fn rounded_ranker(precision: Precision, weights: &RankerWeights) -> RankerWeights {
    let heads = weights.dense_layers.last().map_or(0, |layer| layer.output);
    RankerWeights {
        dense_layers: layers(precision, &weights.dense_layers),
        wide: precision.rounded(&weights.wide, heads, Share::Column),
        ..weights.clone()
    }
}

fn layers(precision: Precision, layers: &[DenseWeights]) -> Vec<DenseWeights> {
    let layer = |layer: &DenseWeights| DenseWeights {
        weights: precision.rounded(&layer.weights, layer.output, Share::Column),
        ..layer.clone()
    };
    layers.iter().map(layer).collect()
}
