//! Wire format of a compact program (protobuf): dense ops with static widths, one row at a time.

use crate::protobuf::message;

/// Version of the format.
pub const PROGRAM_VERSION: u32 = 1;

/// A program: buffers are numbered, inputs first (in order), then one per op.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProgramMessage {
    /// [`PROGRAM_VERSION`].
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// Inputs, in buffer order.
    #[prost(message, repeated, tag = "2")]
    pub inputs: Vec<InputMessage>,
    /// Ops; op `i` writes buffer `inputs.len() + i`.
    #[prost(message, repeated, tag = "3")]
    pub ops: Vec<OpMessage>,
    /// Weights, named by index.
    #[prost(message, repeated, tag = "4")]
    pub tensors: Vec<TensorMessage>,
    /// Buffer that is the result.
    #[prost(uint32, tag = "5")]
    pub output: u32,
}

message!(ProgramMessage { 1 => version, 2 => inputs, 3 => ops, 4 => tensors, 5 => output });

/// One input of the program.
#[derive(Clone, PartialEq, prost::Message)]
pub struct InputMessage {
    /// Name, as in the ONNX graph.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Values per row.
    #[prost(uint32, tag = "2")]
    pub width: u32,
    /// True: integer ids; false: f32.
    #[prost(bool, tag = "3")]
    pub ids: bool,
}

message!(InputMessage { 1 => name, 2 => width, 3 => ids });

/// Weights: row-major little-endian.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorMessage {
    /// Rows.
    #[prost(uint32, tag = "1")]
    pub rows: u32,
    /// Columns.
    #[prost(uint32, tag = "2")]
    pub cols: u32,
    /// 0 = f32, 1 = f16, 2 = int8 with a scale per row (tables), 3 = int8 with a scale per column (dense layers).
    #[prost(uint32, tag = "3")]
    pub dtype: u32,
    /// `rows * cols` values.
    #[prost(bytes = "vec", tag = "4")]
    pub data: Vec<u8>,
    /// Of int8: what a value is multiplied by, for each row or column.
    #[prost(float, repeated, tag = "5")]
    pub scales: Vec<f32>,
}

message!(TensorMessage { 1 => rows, 2 => cols, 3 => dtype, 4 => data, 5 => scales });

/// One op.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OpMessage {
    /// What it does; see [`OpCode`].
    #[prost(enumeration = "OpCode", tag = "1")]
    pub code: i32,
    /// Buffers it reads, all written before it.
    #[prost(uint32, repeated, tag = "2")]
    pub inputs: Vec<u32>,
    /// Tensors it reads.
    #[prost(uint32, repeated, tag = "3")]
    pub tensors: Vec<u32>,
    /// Integer parameters, by code.
    #[prost(uint32, repeated, tag = "4")]
    pub params: Vec<u32>,
    /// Float parameters, by code.
    #[prost(float, repeated, tag = "5")]
    pub scalars: Vec<f32>,
}

message!(OpMessage { 1 => code, 2 => inputs, 3 => tensors, 4 => params, 5 => scalars });

/// The ops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum OpCode {
    /// Never valid.
    Invalid = 0,
    /// Row `ids[params[0]]` of `tensors[0]`.
    Gather = 1,
    /// Inputs one after the other.
    Concat = 2,
    /// `x · W (+ b)`: `tensors[0]` is `in × out`, `tensors[1]`, where present, `1 × out`. An input of `n · in` values
    /// is `n` rows, one after the other.
    Dense = 3,
    /// `max(x, 0)`.
    Relu = 4,
    /// `1 / (1 + e^-x)`.
    Sigmoid = 5,
    /// `tanh(x)`.
    Tanh = 6,
    /// Element-wise sum of two buffers, or of a buffer and `tensors[0]` (one row). A shorter second operand, whose
    /// width divides the first's, is repeated; so in all ops of two values.
    Add = 7,
    /// Element-wise product, likewise.
    Mul = 8,
    /// `x / max(‖x‖₂, scalars[0])`, of each group of `params[0]` values where that is given; so in `Softmax`, `Centre`
    /// and `RmsNorm`.
    L2Norm = 9,
    /// Columns `params[0]..params[1]`.
    Slice = 10,
    /// Mean of the rows `ids[k]` of `tensors[0]`, `k` in `params[0]..params[1]`, over those where
    /// `ids[k]` is not 0 (0 is padding), summed in the order of `k`; zeros where all are 0.
    GatherMean = 11,
    /// `min(max(x, scalars[0]), scalars[1])`.
    Clamp = 12,
    /// `e^x` over its sum.
    Softmax = 13,
    /// `x` less its mean: the first half of a layer norm, of which scale and shift are `Mul` and `Add`.
    Centre = 14,
    /// `x / √(mean of x² + scalars[0])`: the second half.
    RmsNorm = 15,
    /// The rows `ids[k]` of `tensors[0]`, `k` in `params[0]..params[1]`, one after the other.
    GatherRows = 16,
    /// The ids `params[0]..params[1]` as numbers, exact below 2²⁴.
    Numbers = 17,
    /// `tensors[0]`, of one row.
    Constant = 18,
    /// `e^x`.
    Exp = 19,
    /// `ln x`.
    Ln = 20,
    /// `√x`.
    Sqrt = 21,
    /// `1 / x`.
    Recip = 22,
    /// `|x|`.
    Abs = 23,
    /// The error function.
    Erf = 24,
    /// The largest whole number that is not above `x`.
    Floor = 25,
    /// `x − y`.
    Sub = 26,
    /// `x / y`.
    Div = 27,
    /// The larger of `x` and `y`.
    Max = 28,
    /// The smaller of `x` and `y`.
    Min = 29,
    /// 1 where `x < y`, else 0.
    Less = 30,
    /// 1 where `x = y`, else 0.
    Equal = 31,
    /// `x^y`.
    Pow = 32,
    /// `inputs[1]` where `inputs[0]` is not 0, else `inputs[2]`; all of one width.
    Select = 33,
    /// The values at `params[0] + Σ iₐ · strideₐ`, for all `iₐ < lengthₐ`, the last axis fastest: transposing, cutting,
    /// repeating. `params[1..]` are `length, stride` of each of at most eight axes.
    Arrange = 34,
    /// Matrix products of two buffers, `params` = `m, k, n`: each `m × k` of the first by the `k × n` of the second in
    /// its place.
    Product = 35,
    /// Sums along an axis of `params[0]` values that lie `params[1]` apart; added in f64.
    ReduceSum = 36,
    /// The largest values along such an axis.
    ReduceMax = 37,
}

impl OpCode {
    /// The name in messages. Not by `Debug`, which the compact module is built without.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            OpCode::Invalid => "Invalid",
            OpCode::Gather => "Gather",
            OpCode::Concat => "Concat",
            OpCode::Dense => "Dense",
            OpCode::Relu => "Relu",
            OpCode::Sigmoid => "Sigmoid",
            OpCode::Tanh => "Tanh",
            OpCode::Add => "Add",
            OpCode::Mul => "Mul",
            OpCode::L2Norm => "L2Norm",
            OpCode::Slice => "Slice",
            OpCode::GatherMean => "GatherMean",
            OpCode::Clamp => "Clamp",
            OpCode::Softmax => "Softmax",
            OpCode::Centre => "Centre",
            OpCode::RmsNorm => "RmsNorm",
            OpCode::GatherRows => "GatherRows",
            OpCode::Numbers => "Numbers",
            OpCode::Constant => "Constant",
            OpCode::Exp => "Exp",
            OpCode::Ln => "Ln",
            OpCode::Sqrt => "Sqrt",
            OpCode::Recip => "Recip",
            OpCode::Abs => "Abs",
            OpCode::Erf => "Erf",
            OpCode::Floor => "Floor",
            OpCode::Sub => "Sub",
            OpCode::Div => "Div",
            OpCode::Max => "Max",
            OpCode::Min => "Min",
            OpCode::Less => "Less",
            OpCode::Equal => "Equal",
            OpCode::Pow => "Pow",
            OpCode::Select => "Select",
            OpCode::Arrange => "Arrange",
            OpCode::Product => "Product",
            OpCode::ReduceSum => "ReduceSum",
            OpCode::ReduceMax => "ReduceMax",
        }
    }
}
