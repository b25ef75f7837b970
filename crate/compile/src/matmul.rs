//! Matrix products: what tract makes of `MatMul`, `Gemm` and their kin is an `EinSum`.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::einsum::EinSum;
use upnext_core::program::format::OpCode;

use crate::emit::{Emitter, Operands};
use crate::lower::{Operand, Refusal};
use crate::shape::{RowShape, floats};
use crate::value::{Product, Value};

/// An axis of a product: its length and its place in left, right and output; none where it is 1 or not there.
struct Side {
    length: usize,
    left: Option<usize>,
    right: Option<usize>,
    out: Option<usize>,
}

/// Axes by what becomes of them: in all three, of left and output, of right and output, summed over.
#[derive(Default)]
struct Sides {
    shared: Vec<Side>,
    left: Vec<Side>,
    right: Vec<Side>,
    summed: Vec<Side>,
}

/// Lowers a product of two values. With constant weights it becomes a dense layer, on as many positions of the row as
/// the other factor has; between two values of a row it becomes products of matrices.
pub fn matmul(emit: &mut Emitter, op: &EinSum, a: &Operand, b: &Operand, out: &RowShape) -> Result<Value, Refusal> {
    if op.q_params.is_some() || op.operating_dt != f32::datum_type() {
        return Err(Refusal::because("products are of f32"));
    }
    let swap = matches!(a.value, Value::Const(_));
    let (left, right) = if swap { (b, a) } else { (a, b) };
    let sides = sides(op, left, right, out, swap)?;
    let size = |sides: &[Side]| sides.iter().map(|side| side.length).product::<usize>();
    let (count, m, k, n) = (
        size(&sides.shared),
        size(&sides.left),
        size(&sides.summed),
        size(&sides.right),
    );

    let left_order = [&sides.shared, &sides.left, &sides.summed];
    let right_order = [&sides.shared, &sides.summed, &sides.right];
    let x = emit.buffer_of(&left.value)?;
    let x = emit.arrange(x, 0, &walk(&left_order, &left.shape, |side| side.left));
    let right_walk = walk(&right_order, &right.shape, |side| side.right);
    let product = match &right.value {
        Value::Const(weights) => {
            let values = floats(weights).ok_or(Refusal::because("weights are f32"))?;
            let values = walked(&values, &right_walk);
            if count == 1 && m == 1 {
                let parts = vec![(x, Arc::new(values))];
                return Ok(Value::Product(Product { width: n, parts }));
            }
            if count == 1 {
                let weights = emit.tensor(k, n, values);
                emit.op(OpCode::Dense, &[x], Operands::tensors(&[weights]), m * n)
            } else {
                let weights = emit.constant(values);
                products(emit, x, weights, [m, k, n])
            }
        }
        value => {
            let y = emit.buffer_of(value)?;
            let y = emit.arrange(y, 0, &right_walk);
            products(emit, x, y, [m, k, n])
        }
    };
    // The result's axes are shared, left, right; the output's may be in another order.
    let order: Vec<&Side> = sides.shared.iter().chain(&sides.left).chain(&sides.right).collect();
    let lengths = RowShape {
        batch: None,
        dims: order.iter().map(|side| side.length).collect(),
    };
    let mut places: Vec<(Option<usize>, (usize, usize))> = order
        .iter()
        .enumerate()
        .map(|(at, side)| (side.out, (side.length, lengths.stride(at))))
        .collect();
    places.sort_by_key(|(place, _)| *place);
    let back: Vec<_> = places.into_iter().map(|(_, axis)| axis).collect();
    Ok(Value::Rows(emit.arrange(product, 0, &back)))
}

fn products(emit: &mut Emitter, x: u32, y: u32, [m, k, n]: [usize; 3]) -> u32 {
    let operands = Operands {
        params: vec![m as u32, k as u32, n as u32],
        ..Operands::default()
    };
    let width = emit.width(x) / k.max(1) * n;
    emit.op(OpCode::Product, &[x, y], operands, width)
}

fn sides(op: &EinSum, left: &Operand, right: &Operand, out: &RowShape, swap: bool) -> Result<Sides, Refusal> {
    let unknown = || Refusal::because("not a product of matrices along the row");
    let mut sides = Sides::default();
    for axis in op.axes.iter_all_axes() {
        let at = |slot: Option<&TVec<usize>>, shape: &RowShape| match slot.map(|slot| slot.as_slice()) {
            Some([]) | None => Ok(None),
            Some([one]) => Ok(Some((*one, shape.dims.get(*one).copied().unwrap_or(1)))),
            Some(_) => Err(unknown()),
        };
        let (first, second) = if swap { (1, 0) } else { (0, 1) };
        let l = at(axis.inputs.get(first), &left.shape)?;
        let r = at(axis.inputs.get(second), &right.shape)?;
        let o = at(axis.outputs.first(), out)?;
        let is_batch = l.is_some_and(|(at, _)| left.shape.batch == Some(at))
            || r.is_some_and(|(at, _)| right.shape.batch == Some(at));
        if is_batch && o.map(|(at, _)| at) != out.batch {
            return Err(Refusal::because("it reaches over the rows of the batch"));
        }
        let length = [l, r, o].iter().flatten().map(|(_, length)| *length).max().unwrap_or(1);
        if length == 1 {
            continue;
        }
        let long = |place: Option<(usize, usize)>| place.filter(|(_, own)| *own == length).map(|(at, _)| at);
        let side = Side {
            length,
            left: long(l),
            right: long(r),
            out: long(o),
        };
        match (side.left, side.right, side.out) {
            (Some(_), Some(_), Some(_)) => sides.shared.push(side),
            (Some(_), None, Some(_)) => sides.left.push(side),
            (None, Some(_), Some(_)) => sides.right.push(side),
            (Some(_), Some(_), None) => sides.summed.push(side),
            _ => return Err(unknown()),
        }
    }
    for group in [&mut sides.shared, &mut sides.left, &mut sides.right] {
        group.sort_by_key(|side| side.out);
    }
    sides.summed.sort_by_key(|side| side.left);
    Ok(sides)
}

/// Lengths and strides of the axes in such an order.
fn walk(order: &[&Vec<Side>; 3], shape: &RowShape, place: fn(&Side) -> Option<usize>) -> Vec<(usize, usize)> {
    let sides = order.iter().flat_map(|sides| sides.iter());
    sides
        .map(|side| (side.length, place(side).map_or(0, |at| shape.stride(at))))
        .collect()
}

/// The values of a constant in such an order.
fn walked(values: &[f32], axes: &[(usize, usize)]) -> Vec<f32> {
    let mut places = vec![0];
    for (length, stride) in axes {
        places = places
            .iter()
            .flat_map(|at| (0..*length).map(move |i| at + i * stride))
            .collect();
    }
    places.into_iter().filter_map(|at| values.get(at).copied()).collect()
}
