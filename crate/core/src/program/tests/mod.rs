#![allow(clippy::unwrap_used)]
mod decode;
mod kernel;
mod ops;
mod run;

use super::format::*;
use crate::fixture::{input, op, tensor};

/// Every op once: ids `[n, 3]`, floats `[n, 5]` to four values.
fn every_op() -> ProgramMessage {
    let with = |op: OpMessage, params: &[u32], scalars: &[f32]| OpMessage {
        params: params.into(),
        scalars: scalars.into(),
        ..op
    };
    ProgramMessage {
        version: PROGRAM_VERSION,
        inputs: vec![input("ids", 3, true), input("x", 5, false)],
        ops: vec![
            with(op(OpCode::Gather, &[0], &[0]), &[1], &[]),        // 2: 4
            with(op(OpCode::GatherMean, &[0], &[0]), &[0, 3], &[]), // 3: 4
            op(OpCode::Dense, &[1], &[1, 2]),                       // 4: 4
            op(OpCode::Relu, &[4], &[]),                            // 5: 4
            op(OpCode::Sigmoid, &[4], &[]),                         // 6: 4
            op(OpCode::Tanh, &[2], &[]),                            // 7: 4
            op(OpCode::Add, &[5, 6], &[]),                          // 8: 4
            op(OpCode::Mul, &[8], &[2]),                            // 9: 4
            op(OpCode::Add, &[9], &[2]),                            // 10: 4
            op(OpCode::Mul, &[10, 7], &[]),                         // 11: 4
            op(OpCode::Concat, &[11, 3, 1], &[]),                   // 12: 13
            with(op(OpCode::Slice, &[12], &[]), &[2, 11], &[]),     // 13: 9
            with(op(OpCode::Clamp, &[13], &[]), &[], &[-0.5, 0.5]), // 14: 9
            op(OpCode::Dense, &[14], &[3]),                         // 15: 4
            op(OpCode::Softmax, &[15], &[]),                        // 16: 4
            op(OpCode::Centre, &[16], &[]),                         // 17: 4
            with(op(OpCode::RmsNorm, &[17], &[]), &[], &[0.1]),     // 18: 4
            op(OpCode::Add, &[15, 18], &[]),                        // 19: 4
            with(op(OpCode::L2Norm, &[19], &[]), &[], &[1e-12]),    // 20: 4
        ],
        tensors: vec![tensor(6, 4, 1), tensor(5, 4, 2), tensor(1, 4, 3), tensor(9, 4, 4)],
        output: 20,
    }
}
