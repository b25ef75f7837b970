//! Collects inputs, ops and weights of a program.

use upnext_core::program::format::{InputMessage, OpCode, OpMessage, PROGRAM_VERSION, ProgramMessage, TensorMessage};

use crate::value::Groups;

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

/// Ops by what they do.
impl Emitter {
    /// Buffers one after the other.
    pub fn joined(&mut self, buffers: &[u32]) -> u32 {
        match buffers {
            [only] => *only,
            _ => {
                let width = buffers.iter().map(|b| self.width(*b)).sum();
                self.op(OpCode::Concat, buffers, Operands::default(), width)
            }
        }
    }

    /// A function of each value.
    pub fn map(&mut self, code: OpCode, buffer: u32) -> u32 {
        let width = self.width(buffer);
        self.op(code, &[buffer], Operands::default(), width)
    }

    /// A function of each value and its partner.
    pub fn pair(&mut self, code: OpCode, left: u32, right: u32) -> u32 {
        let width = self.width(left);
        self.op(code, &[left, right], Operands::default(), width)
    }

    /// A function of each value and one number.
    pub fn with_number(&mut self, code: OpCode, buffer: u32, number: f32) -> u32 {
        let (width, tensor) = (self.width(buffer), self.tensor(1, 1, [number]));
        self.op(code, &[buffer], Operands::tensors(&[tensor]), width)
    }

    /// 1 where the value is 0, and 0 where it is 1.
    pub fn not(&mut self, buffer: u32) -> u32 {
        self.with_number(OpCode::Equal, buffer, 0.0)
    }

    /// A constant in a buffer of its own.
    pub fn constant(&mut self, values: Vec<f32>) -> u32 {
        let width = values.len();
        let tensor = self.tensor(1, width, values);
        self.op(OpCode::Constant, &[], Operands::tensors(&[tensor]), width)
    }

    /// Values in another order; nothing where the order is that of the buffer. Axes of one value are left out, and
    /// axes that follow one another are one.
    pub fn arrange(&mut self, buffer: u32, start: usize, axes: &[(usize, usize)]) -> u32 {
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for (length, stride) in axes.iter().filter(|(length, _)| *length != 1) {
            match merged.last_mut() {
                Some((whole, step)) if *step == length * stride => (*whole, *step) = (*whole * length, *stride),
                _ => merged.push((*length, *stride)),
            }
        }
        let width = axes.iter().map(|(length, _)| length).product();
        if merged.is_empty() {
            merged.push((1, 1));
        }
        if width == self.width(buffer) && merged.len() == 1 && merged[0].1 == 1 {
            return buffer;
        }
        let axes = merged
            .iter()
            .flat_map(|(length, stride)| [*length as u32, *stride as u32]);
        let operands = Operands {
            params: [start as u32].into_iter().chain(axes).collect(),
            ..Operands::default()
        };
        self.op(OpCode::Arrange, &[buffer], operands, width)
    }

    /// Sums or largest values along an axis of `len` values that lie `inner` apart.
    pub fn reduce(&mut self, code: OpCode, buffer: u32, len: usize, inner: usize) -> u32 {
        let operands = Operands {
            params: vec![len as u32, inner as u32],
            ..Operands::default()
        };
        let width = self.width(buffer) / len.max(1);
        self.op(code, &[buffer], operands, width)
    }

    /// An op on each of some groups.
    pub fn grouped(&mut self, code: OpCode, Groups { of, len }: Groups, scalars: Vec<f32>) -> u32 {
        let width = self.width(of);
        let operands = Operands {
            params: if len == width { vec![] } else { vec![len as u32] },
            scalars,
            ..Operands::default()
        };
        self.op(code, &[of], operands, width)
    }

    /// Values held within two bounds.
    pub fn clamp(&mut self, buffer: u32, scalars: Vec<f32>) -> u32 {
        let width = self.width(buffer);
        let operands = Operands {
            scalars,
            ..Operands::default()
        };
        self.op(OpCode::Clamp, &[buffer], operands, width)
    }
}
