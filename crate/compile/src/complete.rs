//! Values that are held back until their pattern is complete, completed.

use upnext_core::program::format::OpCode;

use crate::emit::{Emitter, Operands};
use crate::lower::Refusal;
use crate::value::{Groups, Ids, Norm, Value};

/// Giving a value a buffer of its own.
impl Emitter {
    /// The buffer of a value; writes the ops that complete it where they are still held back.
    pub fn buffer_of(&mut self, value: &Value) -> Result<u32, Refusal> {
        match value {
            Value::Rows(buffer) => Ok(*buffer),
            Value::Lookup { table, ids } => {
                let width = self.cols(*table);
                let runs = ids.runs();
                if let ([(from, to)], true) = (runs.as_slice(), ids.columns.len() > 1) {
                    let operands = Operands {
                        params: vec![*from, *to],
                        ..Operands::tensors(&[*table])
                    };
                    return Ok(self.op(OpCode::GatherRows, &[ids.buffer], operands, width * ids.columns.len()));
                }
                let mut buffers = Vec::with_capacity(ids.columns.len());
                for column in &ids.columns {
                    let operands = Operands {
                        params: vec![*column],
                        ..Operands::tensors(&[*table])
                    };
                    buffers.push(self.op(OpCode::Gather, &[ids.buffer], operands, width));
                }
                Ok(self.joined(&buffers))
            }
            Value::Product(product) => {
                let buffers: Vec<u32> = product.parts.iter().map(|(buffer, _)| *buffer).collect();
                let width_in = buffers.iter().map(|b| self.width(*b)).sum();
                let x = match buffers.as_slice() {
                    [only] => *only,
                    _ => self.op(OpCode::Concat, &buffers, Operands::default(), width_in),
                };
                let stacked = product.parts.iter().flat_map(|(_, weights)| weights.iter().copied());
                let weights = self.tensor(width_in, product.width, stacked);
                Ok(self.op(OpCode::Dense, &[x], Operands::tensors(&[weights]), product.width))
            }
            Value::Square(of) => {
                let width = self.width(*of);
                Ok(self.op(OpCode::Mul, &[*of, *of], Operands::default(), width))
            }
            Value::Const(_) => Err(Refusal::because("a constant stands where values of a row are needed")),
            Value::Ids(ids) => Ok(self.numbers(ids)),
            Value::Present(ids) => {
                let absent = self.buffer_of(&Value::Absent(ids.clone()))?;
                Ok(self.not(absent))
            }
            Value::Absent(ids) => {
                let numbers = self.numbers(ids);
                Ok(self.with_number(OpCode::Equal, numbers, 0.0))
            }
            Value::PresentRows { table, ids } => {
                let rows = self.buffer_of(&Value::Lookup {
                    table: *table,
                    ids: ids.clone(),
                })?;
                let mask = self.buffer_of(&Value::Present(ids.clone()))?;
                let mask = self.arrange(mask, 0, &[(ids.columns.len(), 1), (self.cols(*table), 0)]);
                Ok(self.pair(OpCode::Mul, rows, mask))
            }
            Value::PresentSum { table, ids } => {
                let rows = self.buffer_of(&Value::PresentRows {
                    table: *table,
                    ids: ids.clone(),
                })?;
                Ok(self.reduce(OpCode::ReduceSum, rows, ids.columns.len(), self.cols(*table)))
            }
            Value::Count(ids) => {
                let mask = self.buffer_of(&Value::Present(ids.clone()))?;
                Ok(self.reduce(OpCode::ReduceSum, mask, ids.columns.len(), 1))
            }
            Value::CountOrOne(ids) => {
                let count = self.buffer_of(&Value::Count(ids.clone()))?;
                Ok(self.with_number(OpCode::Max, count, 1.0))
            }
            Value::InverseCount(ids) => {
                let count = self.buffer_of(&Value::CountOrOne(ids.clone()))?;
                Ok(self.map(OpCode::Recip, count))
            }
            Value::Sum(Groups { of, len }) => Ok(self.reduce(OpCode::ReduceSum, *of, *len, 1)),
            Value::Mean(groups) => {
                let sum = self.buffer_of(&Value::Sum(*groups))?;
                Ok(self.with_number(OpCode::Mul, sum, 1.0 / groups.len as f32))
            }
            Value::SumSquares { groups, floor } => {
                let square = self.buffer_of(&Value::Square(groups.of))?;
                let sum = self.reduce(OpCode::ReduceSum, square, groups.len, 1);
                Ok(match *floor {
                    0.0 => sum,
                    floor => self.with_number(OpCode::Max, sum, floor * floor),
                })
            }
            Value::MeanSquares { groups, epsilon } => {
                let squares = Value::SumSquares {
                    groups: *groups,
                    floor: 0.0,
                };
                let sum = self.buffer_of(&squares)?;
                let mean = self.with_number(OpCode::Mul, sum, 1.0 / groups.len as f32);
                Ok(self.with_number(OpCode::Add, mean, *epsilon))
            }
            Value::Norm(Norm { code, groups, least }) => {
                let is_length = *code == OpCode::L2Norm;
                let squares = match is_length {
                    true => Value::SumSquares {
                        groups: *groups,
                        floor: *least,
                    },
                    false => Value::MeanSquares {
                        groups: *groups,
                        epsilon: *least,
                    },
                };
                let squares = self.buffer_of(&squares)?;
                Ok(self.map(OpCode::Sqrt, squares))
            }
            Value::InverseNorm(norm) => {
                let norm = self.buffer_of(&Value::Norm(*norm))?;
                Ok(self.map(OpCode::Recip, norm))
            }
        }
    }

    /// Ids as numbers.
    fn numbers(&mut self, ids: &Ids) -> u32 {
        let mut buffers = Vec::new();
        for (from, to) in ids.runs() {
            let operands = Operands {
                params: vec![from, to],
                ..Operands::default()
            };
            buffers.push(self.op(OpCode::Numbers, &[ids.buffer], operands, (to - from) as usize));
        }
        self.joined(&buffers)
    }
}
