//! Running a program, row by row, in memory that is allocated once.

use super::format::OpCode;
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
            Op::GatherRows { ids, from, to, table } => {
                let t = &self.tensors[*table];
                if let Value::Ids(values) = inputs[*ids] {
                    let start = row * self.inputs[*ids].width;
                    for (out, id) in out.chunks_exact_mut(t.cols).zip(&values[start + from..start + to]) {
                        let id = *id as usize;
                        out.copy_from_slice(&t.values[id * t.cols..(id + 1) * t.cols]);
                    }
                }
            }
            Op::Numbers { ids, from, to } => {
                if let Value::Ids(values) = inputs[*ids] {
                    let start = row * self.inputs[*ids].width;
                    for (out, id) in out.iter_mut().zip(&values[start + from..start + to]) {
                        *out = *id as f32;
                    }
                }
            }
            Op::Constant(tensor) => out.copy_from_slice(&self.tensors[*tensor].values),
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
                let t = &self.tensors[*weights];
                for (x, out) in read(*input).chunks_exact(t.rows).zip(out.chunks_exact_mut(t.cols)) {
                    kernel::dense(x, &t.values, bias, out);
                }
            }
            Op::Map(code, x) => kernel::map(*code, read(*x), out),
            Op::Join(code, x, y) => kernel::join(*code, read(*x), self.operand(*y, written), out),
            Op::Group {
                code,
                input,
                len,
                least,
            } => {
                for (x, out) in read(*input).chunks_exact(*len).zip(out.chunks_exact_mut(*len)) {
                    match code {
                        OpCode::Softmax => kernel::softmax(x, out),
                        OpCode::Centre => kernel::centre(x, out),
                        OpCode::RmsNorm => kernel::rms_normalise(x, *least, out),
                        _ => {
                            out.copy_from_slice(x);
                            kernel::l2_normalise(out, *least);
                        }
                    }
                }
            }
            Op::Clamp { input, low, high } => {
                for (o, v) in out.iter_mut().zip(read(*input)) {
                    // Comparisons, as in Relu: the same bits on every target, NaN stays NaN.
                    *o = if *v < *low {
                        *low
                    } else if *v > *high {
                        *high
                    } else {
                        *v
                    };
                }
            }
            Op::Slice { input, from, to } => out.copy_from_slice(&read(*input)[*from..*to]),
            Op::Select { mask, yes, no } => {
                let chosen = read(*mask).iter().zip(read(*yes).iter().zip(read(*no)));
                for (o, (mask, (yes, no))) in out.iter_mut().zip(chosen) {
                    *o = if *mask != 0.0 { *yes } else { *no };
                }
            }
            Op::Arrange { input, start, axes } => kernel::arrange(&read(*input)[*start..], axes, out),
            Op::Product { left, right, sides } => kernel::product(read(*left), read(*right), *sides, out),
            Op::Reduce {
                code,
                input,
                len,
                inner,
            } => kernel::reduce(*code == OpCode::ReduceMax, read(*input), *len, *inner, out),
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

fn wrong(what: &str, reason: String) -> Error {
    Error::from(ErrorKind::RequestInvalid {
        what: what.to_owned(),
        reason,
    })
}
