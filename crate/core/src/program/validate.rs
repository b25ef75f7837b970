//! Every bound of a program, checked once.

use super::format::{OpCode, OpMessage, PROGRAM_VERSION, ProgramMessage, TensorMessage};
use super::{Input, MAX_BUFFER_VALUES, MAX_OPS, MAX_WIDTH, Op, Operand, Program, Tensor, invalid, wire};
use crate::Error;

pub(super) fn validate(message: ProgramMessage) -> Result<Program, Error> {
    if message.version != PROGRAM_VERSION {
        return Err(Error::BundleVersion {
            what: "compact program",
            found: message.version,
            expected: PROGRAM_VERSION,
        });
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
    Ok(Program {
        inputs,
        ops,
        tensors,
        widths,
        output,
    })
}

fn tensor(index: usize, raw: &TensorMessage) -> Result<Tensor, Error> {
    if raw.dtype != 0 {
        return Err(invalid(format!(
            "tensor {index} has dtype {}, known is 0 (f32)",
            raw.dtype
        )));
    }
    let (rows, cols) = (raw.rows as usize, raw.cols as usize);
    let bytes = u64::from(raw.rows) * u64::from(raw.cols);
    if bytes == 0 || bytes.checked_mul(4) != Some(raw.data.len() as u64) {
        return Err(invalid(format!(
            "tensor {index} is {rows} × {cols} and has {} bytes",
            raw.data.len()
        )));
    }
    let values: Vec<f32> = wire::floats(&raw.data).collect();
    match values.iter().position(|v| !v.is_finite()) {
        Some(at) => Err(invalid(format!("tensor {index} value {at} is not finite"))),
        None => Ok(Tensor { rows, cols, values }),
    }
}

/// What is known of the buffers so far; answers with the reason where an op does not fit.
struct Shape<'a> {
    inputs: &'a [Input],
    tensors: &'a [Tensor],
    widths: Vec<usize>,
}

impl Shape<'_> {
    fn push(&mut self, width: usize) -> Result<(), String> {
        if !(1..=MAX_WIDTH).contains(&width) {
            return Err(format!("width {width} is outside 1..={MAX_WIDTH}"));
        }
        let total = self.widths.iter().sum::<usize>() + width;
        if total > MAX_BUFFER_VALUES {
            return Err(format!("{total} values in all buffers, at most {MAX_BUFFER_VALUES}"));
        }
        self.widths.push(width);
        Ok(())
    }

    /// A buffer of floats that is already written.
    fn dense(&self, index: Option<&u32>) -> Result<usize, String> {
        let index = *index.ok_or("lacks an input")? as usize;
        if index >= self.widths.len() {
            return Err(format!(
                "reads buffer {index}, {} are written before it",
                self.widths.len()
            ));
        }
        if self.inputs.get(index).is_some_and(|i| i.ids) {
            return Err(format!("reads ids of buffer {index} as floats"));
        }
        Ok(index)
    }

    /// An ids input of at least `columns` columns.
    fn ids(&self, index: Option<&u32>, columns: usize) -> Result<usize, String> {
        let index = *index.ok_or("lacks an input")? as usize;
        let input = self
            .inputs
            .get(index)
            .filter(|i| i.ids)
            .ok_or("gathers by a buffer that is no ids input")?;
        if columns > input.width {
            return Err(format!("gathers by {columns} columns of {}", input.width));
        }
        Ok(index)
    }

    fn tensor(&self, index: Option<&u32>) -> Result<(usize, &Tensor), String> {
        let index = *index.ok_or("lacks a tensor")? as usize;
        let tensor = self
            .tensors
            .get(index)
            .ok_or_else(|| format!("names tensor {index} of {}", self.tensors.len()))?;
        Ok((index, tensor))
    }

    /// A tensor of exactly `rows × cols`.
    fn tensor_of(&self, index: Option<&u32>, rows: usize, cols: usize) -> Result<usize, String> {
        let (index, t) = self.tensor(index)?;
        if (t.rows, t.cols) != (rows, cols) {
            return Err(format!(
                "tensor {index} is {} × {}, needed is {rows} × {cols}",
                t.rows, t.cols
            ));
        }
        Ok(index)
    }

    fn op(&self, raw: &OpMessage) -> Result<(Op, usize), String> {
        let code = OpCode::try_from(raw.code).map_err(|_| format!("has the unknown code {}", raw.code))?;
        check_counts(code, raw)?;
        let first = raw.inputs.first();
        let unary = |make: fn(usize) -> Op| self.dense(first).map(|x| (make(x), self.widths[x]));
        match code {
            OpCode::Invalid => Err("has code 0".into()),
            OpCode::Gather => {
                let column = raw.params[0] as usize;
                let ids = self.ids(first, column + 1)?;
                let (table, t) = self.tensor(raw.tensors.first())?;
                Ok((Op::Gather { ids, column, table }, t.cols))
            }
            OpCode::GatherMean => {
                let (from, to) = (raw.params[0] as usize, raw.params[1] as usize);
                let ids = self.ids(first, to)?;
                if from >= to {
                    return Err(format!("gathers by columns {from}..{to}"));
                }
                let (table, t) = self.tensor(raw.tensors.first())?;
                Ok((Op::GatherMean { ids, from, to, table }, t.cols))
            }
            OpCode::Concat => {
                let inputs = raw
                    .inputs
                    .iter()
                    .map(|i| self.dense(Some(i)))
                    .collect::<Result<Vec<_>, _>>()?;
                let width = inputs.iter().map(|i| self.widths[*i]).sum();
                Ok((Op::Concat { inputs }, width))
            }
            OpCode::Dense => {
                let input = self.dense(first)?;
                let (weights, w) = self.tensor(raw.tensors.first())?;
                if w.rows != self.widths[input] {
                    return Err(format!(
                        "tensor {weights} has {} rows for {} values",
                        w.rows, self.widths[input]
                    ));
                }
                let bias = match raw.tensors.get(1) {
                    Some(b) => Some(self.tensor_of(Some(b), 1, w.cols)?),
                    None => None,
                };
                Ok((Op::Dense { input, weights, bias }, w.cols))
            }
            OpCode::Relu => unary(Op::Relu),
            OpCode::Sigmoid => unary(Op::Sigmoid),
            OpCode::Tanh => unary(Op::Tanh),
            OpCode::Add | OpCode::Mul => {
                let left = self.dense(first)?;
                let width = self.widths[left];
                let right = self.operand(raw, width)?;
                Ok((
                    if code == OpCode::Add {
                        Op::Add(left, right)
                    } else {
                        Op::Mul(left, right)
                    },
                    width,
                ))
            }
            OpCode::L2Norm => {
                let (input, floor) = (self.dense(first)?, raw.scalars[0]);
                if !(floor.is_finite() && floor > 0.0) {
                    return Err(format!("has the floor {floor}, needed is a positive number"));
                }
                Ok((Op::L2Norm { input, floor }, self.widths[input]))
            }
            OpCode::Clamp => {
                let (input, low, high) = (self.dense(first)?, raw.scalars[0], raw.scalars[1]);
                if !(low.is_finite() && high.is_finite() && low <= high) {
                    return Err(format!("clamps to {low}..={high}"));
                }
                Ok((Op::Clamp { input, low, high }, self.widths[input]))
            }
            OpCode::Slice => {
                let input = self.dense(first)?;
                let (from, to) = (raw.params[0] as usize, raw.params[1] as usize);
                if from >= to || to > self.widths[input] {
                    return Err(format!("cuts {from}..{to} of {}", self.widths[input]));
                }
                Ok((Op::Slice { input, from, to }, to - from))
            }
        }
    }

    fn operand(&self, raw: &OpMessage, width: usize) -> Result<Operand, String> {
        if raw.inputs.len() == 1 {
            return self.tensor_of(raw.tensors.first(), 1, width).map(Operand::Tensor);
        }
        let right = self.dense(raw.inputs.get(1))?;
        if self.widths[right] != width {
            return Err(format!("joins widths {width} and {}", self.widths[right]));
        }
        Ok(Operand::Buffer(right))
    }
}

/// Exact numbers of inputs, tensors, params and scalars: what is not read may not be there.
fn check_counts(code: OpCode, raw: &OpMessage) -> Result<(), String> {
    let (inputs, tensors, params, scalars) = (raw.inputs.len(), raw.tensors.len(), raw.params.len(), raw.scalars.len());
    let fits = match code {
        OpCode::Invalid => false,
        OpCode::Gather => (inputs, tensors, params, scalars) == (1, 1, 1, 0),
        OpCode::GatherMean => (inputs, tensors, params, scalars) == (1, 1, 2, 0),
        OpCode::Concat => inputs >= 1 && (tensors, params, scalars) == (0, 0, 0),
        OpCode::Dense => inputs == 1 && (1..=2).contains(&tensors) && (params, scalars) == (0, 0),
        OpCode::Relu | OpCode::Sigmoid | OpCode::Tanh => (inputs, tensors, params, scalars) == (1, 0, 0, 0),
        OpCode::Add | OpCode::Mul => inputs + tensors == 2 && inputs >= 1 && (params, scalars) == (0, 0),
        OpCode::L2Norm => (inputs, tensors, params, scalars) == (1, 0, 0, 1),
        OpCode::Clamp => (inputs, tensors, params, scalars) == (1, 0, 0, 2),
        OpCode::Slice => (inputs, tensors, params, scalars) == (1, 0, 2, 0),
    };
    if fits {
        return Ok(());
    }
    Err(format!(
        "{code:?} does not take {inputs} inputs, {tensors} tensors, {params} params and {scalars} scalars"
    ))
}
