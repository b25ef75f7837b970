//! Matrix products with constant weights: what tract makes of `MatMul` and `Gemm` is an `EinSum`.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::Axis;
use tract_onnx::tract_core::ops::einsum::EinSum;

use super::emit::Emitter;
use super::lower::{Operand, Refusal};
use super::shape::{RowShape, floats};
use super::value::{Product, Value};

/// Lowers `rows × weights` (either way round) to a product, which becomes a dense layer.
pub fn matmul(emit: &mut Emitter, op: &EinSum, a: &Operand, b: &Operand, out: &RowShape) -> Result<Value, Refusal> {
    if op.q_params.is_some() || op.operating_dt != f32::datum_type() {
        return Err(Refusal::because("products are of f32"));
    }
    let (rows, weights, row_slot) = match (&a.value, &b.value) {
        (Value::Const(weights), _) => (b, weights, 1),
        (_, Value::Const(weights)) => (a, weights, 0),
        _ => return Err(Refusal::because("one factor of a product is constant")),
    };
    let buffer = emit.buffer_of(&rows.value)?;
    let axes: Vec<&Axis> = op.axes.iter_all_axes().collect();
    let order = weight_axes(&axes, row_slot, rows, weights.shape(), out)
        .ok_or(Refusal::because("not a product of a row and a matrix"))?;
    let width_in = emit.width(buffer);
    let width_out = out.width();
    if width_in * width_out != weights.len() {
        return Err(Refusal::because("the weights are not a matrix of inputs and outputs"));
    }
    let matrix = weights
        .clone()
        .into_tensor()
        .permute_axes(&order)
        .ok()
        .and_then(|t| floats(&t));
    let matrix = matrix.ok_or(Refusal::because("weights are f32"))?;
    Ok(Value::Product(Product {
        width: width_out,
        parts: vec![(buffer, Arc::new(matrix))],
    }))
}

/// The weights' axes in the order inputs, then outputs; none where an axis of the row is more than an input.
fn weight_axes(
    axes: &[&Axis],
    row_slot: usize,
    rows: &Operand,
    weights: &[usize],
    out: &RowShape,
) -> Option<Vec<usize>> {
    let weight_slot = 1 - row_slot;
    let at = |position: &[usize]| match position {
        [] => Some(None),
        [one] => Some(Some(*one)),
        _ => None,
    };
    // (position in row or output, position in weights)
    let (mut inputs, mut outputs, mut units) = (Vec::new(), Vec::new(), Vec::new());
    for axis in axes {
        let row = at(axis.inputs.get(row_slot)?)?;
        let weight = at(axis.inputs.get(weight_slot)?)?;
        let output = at(axis.outputs.first()?)?;
        let row_length = row.and_then(|r| rows.shape.dims.get(r)).copied().unwrap_or(1);
        let weight_length = weight.and_then(|w| weights.get(w)).copied().unwrap_or(1);
        let is_batch = row.is_some() && row == rows.shape.batch;
        match (row, weight, output) {
            (Some(_), _, Some(o)) if is_batch => {
                if out.batch != Some(o) || weight_length != 1 {
                    return None;
                }
                units.extend(weight);
            }
            (Some(r), Some(w), None) if row_length == weight_length => inputs.push((r, w)),
            (_, Some(w), Some(o)) if row_length == 1 => outputs.push((o, w)),
            (_, weight, _) if row_length == 1 && weight_length == 1 => units.extend(weight),
            _ => return None,
        }
    }
    inputs.sort_unstable();
    outputs.sort_unstable();
    Some(
        units
            .into_iter()
            .chain(inputs.into_iter().chain(outputs).map(|(_, weight)| weight))
            .collect(),
    )
}
