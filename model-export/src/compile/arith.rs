//! Element-wise arithmetic and sums, and the patterns made of them: norms, and the mean of the rows that are not
//! padding.

use tract_onnx::prelude::Tensor;
use upnext_core::program::format::OpCode;

use super::emit::{Emitter, Operands};
use super::lower::{Operand, Refusal};
use super::shape::{RowShape, is_integer_zero, row_of, uniform};
use super::value::{Norm, Product, Value};

/// An op on one value, by tract's name.
pub fn unary(emit: &mut Emitter, name: &str, x: &Operand) -> Result<Value, Refusal> {
    match (name, &x.value) {
        ("Not", Value::Absent(ids)) => Ok(Value::Present(ids.clone())),
        ("Not", Value::Present(ids)) => Ok(Value::Absent(ids.clone())),
        ("Sqrt", squares) if let Some(norm) = root(squares) => Ok(Value::Norm(norm)),
        ("Rsqrt", squares) if let Some(norm) = root(squares) => Ok(Value::InverseNorm(norm)),
        ("Recip", Value::Norm(norm)) => Ok(Value::InverseNorm(*norm)),
        ("Recip", Value::CountOrOne(ids)) => Ok(Value::InverseCount(ids.clone())),
        ("Square", value) => emit.buffer_of(value).map(Value::Square),
        ("Sigmoid", value) => apply(emit, OpCode::Sigmoid, value),
        ("Tanh", value) => apply(emit, OpCode::Tanh, value),
        ("Relu", value) => apply(emit, OpCode::Relu, value),
        ("Neg", value) => {
            let buffer = emit.buffer_of(value)?;
            let width = emit.width(buffer);
            Ok(with_row(emit, OpCode::Mul, buffer, vec![-1.0; width]))
        }
        _ => Err(Refusal::because("this element-wise op is not known")),
    }
}

/// The divisor that is the root of such squares.
fn root(squares: &Value) -> Option<Norm> {
    let (code, of, least) = match squares {
        Value::SumSquares { of, floor } => (OpCode::L2Norm, *of, *floor),
        Value::MeanSquares { of, epsilon } => (OpCode::RmsNorm, *of, *epsilon),
        _ => return None,
    };
    Some(Norm { code, of, least })
}

fn apply(emit: &mut Emitter, code: OpCode, value: &Value) -> Result<Value, Refusal> {
    let buffer = emit.buffer_of(value)?;
    let width = emit.width(buffer);
    Ok(Value::Rows(emit.op(code, &[buffer], Operands::default(), width)))
}

/// A sum over axes: a station of a norm or of a mean, nothing else is known.
pub fn sum(emit: &mut Emitter, x: &Operand, axes: &[usize]) -> Result<Value, Refusal> {
    let whole_row = x.shape.is_whole_row(axes);
    match &x.value {
        Value::Square(of) if whole_row => Ok(Value::SumSquares { of: *of, floor: 0.0 }),
        Value::Rows(_) | Value::Product(_) | Value::Lookup { .. } if whole_row => {
            emit.buffer_of(&x.value).map(Value::Sum)
        }
        Value::Present(ids) if whole_row => Ok(Value::Count(ids.clone())),
        Value::PresentRows { table, ids } => {
            let over_ids = axes.iter().all(|axis| {
                x.shape.is_outermost(*axis)
                    && x.shape.stride(*axis) == emit.cols(*table)
                    && x.shape.dims.get(*axis) == Some(&ids.columns.len())
            });
            if over_ids {
                Ok(Value::PresentSum {
                    table: *table,
                    ids: ids.clone(),
                })
            } else {
                Err(Refusal::because("rows are summed over their ids only"))
            }
        }
        _ => Err(Refusal::because(
            "a sum that is no part of a norm, of a layer norm or of a mean without padding",
        )),
    }
}

/// An op on two values, by tract's name.
pub fn binary(emit: &mut Emitter, name: &str, a: &Operand, b: &Operand, out: &RowShape) -> Result<Value, Refusal> {
    if let Some(value) = station(emit, name, a, b) {
        return Ok(value);
    }
    match (&a.value, &b.value) {
        (value, Value::Const(constant)) => {
            let buffer = fitting(emit, value, out)?;
            let constant = row_of(constant, out).ok_or(Refusal::because("the constant is not an f32 row"))?;
            constant_right(emit, name, buffer, constant)
        }
        (Value::Const(constant), value) => {
            let buffer = fitting(emit, value, out)?;
            let constant = row_of(constant, out).ok_or(Refusal::because("the constant is not an f32 row"))?;
            constant_left(emit, name, constant, buffer)
        }
        (left, right) => {
            if let ("Mul", Value::Rows(l), Value::Rows(r)) = (name, left, right)
                && l == r
            {
                return Ok(Value::Square(*l));
            }
            let (left, right) = (fitting(emit, left, out)?, fitting(emit, right, out)?);
            let width = out.width();
            match name {
                "Add" => Ok(Value::Rows(emit.op(
                    OpCode::Add,
                    &[left, right],
                    Operands::default(),
                    width,
                ))),
                "Mul" => Ok(Value::Rows(emit.op(
                    OpCode::Mul,
                    &[left, right],
                    Operands::default(),
                    width,
                ))),
                "Sub" => {
                    let Value::Rows(negated) = with_row(emit, OpCode::Mul, right, vec![-1.0; width]) else {
                        return Err(Refusal::because("the subtrahend has no buffer"));
                    };
                    Ok(Value::Rows(emit.op(
                        OpCode::Add,
                        &[left, negated],
                        Operands::default(),
                        width,
                    )))
                }
                _ => Err(Refusal::because("not known between two values of a row")),
            }
        }
    }
}

/// Patterns: what two values are on the way to a norm or a mean, or at its end.
fn station(emit: &mut Emitter, name: &str, a: &Operand, b: &Operand) -> Option<Value> {
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
        ("Max", Value::SumSquares { of, floor }, Value::Const(c)) => Value::SumSquares {
            of: *of,
            floor: floor.max(uniform(c)?.max(0.0).sqrt()),
        },
        ("Max", Value::Norm(norm), Value::Const(c)) if norm.code == OpCode::L2Norm => Value::Norm(Norm {
            least: norm.least.max(uniform(c)?),
            ..*norm
        }),
        ("Div" | "Mul", Value::Sum(of), Value::Const(c)) if divides_by(name, c, emit.width(*of)) => Value::Mean(*of),
        ("Div" | "Mul", Value::SumSquares { of, floor }, Value::Const(c))
            if *floor == 0.0 && divides_by(name, c, emit.width(*of)) =>
        {
            Value::MeanSquares { of: *of, epsilon: 0.0 }
        }
        ("Add", Value::MeanSquares { of, epsilon }, Value::Const(c)) => Value::MeanSquares {
            of: *of,
            epsilon: epsilon + uniform(c)?,
        },
        ("Sub", x, Value::Mean(of)) if lies_in(emit, x, *of) => {
            let width = emit.width(*of);
            Value::Rows(emit.op(OpCode::Centre, &[*of], Operands::default(), width))
        }
        ("Div", x, Value::Norm(norm)) | ("Mul", x, Value::InverseNorm(norm)) if lies_in(emit, x, norm.of) => {
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

/// A buffer divided by its norm.
pub fn normed(emit: &mut Emitter, norm: Norm) -> Value {
    let operands = Operands {
        // A norm without a floor divides by zero at zero; the op wants a positive one.
        scalars: vec![norm.least.max(f32::MIN_POSITIVE)],
        ..Operands::default()
    };
    let width = emit.width(norm.of);
    Value::Rows(emit.op(norm.code, &[norm.of], operands, width))
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

/// The buffer of a value that is as wide as the result.
fn fitting(emit: &mut Emitter, value: &Value, out: &RowShape) -> Result<u32, Refusal> {
    let buffer = emit.buffer_of(value)?;
    if emit.width(buffer) == out.width() {
        Ok(buffer)
    } else {
        Err(Refusal::because("one value is stretched over the others of its row"))
    }
}

fn with_row(emit: &mut Emitter, code: OpCode, buffer: u32, row: Vec<f32>) -> Value {
    let width = row.len();
    let tensor = emit.tensor(1, width, row);
    Value::Rows(emit.op(code, &[buffer], Operands::tensors(&[tensor]), width))
}

fn constant_right(emit: &mut Emitter, name: &str, buffer: u32, c: Vec<f32>) -> Result<Value, Refusal> {
    match name {
        "Add" => Ok(with_row(emit, OpCode::Add, buffer, c)),
        "Mul" => Ok(with_row(emit, OpCode::Mul, buffer, c)),
        "Sub" => Ok(with_row(emit, OpCode::Add, buffer, c.iter().map(|v| -v).collect())),
        "Div" if c.iter().all(|v| *v != 0.0) => Ok(with_row(
            emit,
            OpCode::Mul,
            buffer,
            c.iter().map(|v| v.recip()).collect(),
        )),
        "Max" if c.iter().all(|v| *v == 0.0) => apply(emit, OpCode::Relu, &Value::Rows(buffer)),
        "Max" | "Min" => {
            let (Some(bound), true) = (c.first().copied(), c.windows(2).all(|pair| pair[0] == pair[1])) else {
                return Err(Refusal::because("its bound differs from value to value"));
            };
            // The other side stays open: beyond the largest number there is only infinity.
            let scalars = if name == "Max" {
                vec![bound, f32::MAX]
            } else {
                vec![f32::MIN, bound]
            };
            let operands = Operands {
                scalars,
                ..Operands::default()
            };
            Ok(Value::Rows(emit.op(OpCode::Clamp, &[buffer], operands, c.len())))
        }
        _ => Err(Refusal::because("not known with this constant")),
    }
}

fn constant_left(emit: &mut Emitter, name: &str, c: Vec<f32>, buffer: u32) -> Result<Value, Refusal> {
    match name {
        "Add" | "Mul" | "Max" | "Min" => constant_right(emit, name, buffer, c),
        "Sub" => {
            let negated = with_row(emit, OpCode::Mul, buffer, vec![-1.0; c.len()]);
            let negated = emit.buffer_of(&negated)?;
            Ok(with_row(emit, OpCode::Add, negated, c))
        }
        _ => Err(Refusal::because("not known with a constant on the left")),
    }
}
