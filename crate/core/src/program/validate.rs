//! Every bound of a program, checked once.

use super::format::{OpCode, OpMessage, PROGRAM_VERSION, ProgramMessage, TensorMessage};
use super::shape::Shape;
use super::weights::Stored;
use super::{Input, MAX_OPS, Op, Program, Tensor, invalid};
use crate::{Error, ErrorKind};

pub(super) fn validate(message: ProgramMessage) -> Result<Program, Error> {
    if message.version != PROGRAM_VERSION {
        return Err(Error::from(ErrorKind::BundleVersion {
            what: "compact program",
            found: message.version,
            expected: PROGRAM_VERSION,
        }));
    }
    for (what, count) in [
        ("inputs", message.inputs.len()),
        ("ops", message.ops.len()),
        ("tensors", message.tensors.len()),
    ] {
        if count > MAX_OPS {
            return Err(invalid(format!("{count} {what}, at most {MAX_OPS}")));
        }
    }
    let inputs: Vec<Input> = message
        .inputs
        .into_iter()
        .map(|i| Input {
            name: i.name,
            width: i.width as usize,
            ids: i.ids,
        })
        .collect();
    let tensors = message
        .tensors
        .iter()
        .enumerate()
        .map(|(index, t)| tensor(index, t))
        .collect::<Result<Vec<_>, _>>()?;

    let mut shape = Shape {
        inputs: &inputs,
        tensors: &tensors,
        widths: Vec::new(),
        work: 0,
    };
    for input in &inputs {
        shape
            .push(input.width)
            .map_err(|why| invalid(format!("input {}: {why}", input.name)))?;
    }
    let mut ops = Vec::with_capacity(message.ops.len());
    for (index, raw) in message.ops.iter().enumerate() {
        let (op, width) = shape.op(raw).map_err(|why| invalid(format!("op {index}: {why}")))?;
        shape.push(width).map_err(|why| invalid(format!("op {index}: {why}")))?;
        ops.push(op);
    }
    let output = shape
        .dense(Some(&message.output))
        .map_err(|why| invalid(format!("output: {why}")))?;
    let widths = shape.widths;
    let starts = widths
        .iter()
        .scan(0, |next, width| Some(core::mem::replace(next, *next + width)));
    Ok(Program {
        starts: starts.collect(),
        limits: limits(&inputs, &ops, &tensors),
        inputs,
        ops,
        tensors,
        widths,
        output,
    })
}

/// For each ids input and column, the rows of the smallest table that an op gathers from by it.
fn limits(inputs: &[Input], ops: &[Op], tensors: &[Tensor]) -> Vec<Vec<Option<usize>>> {
    let columns = |input: &Input| if input.ids { input.width } else { 0 };
    let mut limits: Vec<_> = inputs.iter().map(|input| vec![None; columns(input)]).collect();
    for op in ops {
        let (ids, columns, table) = match op {
            Op::Gather { ids, column, table } => (*ids, *column..column + 1, *table),
            Op::GatherMean { ids, from, to, table } | Op::GatherRows { ids, from, to, table } => {
                (*ids, *from..*to, *table)
            }
            _ => continue,
        };
        let rows = tensors[table].rows;
        for limit in &mut limits[ids][columns] {
            *limit = Some(limit.map_or(rows, |old: usize| old.min(rows)));
        }
    }
    limits
}

fn tensor(index: usize, raw: &TensorMessage) -> Result<Tensor, Error> {
    let (rows, cols) = (raw.rows as usize, raw.cols as usize);
    let (stored, values) = Stored::read(raw).map_err(|why| {
        invalid(format!(
            "tensor {index} is {rows} × {cols}, dtype {}, and has {} bytes and {} scales: {why}",
            raw.dtype,
            raw.data.len(),
            raw.scales.len()
        ))
    })?;
    match values.iter().position(|v| !v.is_finite()) {
        Some(at) => Err(invalid(format!("tensor {index} value {at} is not finite"))),
        None => Ok(Tensor {
            rows,
            cols,
            values,
            stored,
        }),
    }
}

/// Exact numbers of inputs, tensors, params and scalars: what is not read may not be there.
pub(super) fn check_counts(code: OpCode, raw: &OpMessage) -> Result<(), String> {
    let (inputs, tensors, params, scalars) = (raw.inputs.len(), raw.tensors.len(), raw.params.len(), raw.scalars.len());
    let counts = (inputs, tensors, params, scalars);
    let fits = match code {
        OpCode::Invalid => false,
        OpCode::Gather => counts == (1, 1, 1, 0),
        OpCode::GatherMean | OpCode::GatherRows => counts == (1, 1, 2, 0),
        OpCode::Numbers | OpCode::Slice | OpCode::ReduceSum | OpCode::ReduceMax => counts == (1, 0, 2, 0),
        OpCode::Constant => counts == (0, 1, 0, 0),
        OpCode::Concat => inputs >= 1 && (tensors, params, scalars) == (0, 0, 0),
        OpCode::Dense => inputs == 1 && (1..=2).contains(&tensors) && (params, scalars) == (0, 0),
        OpCode::Softmax | OpCode::Centre => params <= 1 && (inputs, tensors, scalars) == (1, 0, 0),
        OpCode::L2Norm | OpCode::RmsNorm => params <= 1 && (inputs, tensors, scalars) == (1, 0, 1),
        OpCode::Clamp => counts == (1, 0, 0, 2),
        OpCode::Select => counts == (3, 0, 0, 0),
        OpCode::Arrange => params % 2 == 1 && (3..=17).contains(&params) && (inputs, tensors, scalars) == (1, 0, 0),
        OpCode::Product => counts == (2, 0, 3, 0),
        _ if is_join(code) => inputs + tensors == 2 && inputs >= 1 && (params, scalars) == (0, 0),
        _ => counts == (1, 0, 0, 0),
    };
    if fits {
        return Ok(());
    }
    Err(format!(
        "{} does not take {inputs} inputs, {tensors} tensors, {params} params and {scalars} scalars",
        code.name()
    ))
}

/// Whether it is a function of two values.
pub(super) fn is_join(code: OpCode) -> bool {
    use OpCode::{Add, Div, Equal, Less, Max, Min, Mul, Pow, Sub};
    matches!(code, Add | Mul | Sub | Div | Max | Min | Less | Equal | Pow)
}
