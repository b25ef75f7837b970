//! Running a program, some rows at a time, in memory that is allocated once.

use super::format::OpCode;
use super::{MAX_BUFFER_VALUES, Op, Operand, Program, kernel};
use crate::{Error, ErrorKind};

/// Rows that each op works on before the next one does: so many that choosing the op costs nothing beside it, so few that what
/// one op writes is still in the nearest cache when the next one reads it (a ranker's buffers of 32 rows are 26 KB).
const ROWS_AT_ONCE: usize = 32;

/// The values of one input, `rows × width`.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Floats.
    Dense(&'a [f32]),
    /// Ids.
    Ids(&'a [u32]),
}

/// Memory of a run, kept between runs: the buffers one after the other, each of some rows, and the result.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    buffers: Vec<f32>,
    output: Vec<f32>,
}

/// Some of the rows of a run.
struct Batch<'a> {
    inputs: &'a [Value<'a>],
    /// The first of them.
    first: usize,
    /// How many.
    rows: usize,
    /// For how many each buffer has room.
    room: usize,
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
        // Never more memory than the widest program needs for one row.
        let room = (MAX_BUFFER_VALUES / total.max(1)).clamp(1, ROWS_AT_ONCE).min(rows);
        if scratch.buffers.len() < total * room {
            scratch.buffers.resize(total * room, 0.0);
        }
        scratch.output.clear();
        for first in (0..rows).step_by(room.max(1)) {
            let batch = Batch {
                inputs,
                first,
                rows: room.min(rows - first),
                room,
            };
            for (index, (input, value)) in self.inputs.iter().zip(inputs).enumerate() {
                if let Value::Dense(values) = value {
                    let start = self.starts[index] * room;
                    let values = &values[first * input.width..][..batch.rows * input.width];
                    scratch.buffers[start..start + values.len()].copy_from_slice(values);
                }
            }
            for (index, op) in self.ops.iter().enumerate() {
                let buffer = self.inputs.len() + index;
                let (written, rest) = scratch.buffers.split_at_mut(self.starts[buffer] * room);
                self.step(op, &batch, written, &mut rest[..self.widths[buffer] * batch.rows]);
            }
            scratch
                .output
                .extend_from_slice(self.buffer(self.output, &batch, &scratch.buffers));
        }
        Ok(&scratch.output)
    }

    /// One buffer of a batch's values, row by row.
    fn buffer<'a>(&self, index: usize, batch: &Batch<'_>, values: &'a [f32]) -> &'a [f32] {
        &values[self.starts[index] * batch.room..][..self.widths[index] * batch.rows]
    }

    /// The ids of an input, those of each row of the batch; none of an input of floats, which validation keeps from here.
    fn ids<'a>(&self, input: usize, batch: &Batch<'a>) -> core::slice::ChunksExact<'a, u32> {
        let width = self.inputs[input].width;
        let values = match batch.inputs[input] {
            Value::Ids(values) => &values[batch.first * width..][..batch.rows * width],
            Value::Dense(_) => &[],
        };
        values.chunks_exact(width)
    }

    /// One op of a batch. `written` holds the buffers before it; validation saw to all indices. What an op makes of a row
    /// depends on no other one.
    fn step(&self, op: &Op, batch: &Batch<'_>, written: &[f32], out: &mut [f32]) {
        let read = |index: usize| self.buffer(index, batch, written);
        // The rows of a buffer.
        let each = |index: usize| read(index).chunks_exact(self.widths[index]);
        let width = out.len() / batch.rows.max(1);
        let outs = out.chunks_exact_mut(width.max(1));
        match op {
            Op::Gather { ids, column, table } => {
                let t = &self.tensors[*table];
                for (ids, out) in self.ids(*ids, batch).zip(outs) {
                    let id = ids[*column] as usize;
                    out.copy_from_slice(&t.values[id * t.cols..(id + 1) * t.cols]);
                }
            }
            Op::GatherMean { ids, from, to, table } => {
                let t = &self.tensors[*table];
                for (ids, out) in self.ids(*ids, batch).zip(outs) {
                    kernel::gather_mean(&ids[*from..*to], &t.values, out);
                }
            }
            Op::GatherRows { ids, from, to, table } => {
                let t = &self.tensors[*table];
                let all = self.ids(*ids, batch).flat_map(|ids| &ids[*from..*to]);
                for (id, out) in all.zip(out.chunks_exact_mut(t.cols)) {
                    let id = *id as usize;
                    out.copy_from_slice(&t.values[id * t.cols..(id + 1) * t.cols]);
                }
            }
            Op::Numbers { ids, from, to } => {
                let all = self.ids(*ids, batch).flat_map(|ids| &ids[*from..*to]);
                for (out, id) in out.iter_mut().zip(all) {
                    *out = *id as f32;
                }
            }
            Op::Constant(tensor) => outs.for_each(|out| out.copy_from_slice(&self.tensors[*tensor].values)),
            Op::Concat { inputs } => {
                let mut from = 0;
                for input in inputs {
                    let to = from + self.widths[*input];
                    for (out, x) in out.chunks_exact_mut(width).zip(each(*input)) {
                        out[from..to].copy_from_slice(x);
                    }
                    from = to;
                }
            }
            Op::Dense { input, weights, bias } => {
                let bias = bias.map(|b| self.tensors[b].values.as_slice());
                let t = &self.tensors[*weights];
                kernel::dense_rows(read(*input), t.rows, &t.values, bias, out);
            }
            Op::Map(code, x) => kernel::map(*code, read(*x), out),
            Op::Join(code, x, Operand::Tensor(y)) => kernel::join(*code, read(*x), &self.tensors[*y].values, out),
            Op::Join(code, x, Operand::Buffer(y)) => {
                for ((x, y), out) in each(*x).zip(each(*y)).zip(outs) {
                    kernel::join(*code, x, y, out);
                }
            }
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
            Op::Clamp { input, low, high } => kernel::clamp(read(*input), *low, *high, out),
            Op::Slice { input, from, to } => {
                for (x, out) in each(*input).zip(outs) {
                    out.copy_from_slice(&x[*from..*to]);
                }
            }
            Op::Select { mask, yes, no } => {
                let chosen = read(*mask).iter().zip(read(*yes).iter().zip(read(*no)));
                for (o, (mask, (yes, no))) in out.iter_mut().zip(chosen) {
                    *o = if *mask != 0.0 { *yes } else { *no };
                }
            }
            Op::Arrange { input, start, axes } => {
                for (x, out) in each(*input).zip(outs) {
                    kernel::arrange(&x[*start..], axes, out);
                }
            }
            Op::Product { left, right, sides } => kernel::product(read(*left), read(*right), *sides, out),
            Op::Reduce {
                code,
                input,
                len,
                inner,
            } => kernel::reduce(*code == OpCode::ReduceMax, read(*input), *len, *inner, out),
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
