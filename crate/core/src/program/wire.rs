//! Bytes of a program, both ways.

use prost::Message as _;

use super::format::{InputMessage, OpCode, OpMessage, PROGRAM_VERSION, ProgramMessage};
use super::{MAX_OPS, MAX_PROGRAM_BYTES, Op, Operand, Program, invalid};
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
        ops: program.ops.iter().map(|op| op_message(op, &program.widths)).collect(),
        tensors: program
            .tensors
            .iter()
            .map(|t| t.stored.message(&t.values, t.cols))
            .collect(),
        output: program.output as u32,
    };
    message.encode_to_vec()
}

fn op_message(op: &Op, widths: &[usize]) -> OpMessage {
    let (code, inputs, tensors, params, scalars): (_, Vec<usize>, Vec<usize>, Vec<usize>, Vec<f32>) = match op {
        Op::Gather { ids, column, table } => (OpCode::Gather, vec![*ids], vec![*table], vec![*column], vec![]),
        Op::GatherMean { ids, from, to, table } => {
            (OpCode::GatherMean, vec![*ids], vec![*table], vec![*from, *to], vec![])
        }
        Op::GatherRows { ids, from, to, table } => {
            (OpCode::GatherRows, vec![*ids], vec![*table], vec![*from, *to], vec![])
        }
        Op::Numbers { ids, from, to } => (OpCode::Numbers, vec![*ids], vec![], vec![*from, *to], vec![]),
        Op::Constant(tensor) => (OpCode::Constant, vec![], vec![*tensor], vec![], vec![]),
        Op::Concat { inputs } => (OpCode::Concat, inputs.clone(), vec![], vec![], vec![]),
        Op::Dense { input, weights, bias } => (
            OpCode::Dense,
            vec![*input],
            [*weights].into_iter().chain(*bias).collect(),
            vec![],
            vec![],
        ),
        Op::Map(code, x) => (*code, vec![*x], vec![], vec![], vec![]),
        Op::Join(code, x, Operand::Buffer(y)) => (*code, vec![*x, *y], vec![], vec![], vec![]),
        Op::Join(code, x, Operand::Tensor(t)) => (*code, vec![*x], vec![*t], vec![], vec![]),
        Op::Group {
            code,
            input,
            len,
            least,
        } => {
            let params = if *len == widths[*input] { vec![] } else { vec![*len] };
            let scalars = match code {
                OpCode::L2Norm | OpCode::RmsNorm => vec![*least],
                _ => vec![],
            };
            (*code, vec![*input], vec![], params, scalars)
        }
        Op::Clamp { input, low, high } => (OpCode::Clamp, vec![*input], vec![], vec![], vec![*low, *high]),
        Op::Slice { input, from, to } => (OpCode::Slice, vec![*input], vec![], vec![*from, *to], vec![]),
        Op::Select { mask, yes, no } => (OpCode::Select, vec![*mask, *yes, *no], vec![], vec![], vec![]),
        Op::Arrange { input, start, axes } => {
            let axes = axes.iter().flat_map(|(length, stride)| [*length, *stride]);
            let params = [*start].into_iter().chain(axes).collect();
            (OpCode::Arrange, vec![*input], vec![], params, vec![])
        }
        Op::Product { left, right, sides } => (OpCode::Product, vec![*left, *right], vec![], sides.to_vec(), vec![]),
        Op::Reduce {
            code,
            input,
            len,
            inner,
        } => (*code, vec![*input], vec![], vec![*len, *inner], vec![]),
    };
    // All are below MAX_OPS or MAX_WIDTH, but strides, which are below the number of values in a buffer.
    let narrow = |v: Vec<usize>| v.into_iter().map(|x| x as u32).collect();
    OpMessage {
        code: code as i32,
        inputs: narrow(inputs),
        tensors: narrow(tensors),
        params: narrow(params),
        scalars,
    }
}
