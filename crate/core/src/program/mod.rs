//! Compact programs: the default engine of the device.
//!
//! A program is a list of dense ops over numbered buffers; what it makes of a row depends on no other. Bytes are untrusted:
//! [`Program::decode`] checks every bound once, so that [`Program::run`] has only ids and
//! finiteness of its inputs left to check.

pub mod format;
pub mod kernel;
mod run;
mod shape;
mod validate;
pub mod weights;
mod wire;

#[cfg(test)]
mod tests;

pub use run::{Scratch, Value};

use crate::{Error, ErrorKind};
use format::OpCode;

/// Largest program in bytes.
pub const MAX_PROGRAM_BYTES: usize = 16 << 20;
/// Most ops; also the most tensors and inputs.
pub const MAX_OPS: usize = 256;
/// Widest buffer.
pub const MAX_WIDTH: usize = 65_536;
/// Most values in all buffers together: 4 MiB of scratch.
pub const MAX_BUFFER_VALUES: usize = 1 << 20;

/// Most multiplications and additions of one row: what a hostile program may cost.
pub const MAX_WORK: usize = 1 << 28;

/// One input of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Name, as in the ONNX graph.
    pub name: String,
    /// Values per row.
    pub width: usize,
    /// True: integer ids; false: f32.
    pub ids: bool,
}

impl core::fmt::Display for Input {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let kind = if self.ids { "ids" } else { "f32" };
        write!(f, "{} {} × {kind}", self.name, self.width)
    }
}

/// Weights, row-major. They are widened to f32 when they are read: a narrow type saves transfer, not memory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    pub rows: usize,
    pub cols: usize,
    pub values: Vec<f32>,
    /// How they travel.
    pub stored: weights::Stored,
}

/// A validated op: every index is inside its list, every width fits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    Gather {
        ids: usize,
        column: usize,
        table: usize,
    },
    GatherMean {
        ids: usize,
        from: usize,
        to: usize,
        table: usize,
    },
    GatherRows {
        ids: usize,
        from: usize,
        to: usize,
        table: usize,
    },
    Numbers {
        ids: usize,
        from: usize,
        to: usize,
    },
    Constant(usize),
    Concat {
        inputs: Vec<usize>,
    },
    /// As often as the rows of the weights fit into the input.
    Dense {
        input: usize,
        weights: usize,
        bias: Option<usize>,
    },
    /// A function of one value: `Relu`, `Sigmoid`, `Tanh`, `Exp`, `Ln`, `Sqrt`, `Recip`, `Abs`, `Erf`, `Floor`.
    Map(OpCode, usize),
    /// A function of two values: `Add`, `Mul`, `Sub`, `Div`, `Max`, `Min`, `Less`, `Equal`, `Pow`.
    Join(OpCode, usize, Operand),
    /// `Softmax`, `Centre`, `RmsNorm` or `L2Norm` of each group of `len` values; `least` is the smallest divisor.
    Group {
        code: OpCode,
        input: usize,
        len: usize,
        least: f32,
    },
    Slice {
        input: usize,
        from: usize,
        to: usize,
    },
    Clamp {
        input: usize,
        low: f32,
        high: f32,
    },
    Select {
        mask: usize,
        yes: usize,
        no: usize,
    },
    /// Values from `start` on, along axes of a length and a stride each.
    Arrange {
        input: usize,
        start: usize,
        axes: Vec<(usize, usize)>,
    },
    /// As many products `m × k` by `k × n` as fit into the inputs.
    Product {
        left: usize,
        right: usize,
        sides: [usize; 3],
    },
    /// `ReduceSum` or `ReduceMax` along `len` values that lie `inner` apart.
    Reduce {
        code: OpCode,
        input: usize,
        len: usize,
        inner: usize,
    },
}

/// Second operand of an element-wise op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
    Buffer(usize),
    Tensor(usize),
}

/// A program whose every bound was checked.
///
/// ```
/// use upnext_core::program::{Program, Scratch, Value, format::*};
/// let weights = [1.0_f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
/// let message = ProgramMessage {
///     version: PROGRAM_VERSION,
///     inputs: vec![InputMessage { name: "x".into(), width: 1, ids: false }],
///     tensors: vec![TensorMessage { rows: 1, cols: 2, data: weights, ..Default::default() }],
///     ops: vec![
///         OpMessage { code: OpCode::Dense as i32, inputs: vec![0], tensors: vec![0], ..Default::default() },
///         OpMessage { code: OpCode::Relu as i32, inputs: vec![1], ..Default::default() },
///     ],
///     output: 2,
/// };
/// let program = Program::from_message(message)?;
/// let mut scratch = Scratch::default();
/// assert_eq!(program.run(&[Value::Dense(&[3.0, -3.0])], 2, &mut scratch)?, [3.0, 0.0, 0.0, 6.0]);
/// # Ok::<(), upnext_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    pub(crate) inputs: Vec<Input>,
    pub(crate) ops: Vec<Op>,
    pub(crate) tensors: Vec<Tensor>,
    /// Width of each buffer: inputs, then ops.
    pub(crate) widths: Vec<usize>,
    /// Where each buffer begins in the scratch.
    pub(crate) starts: Vec<usize>,
    /// For each ids input and column, the first id that is too large.
    pub(crate) limits: Vec<Vec<Option<usize>>>,
    pub(crate) output: usize,
}

impl Program {
    /// Reads and validates a program.
    ///
    /// # Errors
    /// [`ErrorKind::ProgramInvalid`] for bytes that are no program or break a bound,
    /// [`ErrorKind::BundleVersion`] for another format version.
    pub fn decode(bytes: &[u8]) -> Result<Program, Error> {
        Program::from_message(wire::read(bytes)?)
    }

    /// Validates a program that was put together in memory, as the compiler does.
    ///
    /// # Errors
    /// As [`Program::decode`].
    pub fn from_message(message: format::ProgramMessage) -> Result<Program, Error> {
        validate::validate(message)
    }

    /// The program's bytes; [`Program::decode`] of them is equal to `self`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::write(self)
    }

    /// Its inputs, in the order in which [`Program::run`] takes them.
    #[must_use]
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Values per row of the result.
    #[must_use]
    pub fn output_width(&self) -> usize {
        self.widths.get(self.output).copied().unwrap_or(0)
    }

    /// First id that is too large, for each column of the ids input `input`
    /// (`None`: no op gathers by that column).
    #[must_use]
    pub fn id_limits(&self, input: usize) -> &[Option<usize>] {
        self.limits.get(input).map_or(&[], Vec::as_slice)
    }
}

pub(crate) fn invalid(reason: impl Into<String>) -> Error {
    Error::from(ErrorKind::ProgramInvalid { reason: reason.into() })
}
