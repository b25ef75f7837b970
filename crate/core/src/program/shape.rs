//! Whether an op fits the buffers and tensors that are there.

use super::format::{OpCode, OpMessage};
use super::validate::check_counts;
use super::{Input, MAX_BUFFER_VALUES, MAX_WIDTH, Op, Operand, Tensor};
use crate::tree::decimal;

/// What is known of the buffers so far; answers with the reason where an op does not fit.
pub(super) struct Shape<'a> {
    pub inputs: &'a [Input],
    pub tensors: &'a [Tensor],
    pub widths: Vec<usize>,
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

    pub(super) fn op(&self, raw: &OpMessage) -> Result<(Op, usize), String> {
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
            OpCode::Softmax => unary(Op::Softmax),
            OpCode::Centre => unary(Op::Centre),
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
            OpCode::L2Norm | OpCode::RmsNorm => {
                let (input, least) = (self.dense(first)?, raw.scalars[0]);
                if !(least.is_finite() && least > 0.0) {
                    return Err(format!(
                        "has the least divisor {}, needed is a positive number",
                        decimal::text(least)
                    ));
                }
                let op = if code == OpCode::L2Norm {
                    Op::L2Norm { input, floor: least }
                } else {
                    Op::RmsNorm { input, epsilon: least }
                };
                Ok((op, self.widths[input]))
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
