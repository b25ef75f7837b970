//! Element-wise arithmetic of one and two values.

use tract_onnx::tract_core::ops::element_wise::ElementWiseMiniOp;
use upnext_core::program::format::OpCode;

use crate::activation;
use crate::emit::{Emitter, Operands};
use crate::lower::{Operand, Refusal};
use crate::shape::{RowShape, row_of};
use crate::station::{root, station};
use crate::value::Value;

/// An op on one value, by tract's name.
pub fn unary(emit: &mut Emitter, op: &dyn ElementWiseMiniOp, x: &Operand) -> Result<Value, Refusal> {
    let name = op.name();
    match (name.as_str(), &x.value) {
        ("Not", Value::Absent(ids)) => return Ok(Value::Present(ids.clone())),
        ("Not", Value::Present(ids)) => return Ok(Value::Absent(ids.clone())),
        ("Sqrt", squares) if let Some(norm) = root(squares) => return Ok(Value::Norm(norm)),
        ("Rsqrt", squares) if let Some(norm) = root(squares) => return Ok(Value::InverseNorm(norm)),
        ("Recip", Value::Norm(norm)) => return Ok(Value::InverseNorm(*norm)),
        ("Recip", Value::CountOrOne(ids)) => return Ok(Value::InverseCount(ids.clone())),
        ("Square", value) => return emit.buffer_of(value).map(Value::Square),
        _ => {}
    }
    let x = emit.buffer_of(&x.value)?;
    activation::apply(emit, op, &name, x).map(Value::Rows)
}
/// An op on two values, by tract's name.
pub fn binary(emit: &mut Emitter, name: &str, a: &Operand, b: &Operand, out: &RowShape) -> Result<Value, Refusal> {
    if let Some(value) = station(emit, name, a, b) {
        return Ok(value);
    }
    if let ("Mul", Value::Rows(l), Value::Rows(r)) = (name, &a.value, &b.value)
        && l == r
        && a.shape == b.shape
    {
        return Ok(Value::Square(*l));
    }
    if let Value::Const(constant) = &b.value
        && let Some(row) = row_of(constant, out)
    {
        let buffer = full(emit, a, out)?;
        if let Some(value) = constant_right(emit, name, buffer, &shortest(row, out)) {
            return Ok(value);
        }
    }
    if let (Value::Const(constant), "Add" | "Mul" | "Max" | "Min" | "Sub") = (&a.value, name)
        && let Some(row) = row_of(constant, out)
    {
        let mut buffer = full(emit, b, out)?;
        let mut name = name;
        let row = shortest(row, out);
        if name == "Sub" {
            buffer = negated(emit, buffer, out);
            name = "Add";
        }
        if let Some(value) = constant_right(emit, name, buffer, &row) {
            return Ok(value);
        }
    }
    let mut joined = |code, a, b| join(emit, code, a, b, out);
    let value = match name {
        "Add" => joined(OpCode::Add, a, b)?,
        "Mul" | "And" => joined(OpCode::Mul, a, b)?,
        "Sub" => joined(OpCode::Sub, a, b)?,
        "SubF" => joined(OpCode::Sub, b, a)?,
        "Div" => joined(OpCode::Div, a, b)?,
        "Max" | "Or" => joined(OpCode::Max, a, b)?,
        "Min" => joined(OpCode::Min, a, b)?,
        "Pow" => joined(OpCode::Pow, a, b)?,
        "Eq" => joined(OpCode::Equal, a, b)?,
        "LT" => joined(OpCode::Less, a, b)?,
        "GT" => joined(OpCode::Less, b, a)?,
        "NE" | "Xor" | "LTE" | "GTE" => {
            let opposite = match name {
                "LTE" => joined(OpCode::Less, b, a)?,
                "GTE" => joined(OpCode::Less, a, b)?,
                _ => joined(OpCode::Equal, a, b)?,
            };
            emit.not(opposite)
        }
        _ => return Err(Refusal::because("this op of two values is not known")),
    };
    Ok(Value::Rows(value))
}

/// An op on the values of `a` and their partners in `b`, both stretched to the result.
fn join(emit: &mut Emitter, code: OpCode, a: &Operand, b: &Operand, out: &RowShape) -> Result<u32, Refusal> {
    let left = full(emit, a, out)?;
    let leads = |axis: usize| b.shape.dims.iter().take(axis).all(|d| *d == 1);
    let axes = b.shape.dims.iter().zip(&out.dims).enumerate();
    // Stretched along its first axes alone, it is repeated as it is.
    let repeats = b.shape.dims.len() == out.dims.len()
        && axes
            .into_iter()
            .all(|(axis, (own, length))| own == length || leads(axis + 1));
    let right = match b.value {
        Value::Const(_) => full(emit, b, out)?,
        _ if repeats => emit.buffer_of(&b.value)?,
        _ => full(emit, b, out)?,
    };
    Ok(emit.pair(code, left, right))
}

/// The buffer of a value, stretched to the result.
pub fn full(emit: &mut Emitter, operand: &Operand, out: &RowShape) -> Result<u32, Refusal> {
    if let Value::Const(constant) = &operand.value {
        let row = row_of(constant, out).ok_or(Refusal::because("the constant is longer than a row"))?;
        return Ok(emit.constant(row));
    }
    let buffer = emit.buffer_of(&operand.value)?;
    if operand.shape.width() == out.width() {
        return Ok(buffer);
    }
    let axes = operand.shape.strides_in(out);
    let axes = axes.ok_or(Refusal::because("one value is stretched in a way that is not known"))?;
    Ok(emit.arrange(buffer, 0, &axes))
}

/// The shortest part of a row that the row repeats, of whole last axes.
fn shortest(row: Vec<f32>, shape: &RowShape) -> Vec<f32> {
    for axis in (0..shape.dims.len()).rev() {
        let period = shape.stride(axis) * shape.dims[axis];
        if period > 1 && period < row.len() && row.chunks(period).all(|part| part == &row[..period]) {
            return row[..period].to_vec();
        }
    }
    row
}

fn negated(emit: &mut Emitter, buffer: u32, out: &RowShape) -> u32 {
    let row = shortest(vec![-1.0; emit.width(buffer)], out);
    with_row(emit, OpCode::Mul, buffer, row)
}
fn with_row(emit: &mut Emitter, code: OpCode, buffer: u32, row: Vec<f32>) -> u32 {
    let width = emit.width(buffer);
    let tensor = emit.tensor(1, row.len(), row);
    emit.op(code, &[buffer], Operands::tensors(&[tensor]), width)
}

/// An op with a constant on the right; none where it has no form of its own.
fn constant_right(emit: &mut Emitter, name: &str, buffer: u32, c: &[f32]) -> Option<Value> {
    let (code, row) = match name {
        "Add" => (OpCode::Add, c.to_vec()),
        "Mul" | "And" => (OpCode::Mul, c.to_vec()),
        "Sub" => (OpCode::Add, c.iter().map(|v| -v).collect()),
        "Div" if c.iter().all(|v| *v != 0.0) => (OpCode::Mul, c.iter().map(|v| v.recip()).collect()),
        "Max" if c.iter().all(|v| *v == 0.0) => return Some(Value::Rows(emit.map(OpCode::Relu, buffer))),
        "Max" | "Min" if c.windows(2).all(|pair| pair[0] == pair[1]) => {
            let bound = c.first().copied()?;
            // The other side stays open: beyond the largest number there is only infinity.
            let scalars = if name == "Max" {
                vec![bound, f32::MAX]
            } else {
                vec![f32::MIN, bound]
            };
            return Some(Value::Rows(emit.clamp(buffer, scalars)));
        }
        "Max" => (OpCode::Max, c.to_vec()),
        "Min" => (OpCode::Min, c.to_vec()),
        "Pow" => (OpCode::Pow, c.to_vec()),
        "Eq" => (OpCode::Equal, c.to_vec()),
        "LT" => (OpCode::Less, c.to_vec()),
        _ => return None,
    };
    Some(Value::Rows(with_row(emit, code, buffer, row)))
}
