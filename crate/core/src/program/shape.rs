//! Whether an op fits the buffers and tensors that are there.

use super::format::{OpCode, OpMessage};
use super::validate::{check_counts, is_join};
use super::{Input, MAX_BUFFER_VALUES, MAX_WIDTH, MAX_WORK, Op, Operand, Tensor};
use crate::tree::decimal;

/// What is known of the buffers so far; answers with the reason where an op does not fit.
pub(super) struct Shape<'a> {
    pub inputs: &'a [Input],
    pub tensors: &'a [Tensor],
    pub widths: Vec<usize>,
    /// Multiplications and additions of the ops so far.
    pub work: usize,
}

impl Shape<'_> {
    pub(super) fn push(&mut self, width: usize) -> Result<(), String> {
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
    pub(super) fn dense(&self, index: Option<&u32>) -> Result<usize, String> {
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

    /// The range of columns that an op takes of an ids input.
    fn columns(&self, raw: &OpMessage) -> Result<(usize, usize, usize), String> {
        let (from, to) = (raw.params[0] as usize, raw.params[1] as usize);
        let ids = self.ids(raw.inputs.first(), to)?;
        if from >= to {
            return Err(format!("gathers by columns {from}..{to}"));
        }
        Ok((ids, from, to))
    }

    /// Counts what an op costs beyond writing its buffer; the factors are at most 2³² each.
    fn spend(&mut self, work: [usize; 3]) -> Result<(), String> {
        let work = work
            .iter()
            .try_fold(1_usize, |product, factor| product.checked_mul(*factor));
        self.work = work.and_then(|work| self.work.checked_add(work)).unwrap_or(usize::MAX);
        if self.work > MAX_WORK {
            return Err(format!("the program multiplies and adds more than {MAX_WORK} times"));
        }
        Ok(())
    }

    pub(super) fn op(&mut self, raw: &OpMessage) -> Result<(Op, usize), String> {
        let code = OpCode::try_from(raw.code).map_err(|_| format!("has the unknown code {}", raw.code))?;
        check_counts(code, raw)?;
        let first = raw.inputs.first();
        match code {
            OpCode::Invalid => Err("has code 0".into()),
            OpCode::Gather => {
                let column = raw.params[0] as usize;
                let ids = self.ids(first, column.saturating_add(1))?;
                let (table, t) = self.tensor(raw.tensors.first())?;
                Ok((Op::Gather { ids, column, table }, t.cols))
            }
            OpCode::GatherMean | OpCode::GatherRows => {
                let (ids, from, to) = self.columns(raw)?;
                let (table, t) = self.tensor(raw.tensors.first())?;
                let cols = t.cols;
                self.spend([to - from, cols, 1])?;
                Ok(match code {
                    OpCode::GatherMean => (Op::GatherMean { ids, from, to, table }, cols),
                    _ => (Op::GatherRows { ids, from, to, table }, cols.saturating_mul(to - from)),
                })
            }
            OpCode::Numbers => {
                let (ids, from, to) = self.columns(raw)?;
                Ok((Op::Numbers { ids, from, to }, to - from))
            }
            OpCode::Constant => {
                let (tensor, t) = self.tensor(raw.tensors.first())?;
                if t.rows != 1 {
                    return Err(format!("tensor {tensor} has {} rows, needed is one", t.rows));
                }
                Ok((Op::Constant(tensor), t.cols))
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
                let (rows, cols, width) = (w.rows, w.cols, self.widths[input]);
                if !width.is_multiple_of(rows) {
                    return Err(format!("tensor {weights} has {rows} rows for {width} values"));
                }
                let bias = match raw.tensors.get(1) {
                    Some(b) => Some(self.tensor_of(Some(b), 1, cols)?),
                    None => None,
                };
                self.spend([width, cols, 1])?;
                Ok((Op::Dense { input, weights, bias }, cols.saturating_mul(width / rows)))
            }
            OpCode::Softmax | OpCode::Centre | OpCode::L2Norm | OpCode::RmsNorm => {
                let input = self.dense(first)?;
                let width = self.widths[input];
                let len = raw.params.first().map_or(width, |len| *len as usize);
                if len == 0 || !width.is_multiple_of(len) {
                    return Err(format!("takes {width} values in groups of {len}"));
                }
                let least = raw.scalars.first().copied().unwrap_or(1.0);
                if !(least.is_finite() && least > 0.0) {
                    return Err(format!(
                        "has the least divisor {}, needed is a positive number",
                        decimal::text(least)
                    ));
                }
                let group = Op::Group {
                    code,
                    input,
                    len,
                    least,
                };
                Ok((group, width))
            }
            OpCode::Clamp => {
                let (input, low, high) = (self.dense(first)?, raw.scalars[0], raw.scalars[1]);
                if !(low.is_finite() && high.is_finite() && low <= high) {
                    return Err(format!("clamps to {}..={}", decimal::text(low), decimal::text(high)));
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
            OpCode::Select => {
                let [mask, yes, no] = [0, 1, 2].map(|at| self.dense(raw.inputs.get(at)));
                let (mask, yes, no) = (mask?, yes?, no?);
                for other in [yes, no] {
                    self.same_width(self.widths[mask], self.widths[other])?;
                }
                Ok((Op::Select { mask, yes, no }, self.widths[mask]))
            }
            OpCode::Arrange => self.arrange(raw),
            OpCode::Product => {
                let (left, right) = (self.dense(first)?, self.dense(raw.inputs.get(1))?);
                let sides = [raw.params[0] as usize, raw.params[1] as usize, raw.params[2] as usize];
                let [m, k, n] = sides;
                let (a, b) = (m.saturating_mul(k), k.saturating_mul(n));
                let (wide, other) = (self.widths[left], self.widths[right]);
                // Sides of 0 make products of 0, of which no width is a multiple.
                let count = wide.checked_div(a).unwrap_or(0);
                if count == 0 || wide != count * a || count.checked_mul(b) != Some(other) || n == 0 {
                    return Err(format!(
                        "multiplies {m} × {k} by {k} × {n} in {wide} and {other} values"
                    ));
                }
                self.spend([wide, n, 1])?;
                Ok((Op::Product { left, right, sides }, (wide / k).saturating_mul(n)))
            }
            OpCode::ReduceSum | OpCode::ReduceMax => {
                let input = self.dense(first)?;
                let (len, inner) = (raw.params[0] as usize, raw.params[1] as usize);
                let (block, width) = (len.saturating_mul(inner), self.widths[input]);
                if block == 0 || !width.is_multiple_of(block) {
                    return Err(format!("reduces {len} values {inner} apart of {width}"));
                }
                let reduce = Op::Reduce {
                    code,
                    input,
                    len,
                    inner,
                };
                Ok((reduce, width / len))
            }
            _ if is_join(code) => {
                let left = self.dense(first)?;
                let width = self.widths[left];
                Ok((Op::Join(code, left, self.operand(raw, width)?), width))
            }
            _ => self.dense(first).map(|x| (Op::Map(code, x), self.widths[x])),
        }
    }

    fn arrange(&self, raw: &OpMessage) -> Result<(Op, usize), String> {
        let input = self.dense(raw.inputs.first())?;
        let start = raw.params[0] as usize;
        let (pairs, _) = raw.params[1..].as_chunks::<2>();
        let axes: Vec<_> = pairs
            .iter()
            .map(|[len, stride]| (*len as usize, *stride as usize))
            .collect();
        let mut width = 1_usize;
        let mut last = start;
        for (len, stride) in &axes {
            width = width.saturating_mul(*len);
            last = last.saturating_add(stride.saturating_mul(len.saturating_sub(1)));
        }
        if last >= self.widths[input] {
            return Err(format!("reads value {last} of {}", self.widths[input]));
        }
        Ok((Op::Arrange { input, start, axes }, width))
    }

    /// A second operand: as wide as the first, or as wide as a part of it that is repeated.
    fn operand(&self, raw: &OpMessage, width: usize) -> Result<Operand, String> {
        if raw.inputs.len() == 1 {
            let (index, t) = self.tensor(raw.tensors.first())?;
            if t.rows != 1 || !width.is_multiple_of(t.cols) {
                return Err(format!(
                    "tensor {index} is {} × {}, needed is 1 × {width} or a part of it",
                    t.rows, t.cols
                ));
            }
            return Ok(Operand::Tensor(index));
        }
        let right = self.dense(raw.inputs.get(1))?;
        if !width.is_multiple_of(self.widths[right]) {
            self.same_width(width, self.widths[right])?;
        }
        Ok(Operand::Buffer(right))
    }

    fn same_width(&self, width: usize, other: usize) -> Result<(), String> {
        match width == other {
            true => Ok(()),
            false => Err(format!("joins widths {width} and {other}")),
        }
    }
}
