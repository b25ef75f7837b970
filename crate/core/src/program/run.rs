//! Running a program, row by row, in memory that is allocated once.

use super::{Op, Operand, Program, kernel};
use crate::{Error, ErrorKind};

/// The values of one input, `rows × width`.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Floats.
    Dense(&'a [f32]),
    /// Ids.
    Ids(&'a [u32]),
}

/// Memory of a run, kept between runs: the buffers one after the other, and the result.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    buffers: Vec<f32>,
    output: Vec<f32>,
}

impl Program {
    /// Runs `rows` rows; the result is `rows × output_width()`, row-major.
    ///
    /// The result may be infinite or NaN where the weights overflow: who cannot use that checks it.
    ///
    /// # Errors
    /// [`ErrorKind::RequestInvalid`] where number, kind or length of the inputs differ from
    /// [`Program::inputs`], [`ErrorKind::IdOutOfRange`] for an id outside its table,
    /// [`ErrorKind::NotFinite`] for NaN or infinity in an input.
    pub fn run<'s>(&self, inputs: &[Value<'_>], rows: usize, scratch: &'s mut Scratch) -> Result<&'s [f32], Error> {
        self.check(inputs, rows)?;
        // Programs that share a scratch leave each other's values there: every op writes before one reads.
        let total = self
            .starts
            .last()
            .zip(self.widths.last())
            .map_or(0, |(start, width)| start + width);
        if scratch.buffers.len() < total {
            scratch.buffers.resize(total, 0.0);
        }
        scratch.output.clear();
        for row in 0..rows {
            for ((input, value), start) in self.inputs.iter().zip(inputs).zip(&self.starts) {
                if let Value::Dense(values) = value {
                    let values = &values[row * input.width..(row + 1) * input.width];
                    scratch.buffers[*start..start + input.width].copy_from_slice(values);
                }
            }
            for (index, op) in self.ops.iter().enumerate() {
                let buffer = self.inputs.len() + index;
                let (written, rest) = scratch.buffers.split_at_mut(self.starts[buffer]);
                self.step(op, inputs, row, written, &mut rest[..self.widths[buffer]]);
            }
            scratch
                .output
                .extend_from_slice(self.buffer(self.output, &scratch.buffers));
        }
        Ok(&scratch.output)
    }

    /// One buffer of a row's values.
    fn buffer<'a>(&self, index: usize, values: &'a [f32]) -> &'a [f32] {
        let start = self.starts[index];
        &values[start..start + self.widths[index]]
    }

    /// One op of one row. `written` holds the buffers before it; validation saw to all indices.
    fn step(&self, op: &Op, inputs: &[Value<'_>], row: usize, written: &[f32], out: &mut [f32]) {
        let read = |index: usize| self.buffer(index, written);
        match op {
            Op::Gather { ids, column, table } => {
                let t = &self.tensors[*table];
                if let Value::Ids(values) = inputs[*ids] {
                    let id = values[row * self.inputs[*ids].width + column] as usize;
                    out.copy_from_slice(&t.values[id * t.cols..(id + 1) * t.cols]);
                }
            }
            Op::GatherMean { ids, from, to, table } => {
                let t = &self.tensors[*table];
                if let Value::Ids(values) = inputs[*ids] {
                    let start = row * self.inputs[*ids].width;
                    kernel::gather_mean(&values[start + from..start + to], &t.values, out);
                }
            }
            Op::Concat { inputs } => {
                let mut rest = out;
                for input in inputs {
                    let (head, tail) = rest.split_at_mut(self.widths[*input]);
                    head.copy_from_slice(read(*input));
                    rest = tail;
                }
            }
            Op::Dense { input, weights, bias } => {
                let bias = bias.map(|b| self.tensors[b].values.as_slice());
                kernel::dense(read(*input), &self.tensors[*weights].values, bias, out);
            }
            Op::Relu(x) => kernel::relu(read(*x), out),
            Op::Sigmoid(x) => map(read(*x), out, kernel::sigmoid),
            Op::Tanh(x) => map(read(*x), out, libm::tanhf),
            Op::Add(x, y) => join(read(*x), self.operand(*y, written), out, |a, b| a + b),
            Op::Mul(x, y) => join(read(*x), self.operand(*y, written), out, |a, b| a * b),
            Op::L2Norm { input, floor } => {
                out.copy_from_slice(read(*input));
                kernel::l2_normalise(out, *floor);
            }
            Op::Clamp { input, low, high } => map(read(*input), out, |v| {
                // Comparisons, as in Relu: the same bits on every target, NaN stays NaN.
                if v < *low {
                    *low
                } else if v > *high {
                    *high
                } else {
                    v
                }
            }),
            Op::Softmax(x) => kernel::softmax(read(*x), out),
            Op::Centre(x) => kernel::centre(read(*x), out),
            Op::RmsNorm { input, epsilon } => kernel::rms_normalise(read(*input), *epsilon, out),
            Op::Slice { input, from, to } => out.copy_from_slice(&read(*input)[*from..*to]),
        }
    }

    fn operand<'a>(&'a self, operand: Operand, written: &'a [f32]) -> &'a [f32] {
        match operand {
            Operand::Buffer(index) => self.buffer(index, written),
            Operand::Tensor(index) => &self.tensors[index].values,
        }
    }

    fn check(&self, inputs: &[Value<'_>], rows: usize) -> Result<(), Error> {
        if inputs.len() != self.inputs.len() {
            return Err(wrong(
                "inputs",
                format!("{} are given, {} needed", inputs.len(), self.inputs.len()),
            ));
        }
        for (index, (input, value)) in self.inputs.iter().zip(inputs).enumerate() {
            let (given, ids) = match value {
                Value::Dense(values) => (values.len(), false),
                Value::Ids(values) => (values.len(), true),
            };
            if ids != input.ids {
                let (is, needs) = if ids { ("ids", "floats") } else { ("floats", "ids") };
                return Err(wrong(&input.name, format!("{is} are given, {needs} needed")));
            }
            if Some(given) != rows.checked_mul(input.width) {
                return Err(wrong(
                    &input.name,
                    format!("{given} values are given, needed are {rows} × {}", input.width),
                ));
            }
            match value {
                Value::Dense(values) => {
                    if !kernel::all_finite(values) {
                        return Err(Error::from(ErrorKind::NotFinite {
                            what: "program input",
                            index: values.iter().position(|v| !v.is_finite()).unwrap_or(0),
                        }));
                    }
                }
                Value::Ids(values) => check_ids(&input.name, values, self.id_limits(index))?,
            }
        }
        Ok(())
    }
}

fn check_ids(name: &str, values: &[u32], limits: &[Option<usize>]) -> Result<(), Error> {
    for row in values.chunks_exact(limits.len()) {
        for (column, (id, limit)) in row.iter().zip(limits).enumerate() {
            if let Some(limit) = limit
                && *id as usize >= *limit
            {
                return Err(Error::from(ErrorKind::IdOutOfRange {
                    what: format!("{name}[{column}]"),
                    found: i64::from(*id),
                    limit: *limit as i64,
                }));
            }
        }
    }
    Ok(())
}

fn map(x: &[f32], out: &mut [f32], f: impl Fn(f32) -> f32) {
    for (o, v) in out.iter_mut().zip(x) {
        *o = f(*v);
    }
}

fn join(x: &[f32], y: &[f32], out: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    for ((o, a), b) in out.iter_mut().zip(x).zip(y) {
        *o = f(*a, *b);
    }
}

fn wrong(what: &str, reason: String) -> Error {
    Error::from(ErrorKind::RequestInvalid {
        what: what.to_owned(),
        reason,
    })
}
