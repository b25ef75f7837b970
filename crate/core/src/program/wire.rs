//! Bytes of a program, both ways.

use prost::Message as _;

use super::format::{InputMessage, OpCode, OpMessage, PROGRAM_VERSION, ProgramMessage, TensorMessage};
use super::{MAX_OPS, MAX_PROGRAM_BYTES, Op, Operand, Program, Tensor, invalid};
use crate::Error;
use crate::protobuf::{self, Fault, Raw, Source};

/// Decodes, with size and counts bounded before anything of that size is allocated.
pub(super) fn read(bytes: &[u8]) -> Result<ProgramMessage, Error> {
    if bytes.len() > MAX_PROGRAM_BYTES {
        return Err(invalid(format!("{} bytes, at most {MAX_PROGRAM_BYTES}", bytes.len())));
    }
    let messages = count_messages(bytes).map_err(invalid)?;
    if messages > 3 * MAX_OPS {
        return Err(invalid(format!(
            "{messages} inputs, ops and tensors, at most {}",
            3 * MAX_OPS
        )));
    }
    protobuf::read(bytes).map_err(invalid)
}

/// Length-delimited fields of the outermost message. Two bytes of input can make an op of a
/// hundred in memory, so they are counted before they are decoded.
fn count_messages(bytes: &[u8]) -> Result<usize, Fault> {
    let mut count = 0;
    let mut source = Source::new(bytes);
    while let Some((_, value)) = source.field()? {
        count += usize::from(matches!(value, Raw::Bytes(_)));
    }
    Ok(count)
}

/// The values of a tensor's bytes.
pub(super) fn floats(data: &[u8]) -> impl Iterator<Item = f32> {
    data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b))
}

pub(super) fn write(program: &Program) -> Vec<u8> {
    let message = ProgramMessage {
        version: PROGRAM_VERSION,
        inputs: program
            .inputs
            .iter()
            .map(|i| InputMessage {
                name: i.name.clone(),
                width: i.width as u32,
                ids: i.ids,
            })
            .collect(),
        ops: program.ops.iter().map(op_message).collect(),
        tensors: program.tensors.iter().map(tensor_message).collect(),
        output: program.output as u32,
    };
    message.encode_to_vec()
}

fn tensor_message(tensor: &Tensor) -> TensorMessage {
    TensorMessage {
        rows: tensor.rows as u32,
        cols: tensor.cols as u32,
        dtype: 0,
        data: tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

fn op_message(op: &Op) -> OpMessage {
    let (code, inputs, tensors, params, scalars): (_, Vec<usize>, Vec<usize>, Vec<usize>, Vec<f32>) = match op {
        Op::Gather { ids, column, table } => (OpCode::Gather, vec![*ids], vec![*table], vec![*column], vec![]),
        Op::GatherMean { ids, from, to, table } => {
            (OpCode::GatherMean, vec![*ids], vec![*table], vec![*from, *to], vec![])
        }
        Op::Concat { inputs } => (OpCode::Concat, inputs.clone(), vec![], vec![], vec![]),
        Op::Dense { input, weights, bias } => (
            OpCode::Dense,
            vec![*input],
            [*weights].into_iter().chain(*bias).collect(),
            vec![],
            vec![],
        ),
        Op::Relu(x) => (OpCode::Relu, vec![*x], vec![], vec![], vec![]),
        Op::Sigmoid(x) => (OpCode::Sigmoid, vec![*x], vec![], vec![], vec![]),
        Op::Tanh(x) => (OpCode::Tanh, vec![*x], vec![], vec![], vec![]),
        Op::Add(x, Operand::Buffer(y)) => (OpCode::Add, vec![*x, *y], vec![], vec![], vec![]),
        Op::Add(x, Operand::Tensor(t)) => (OpCode::Add, vec![*x], vec![*t], vec![], vec![]),
        Op::Mul(x, Operand::Buffer(y)) => (OpCode::Mul, vec![*x, *y], vec![], vec![], vec![]),
        Op::Mul(x, Operand::Tensor(t)) => (OpCode::Mul, vec![*x], vec![*t], vec![], vec![]),
        Op::L2Norm { input, floor } => (OpCode::L2Norm, vec![*input], vec![], vec![], vec![*floor]),
        Op::Clamp { input, low, high } => (OpCode::Clamp, vec![*input], vec![], vec![], vec![*low, *high]),
        Op::Softmax(x) => (OpCode::Softmax, vec![*x], vec![], vec![], vec![]),
        Op::Centre(x) => (OpCode::Centre, vec![*x], vec![], vec![], vec![]),
        Op::RmsNorm { input, epsilon } => (OpCode::RmsNorm, vec![*input], vec![], vec![], vec![*epsilon]),
        Op::Slice { input, from, to } => (OpCode::Slice, vec![*input], vec![], vec![*from, *to], vec![]),
    };
    // All are below MAX_OPS or MAX_WIDTH.
    let narrow = |v: Vec<usize>| v.into_iter().map(|x| x as u32).collect();
    OpMessage {
        code: code as i32,
        inputs: narrow(inputs),
        tensors: narrow(tensors),
        params: narrow(params),
        scalars,
    }
}
