//! The three graphs, each saying what `forward` of its weights says.

use super::builder::GraphBuilder;
use super::layers::{concat, embedding, mean_embedding, mlp, table, unit_length};
use crate::towers::weights::{DenseWeights, ItemTowerWeights, RankerWeights, UserTowerWeights};

fn width_in(layers: &[DenseWeights]) -> usize {
    layers.first().map_or(0, |l| l.input)
}

fn width_out(layers: &[DenseWeights]) -> usize {
    layers.last().map_or(0, |l| l.output)
}

/// The user tower as ONNX bytes: `categorical`, `dense` → `vector`.
#[must_use]
pub fn user_tower(weights: &UserTowerWeights) -> Vec<u8> {
    let mut g = GraphBuilder::new("user-tower");
    let categorical = g.input_ids("categorical", weights.embeddings.len());
    let embedded: usize = weights.embeddings.iter().map(|e| e.dim).sum();
    let dense = g.input("dense", width_in(&weights.dense_layers).saturating_sub(embedded));
    let mut parts = Vec::with_capacity(weights.embeddings.len() + 1);
    for (column, rows) in weights.embeddings.iter().enumerate() {
        let rows = table(&mut g, &format!("embedding.{column}.table"), rows);
        parts.push(embedding(
            &mut g,
            &format!("embedding.{column}"),
            &rows,
            &categorical,
            column,
        ));
    }
    parts.push(dense);
    let x = concat(&mut g, "features", &parts.iter().collect::<Vec<_>>());
    let x = mlp(&mut g, "tower", &weights.dense_layers, x);
    let vector = unit_length(&mut g, "vector", &x);
    g.finish(&vector, width_out(&weights.dense_layers))
}

/// The item tower as ONNX bytes: `categorical`, `tags`, `dense` → `vector`. `max_tags` is the width of `tags`.
#[must_use]
pub fn item_tower(weights: &ItemTowerWeights, max_tags: usize) -> Vec<u8> {
    let mut g = GraphBuilder::new("item-tower");
    let embedded =
        weights.id_table.dim + weights.tag_table.dim + weights.language.dim + weights.rating.dim + weights.channel.dim;
    let categorical = g.input_ids("categorical", 5);
    let tags = g.input_ids("tags", max_tags);
    let dense = g.input("dense", width_in(&weights.dense_layers).saturating_sub(embedded));
    let ids = table(&mut g, "id.table", &weights.id_table);
    let first = embedding(&mut g, "id.1", &ids, &categorical, 0);
    let second = embedding(&mut g, "id.2", &ids, &categorical, 1);
    let id = g.node("Add", "id", &[&first, &second]);
    let tag_rows = table(&mut g, "tags.table", &weights.tag_table);
    let tag_mean = mean_embedding(&mut g, "tags.mean", &tag_rows, &tags);
    let mut parts = vec![id, tag_mean];
    let columns = [
        ("language", &weights.language),
        ("rating", &weights.rating),
        ("channel", &weights.channel),
    ];
    for (column, (name, rows)) in columns.into_iter().enumerate() {
        let rows = table(&mut g, &format!("{name}.table"), rows);
        parts.push(embedding(&mut g, name, &rows, &categorical, column + 2));
    }
    parts.push(dense);
    let x = concat(&mut g, "features", &parts.iter().collect::<Vec<_>>());
    let x = mlp(&mut g, "tower", &weights.dense_layers, x);
    let vector = unit_length(&mut g, "vector", &x);
    g.finish(&vector, width_out(&weights.dense_layers))
}

/// The ranker as ONNX bytes: raw `signals` → `logits`, one for each head; standardising and clipping are part of the graph.
#[must_use]
pub fn ranker(weights: &RankerWeights) -> Vec<u8> {
    let mut g = GraphBuilder::new("ranker");
    let width = weights.mean.len();
    let signals = g.input("signals", width);
    let mean = g.weights("mean", &[width], &weights.mean);
    let std = g.weights("std", &[width], &weights.std);
    let centred = g.node("Sub", "centred", &[&signals, &mean]);
    let standardised = g.node("Div", "standardised", &[&centred, &std]);
    let low = g.weights("low", &[], &[-weights.clip]);
    let high = g.weights("high", &[], &[weights.clip]);
    let x = g.node("Clip", "clipped", &[&standardised, &low, &high]);
    let deep = mlp(&mut g, "deep", &weights.dense_layers, x.clone());
    let heads = width_out(&weights.dense_layers);
    let wide = g.weights("wide.weights", &[width, heads], &weights.wide);
    let wide = g.node("MatMul", "wide", &[&x, &wide]);
    let logits = g.node("Add", "logits", &[&wide, &deep]);
    g.finish(&logits, heads)
}
