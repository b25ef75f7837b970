//! Patterns of several nodes that end in one op: norms, and the mean of the rows that are not padding.

use tract_onnx::prelude::Tensor;
use upnext_core::program::format::OpCode;

use crate::emit::{Emitter, Operands};
use crate::lower::Operand;
use crate::shape::{is_integer_zero, uniform};
use crate::value::{Norm, Product, Value};

/// The divisor that is the root of such squares.
pub fn root(squares: &Value) -> Option<Norm> {
    let (code, groups, least) = match squares {
        Value::SumSquares { groups, floor } => (OpCode::L2Norm, *groups, *floor),
        Value::MeanSquares { groups, epsilon } => (OpCode::RmsNorm, *groups, *epsilon),
        _ => return None,
    };
    Some(Norm { code, groups, least })
}
/// Patterns: what two values are on the way to a norm or a mean, or at its end.
pub fn station(emit: &mut Emitter, name: &str, a: &Operand, b: &Operand) -> Option<Value> {
    let commutes = matches!(name, "Add" | "Mul" | "Max" | "Eq" | "NE");
    directed(emit, name, a, b).or_else(|| commutes.then(|| directed(emit, name, b, a)).flatten())
}

fn directed(emit: &mut Emitter, name: &str, a: &Operand, b: &Operand) -> Option<Value> {
    let value = match (name, &a.value, &b.value) {
        ("Eq", Value::Ids(ids), Value::Const(c)) if is_integer_zero(c) => Value::Absent(ids.clone()),
        ("NE", Value::Ids(ids), Value::Const(c)) if is_integer_zero(c) => Value::Present(ids.clone()),
        ("Mul", Value::Lookup { table, ids }, Value::Present(mask)) if ids == mask && masks(a, b) => {
            Value::PresentRows {
                table: *table,
                ids: ids.clone(),
            }
        }
        ("Max", Value::Count(ids), Value::Const(c)) if uniform(c) == Some(1.0) => Value::CountOrOne(ids.clone()),
        ("Add", Value::Product(first), Value::Product(second)) if first.width == second.width && a.shape == b.shape => {
            Value::Product(Product {
                width: first.width,
                parts: first.parts.iter().chain(&second.parts).cloned().collect(),
            })
        }
        ("Div", Value::PresentSum { table, ids }, Value::CountOrOne(counted))
        | ("Mul", Value::PresentSum { table, ids }, Value::InverseCount(counted))
            if ids == counted =>
        {
            let (first, last) = (ids.columns.first()?, ids.columns.last()?);
            // The op takes a range of columns; ids picked in another order have none.
            if !ids
                .columns
                .iter()
                .zip(*first..)
                .all(|(column, expected)| *column == expected)
            {
                return None;
            }
            let operands = Operands {
                params: vec![*first, last + 1],
                ..Operands::tensors(&[*table])
            };
            let width = emit.cols(*table);
            Value::Rows(emit.op(OpCode::GatherMean, &[ids.buffer], operands, width))
        }
        ("Max", Value::SumSquares { groups, floor }, Value::Const(c)) => Value::SumSquares {
            groups: *groups,
            floor: floor.max(uniform(c)?.max(0.0).sqrt()),
        },
        ("Max", Value::Norm(norm), Value::Const(c)) if norm.code == OpCode::L2Norm => Value::Norm(Norm {
            least: norm.least.max(uniform(c)?),
            ..*norm
        }),
        ("Div" | "Mul", Value::Sum(groups), Value::Const(c)) if divides_by(name, c, groups.len) => Value::Mean(*groups),
        ("Div" | "Mul", Value::SumSquares { groups, floor }, Value::Const(c))
            if *floor == 0.0 && divides_by(name, c, groups.len) =>
        {
            Value::MeanSquares {
                groups: *groups,
                epsilon: 0.0,
            }
        }
        ("Add", Value::MeanSquares { groups, epsilon }, Value::Const(c)) => Value::MeanSquares {
            groups: *groups,
            epsilon: epsilon + uniform(c).filter(|epsilon| *epsilon >= 0.0)?,
        },
        ("Sub", x, Value::Mean(groups)) if lies_in(emit, x, groups.of) && spreads(a, b, groups.len) => {
            Value::Rows(emit.grouped(OpCode::Centre, *groups, vec![]))
        }
        ("Div", x, Value::Norm(norm)) | ("Mul", x, Value::InverseNorm(norm))
            if lies_in(emit, x, norm.groups.of) && spreads(a, b, norm.groups.len) =>
        {
            normed(emit, *norm)
        }
        _ => return None,
    };
    Some(value)
}

/// True where the value is that of the buffer.
fn lies_in(emit: &mut Emitter, value: &Value, buffer: u32) -> bool {
    emit.buffer_of(value).is_ok_and(|found| found == buffer)
}

/// True where each value of `b` belongs to `len` values of `a` that stand one after the other.
fn spreads(a: &Operand, b: &Operand, len: usize) -> bool {
    if len == a.shape.width() {
        return true;
    }
    let axes = || a.shape.dims.iter().zip(&b.shape.dims);
    let split = axes()
        .position(|(long, short)| long != short)
        .unwrap_or(a.shape.dims.len());
    a.shape.dims.len() == b.shape.dims.len()
        && axes().skip(split).all(|(_, short)| *short == 1)
        && a.shape.dims.iter().skip(split).product::<usize>() == len
}

/// A buffer divided by its norm.
fn normed(emit: &mut Emitter, norm: Norm) -> Value {
    // A norm without a floor divides by zero at zero; the op wants a positive one.
    Value::Rows(emit.grouped(norm.code, norm.groups, vec![norm.least.max(f32::MIN_POSITIVE)]))
}

/// True where dividing by the constant, or multiplying with it, divides by `width`.
fn divides_by(name: &str, constant: &Tensor, width: usize) -> bool {
    let value = uniform(constant).map(|c| if name == "Mul" { c.recip() } else { c });
    value.is_some_and(|value| (value / width as f32 - 1.0).abs() < 1e-6)
}

/// True where the mask has one value for each row that was looked up.
fn masks(rows: &Operand, mask: &Operand) -> bool {
    let same = rows
        .shape
        .dims
        .iter()
        .zip(&mask.shape.dims)
        .enumerate()
        .all(|(axis, (long, short))| long == short || (*short == 1 && axis + 1 == rows.shape.dims.len()));
    same && rows.shape.batch == mask.shape.batch
}
