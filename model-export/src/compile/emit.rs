//! Collects inputs, ops and weights of a program.

use upnext_core::program::format::{InputMessage, OpCode, OpMessage, PROGRAM_VERSION, ProgramMessage, TensorMessage};

use super::lower::Refusal;
use super::value::Value;

/// A program that grows; knows the width of every buffer.
#[derive(Debug, Default)]
pub struct Emitter {
    program: ProgramMessage,
    widths: Vec<usize>,
}

/// What an op reads beside buffers.
#[derive(Debug, Default)]
pub struct Operands {
    /// Weights.
    pub tensors: Vec<u32>,
    /// Integer parameters.
    pub params: Vec<u32>,
    /// Float parameters.
    pub scalars: Vec<f32>,
}

impl Operands {
    /// Weights only.
    pub fn tensors(tensors: &[u32]) -> Self {
        Operands {
            tensors: tensors.to_vec(),
            ..Operands::default()
        }
    }
}

impl Emitter {
    /// Adds an input; all inputs come before the first op.
    pub fn input(&mut self, name: &str, width: usize, ids: bool) -> u32 {
        self.program.inputs.push(InputMessage {
            name: name.to_owned(),
            width: width as u32,
            ids,
        });
        self.buffer(width)
    }

    /// Adds an op that writes `width` values, once for equal ones; returns its buffer.
    pub fn op(&mut self, code: OpCode, inputs: &[u32], operands: Operands, width: usize) -> u32 {
        let op = OpMessage {
            code: code as i32,
            inputs: inputs.to_vec(),
            tensors: operands.tensors,
            params: operands.params,
            scalars: operands.scalars,
        };
        if let Some(known) = self.program.ops.iter().position(|o| *o == op) {
            return (self.program.inputs.len() + known) as u32;
        }
        self.program.ops.push(op);
        self.buffer(width)
    }

    fn buffer(&mut self, width: usize) -> u32 {
        self.widths.push(width);
        (self.widths.len() - 1) as u32
    }

    /// Values per row of a buffer.
    pub fn width(&self, buffer: u32) -> usize {
        self.widths.get(buffer as usize).copied().unwrap_or(0)
    }

    /// Columns of a tensor.
    pub fn cols(&self, tensor: u32) -> usize {
        self.program.tensors.get(tensor as usize).map_or(0, |t| t.cols as usize)
    }

    /// Adds weights, once for equal ones.
    pub fn tensor(&mut self, rows: usize, cols: usize, values: impl IntoIterator<Item = f32>) -> u32 {
        let tensor = TensorMessage {
            rows: rows as u32,
            cols: cols as u32,
            dtype: 0,
            scales: Vec::new(),
            data: values.into_iter().flat_map(f32::to_le_bytes).collect(),
        };
        if let Some(known) = self.program.tensors.iter().position(|t| *t == tensor) {
            return known as u32;
        }
        self.program.tensors.push(tensor);
        (self.program.tensors.len() - 1) as u32
    }

    /// The program with `output` as its result.
    pub fn finish(mut self, output: u32) -> ProgramMessage {
        self.program.version = PROGRAM_VERSION;
        self.program.output = output;
        self.program
    }
}

/// Giving a value a buffer of its own.
impl Emitter {
    /// The buffer of a value; writes the ops that complete it where they are still held back.
    pub fn buffer_of(&mut self, value: &Value) -> Result<u32, Refusal> {
        match value {
            Value::Rows(buffer) => Ok(*buffer),
            Value::Lookup { table, ids } => {
                let width = self.cols(*table);
                let mut buffers = Vec::with_capacity(ids.columns.len());
                for column in &ids.columns {
                    let operands = Operands {
                        params: vec![*column],
                        ..Operands::tensors(&[*table])
                    };
                    buffers.push(self.op(OpCode::Gather, &[ids.buffer], operands, width));
                }
                match buffers.as_slice() {
                    [only] => Ok(*only),
                    _ => Ok(self.op(OpCode::Concat, &buffers, Operands::default(), width * buffers.len())),
                }
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
            Value::Ids(_) => Err(Refusal::because("ids are used as numbers")),
            _ => Err(Refusal::because(
                "half of a norm, or of a mean without padding, is used on its own",
            )),
        }
    }
}
