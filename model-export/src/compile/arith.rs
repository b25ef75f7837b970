//! Element-wise arithmetic and sums, and the two patterns made of them: unit length and the mean of
//! the rows that are not padding.

use upnext_core::program::format::OpCode;

use super::emit::{Emitter, Operands};
use super::lower::{Operand, Refusal};
use super::shape::{RowShape, is_integer_zero, row_of, uniform};
use super::value::{Product, Value};

/// An op on one value, by tract's name.
pub fn unary(emit: &mut Emitter, name: &str, x: &Operand) -> Result<Value, Refusal> {
    match (name, &x.value) {
        ("Not", Value::Absent(ids)) => Ok(Value::Present(ids.clone())),
        ("Not", Value::Present(ids)) => Ok(Value::Absent(ids.clone())),
        ("Sqrt", Value::SumSquares { of, floor }) => Ok(Value::Norm { of: *of, floor: *floor }),
        ("Rsqrt", Value::SumSquares { of, floor }) | ("Recip", Value::Norm { of, floor }) => {
            Ok(Value::InverseNorm { of: *of, floor: *floor })
        }
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

fn apply(emit: &mut Emitter, code: OpCode, value: &Value) -> Result<Value, Refusal> {
    let buffer = emit.buffer_of(value)?;
    let width = emit.width(buffer);
    Ok(Value::Rows(emit.op(code, &[buffer], Operands::default(), width)))
}

/// A sum over axes: a station of a norm or of a mean, nothing else is known.
pub fn sum(emit: &Emitter, x: &Operand, axes: &[usize]) -> Result<Value, Refusal> {
    let whole_row = x.shape.long_axes().all(|axis| axes.contains(&axis))
        && x.shape.batch.is_none_or(|batch| !axes.contains(&batch));
    match &x.value {
        Value::Square(of) if whole_row => Ok(Value::SumSquares { of: *of, floor: 0.0 }),
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
            "a sum that is neither a norm nor a mean without padding",
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
    let commutes = matches!(name, "Mul" | "Max" | "Eq" | "NE");
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
        ("Max", Value::Norm { of, floor }, Value::Const(c)) => Value::Norm {
            of: *of,
            floor: floor.max(uniform(c)?),
        },
        ("Div", Value::Rows(x), Value::Norm { of, floor })
        | ("Mul", Value::Rows(x), Value::InverseNorm { of, floor })
            if x == of =>
        {
            let operands = Operands {
                // A norm without a floor divides by zero at zero; the op wants a positive one.
                scalars: vec![floor.max(f32::MIN_POSITIVE)],
                ..Operands::default()
            };
            let width = emit.width(*x);
            Value::Rows(emit.op(OpCode::L2Norm, &[*x], operands, width))
        }
        _ => return None,
    };
    Some(value)
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
