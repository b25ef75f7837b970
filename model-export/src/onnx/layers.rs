//! The layers that the towers are made of, each as the nodes that it becomes.

use super::builder::{GraphBuilder, Value};
use crate::towers::weights::{DenseWeights, EmbeddingWeights, NORM_FLOOR};

/// The rows of `table` as weights.
pub fn table(g: &mut GraphBuilder, name: &str, table: &EmbeddingWeights) -> Value {
    g.weights(name, &[table.rows, table.dim], &table.values)
}

/// Column `column` of ids `[n, C]` looked up in `table`: `[n, dim]`.
pub fn embedding(g: &mut GraphBuilder, name: &str, table: &Value, ids: &Value, column: usize) -> Value {
    let index = g.integers(&format!("{name}.column"), &[], &[column as i64]);
    let id = g.node_with("Gather", &format!("{name}.id"), &[ids, &index], &[("axis", 1)]);
    g.node_with("Gather", name, &[table, &id], &[("axis", 0)])
}

/// Mean over the rows of `table` named by ids `[n, T]`, without those whose id is 0; zeros where all are 0: `[n, dim]`.
pub fn mean_embedding(g: &mut GraphBuilder, name: &str, table: &Value, ids: &Value) -> Value {
    let zero = g.integers(&format!("{name}.padding"), &[], &[0]);
    let one = g.weights(&format!("{name}.one"), &[], &[1.0]);
    let axis = g.integers(&format!("{name}.axis"), &[1], &[1]);
    let last = g.integers(&format!("{name}.last"), &[1], &[2]);
    let padding = g.node("Equal", &format!("{name}.is_padding"), &[ids, &zero]);
    let present = g.node("Not", &format!("{name}.is_present"), &[&padding]);
    let mask = g.node_with("Cast", &format!("{name}.mask"), &[&present], &[("to", 1)]);
    let wide = g.node("Unsqueeze", &format!("{name}.mask_wide"), &[&mask, &last]);
    let rows = g.node_with("Gather", &format!("{name}.rows"), &[table, ids], &[("axis", 0)]);
    let masked = g.node("Mul", &format!("{name}.masked"), &[&rows, &wide]);
    let sum = g.node_with(
        "ReduceSum",
        &format!("{name}.sum"),
        &[&masked, &axis],
        &[("keepdims", 0)],
    );
    let count = g.node_with(
        "ReduceSum",
        &format!("{name}.count"),
        &[&mask, &axis],
        &[("keepdims", 1)],
    );
    let at_least_one = g.node("Max", &format!("{name}.divisor"), &[&count, &one]);
    g.node("Div", name, &[&sum, &at_least_one])
}

/// Inputs side by side: `[n, sum of widths]`.
pub fn concat(g: &mut GraphBuilder, name: &str, inputs: &[&Value]) -> Value {
    g.node_with("Concat", name, inputs, &[("axis", 1)])
}

/// Layers with ReLU between them; the last one is linear and gets the name `name`.
pub fn mlp(g: &mut GraphBuilder, name: &str, layers: &[DenseWeights], input: Value) -> Value {
    let mut x = input;
    for (i, layer) in layers.iter().enumerate() {
        let last = i + 1 == layers.len();
        let label = if last { name.to_owned() } else { format!("{name}.{i}") };
        let weights = g.weights(
            &format!("{label}.weights"),
            &[layer.input, layer.output],
            &layer.weights,
        );
        let bias = g.weights(&format!("{label}.bias"), &[layer.output], &layer.bias);
        x = g.node("Gemm", &label, &[&x, &weights, &bias]);
        if !last {
            x = g.node("Relu", &format!("{label}.relu"), &[&x]);
        }
    }
    x
}

/// `x / max(‖x‖₂, NORM_FLOOR)`.
pub fn unit_length(g: &mut GraphBuilder, name: &str, x: &Value) -> Value {
    let floor = g.weights(&format!("{name}.floor"), &[], &[NORM_FLOOR]);
    let norm = g.reduce("ReduceL2", &format!("{name}.norm"), x, 1);
    let divisor = g.node("Max", &format!("{name}.divisor"), &[&norm, &floor]);
    g.node("Div", name, &[x, &divisor])
}
