//! Sums and largest values along axes of the row.

use upnext_core::program::format::OpCode;

use crate::emit::Emitter;
use crate::lower::{Operand, Refusal};
use crate::shape::RowShape;
use crate::value::{Groups, Value};

/// A sum over axes: a station of a norm or of a mean, or a sum.
pub fn sum(emit: &mut Emitter, x: &Operand, axes: &[usize]) -> Result<Value, Refusal> {
    let whole_row = x.shape.is_whole_row(axes);
    let group = x.shape.group(axes).or(whole_row.then(|| x.shape.width()));
    match &x.value {
        Value::Square(of) if let Some(len) = group => {
            let groups = Groups { of: *of, len };
            return Ok(Value::SumSquares { groups, floor: 0.0 });
        }
        Value::Present(ids) if whole_row => return Ok(Value::Count(ids.clone())),
        Value::PresentRows { table, ids } => {
            let over_ids = axes.iter().all(|axis| {
                x.shape.is_outermost(*axis)
                    && x.shape.stride(*axis) == emit.cols(*table)
                    && x.shape.dims.get(*axis) == Some(&ids.columns.len())
            });
            if over_ids {
                return Ok(Value::PresentSum {
                    table: *table,
                    ids: ids.clone(),
                });
            }
        }
        _ => {}
    }
    let of = emit.buffer_of(&x.value)?;
    match group {
        Some(len) => Ok(Value::Sum(Groups { of, len })),
        None => reduce(emit, OpCode::ReduceSum, of, &x.shape, axes).map(Value::Rows),
    }
}

/// Sums or largest values over any axes of the row.
pub fn reduce(emit: &mut Emitter, code: OpCode, of: u32, shape: &RowShape, axes: &[usize]) -> Result<u32, Refusal> {
    if shape.batch.is_some_and(|batch| axes.contains(&batch)) {
        return Err(Refusal::because("it reaches over the rows of the batch"));
    }
    let long: Vec<usize> = shape.long_axes().collect();
    let chosen: Vec<usize> = long.iter().copied().filter(|axis| axes.contains(axis)).collect();
    let len = chosen.iter().map(|axis| shape.dims[*axis]).product();
    let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else {
        return Ok(of);
    };
    if long.iter().filter(|axis| (first..=last).contains(axis)).count() == chosen.len() {
        return Ok(emit.reduce(code, of, len, shape.stride(*last)));
    }
    let (moved, _) = last_axes(emit, of, shape, axes);
    Ok(emit.reduce(code, moved, len, 1))
}

/// `x − max − ln Σ e^(x − max)` of each group: finite where the logarithm of a softmax would not be.
pub fn log_softmax(emit: &mut Emitter, Groups { of, len }: Groups) -> u32 {
    let spread = |emit: &mut Emitter, each: u32| {
        let axes = [(emit.width(each), 1), (len, 0)];
        emit.arrange(each, 0, &axes)
    };
    let most = emit.reduce(OpCode::ReduceMax, of, len, 1);
    let most = spread(emit, most);
    let below = emit.pair(OpCode::Sub, of, most);
    let powers = emit.map(OpCode::Exp, below);
    let sum = emit.reduce(OpCode::ReduceSum, powers, len, 1);
    let logarithm = emit.map(OpCode::Ln, sum);
    let logarithm = spread(emit, logarithm);
    emit.pair(OpCode::Sub, below, logarithm)
}

/// Brings axes to the end of the row; also how to bring them back.
pub fn last_axes(emit: &mut Emitter, of: u32, shape: &RowShape, axes: &[usize]) -> (u32, Vec<(usize, usize)>) {
    let all = 0..shape.dims.len();
    let (last, mut order): (Vec<usize>, Vec<usize>) = all.clone().partition(|axis| axes.contains(axis));
    order.extend(last);
    let there: Vec<_> = order
        .iter()
        .map(|axis| (shape.dims[*axis], shape.stride(*axis)))
        .collect();
    let moved = RowShape {
        batch: None,
        dims: there.iter().map(|(length, _)| *length).collect(),
    };
    let place = |axis: usize| order.iter().position(|o| *o == axis).unwrap_or(0);
    let back = all.map(|axis| (shape.dims[axis], moved.stride(place(axis)))).collect();
    (emit.arrange(of, 0, &there), back)
}
