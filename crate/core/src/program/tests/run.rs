use super::every_op;
use crate::Code;
use crate::fixture::{input, noise, op, tensor};
use crate::program::format::{OpCode, OpMessage, PROGRAM_VERSION, ProgramMessage};
use crate::program::{Program, Scratch, Value};
use proptest::prelude::*;

fn program() -> Program {
    Program::from_message(every_op()).unwrap()
}

fn floats(seed: u64, len: usize) -> Vec<f32> {
    (0..len).map(|i| noise(seed, i)).collect()
}

/// Weight `[row][column]` of a tensor, from its bytes.
fn weight(message: &ProgramMessage, tensor: usize, row: usize, column: usize) -> f64 {
    let t = &message.tensors[tensor];
    let at = 4 * (row * t.cols as usize + column);
    f64::from(f32::from_le_bytes(t.data[at..at + 4].try_into().unwrap()))
}

/// What [`every_op`] says, written out in f64.
fn oracle(ids: &[u32], x: &[f32]) -> Vec<f64> {
    let m = every_op();
    let real: Vec<usize> = ids.iter().filter(|id| **id != 0).map(|id| *id as usize).collect();
    let mut joined = Vec::new();
    for c in 0..4 {
        let dense = weight(&m, 2, 0, c) + (0..5).map(|i| f64::from(x[i]) * weight(&m, 1, i, c)).sum::<f64>();
        let sum = dense.max(0.0) + 1.0 / (1.0 + (-dense).exp());
        let scaled = sum * weight(&m, 2, 0, c) + weight(&m, 2, 0, c);
        joined.push(scaled * weight(&m, 0, ids[1] as usize, c).tanh());
    }
    for c in 0..4 {
        let sum: f64 = real.iter().map(|id| weight(&m, 0, *id, c)).sum();
        joined.push(if real.is_empty() { 0.0 } else { sum / real.len() as f64 });
    }
    joined.extend(x.iter().map(|v| f64::from(*v)));
    let cut: Vec<f64> = joined[2..11].iter().map(|v| v.clamp(-0.5, 0.5)).collect();
    let last: Vec<f64> = (0..4)
        .map(|c| (0..9).map(|i| cut[i] * weight(&m, 3, i, c)).sum())
        .collect();
    let shares: Vec<f64> = last
        .iter()
        .map(|v| v.exp() / last.iter().map(|v| v.exp()).sum::<f64>())
        .collect();
    let centred: Vec<f64> = shares.iter().map(|v| v - 0.25).collect();
    let deviation = (centred.iter().map(|v| v * v).sum::<f64>() / 4.0 + 0.1).sqrt();
    let out: Vec<f64> = last.iter().zip(&centred).map(|(v, c)| v + c / deviation).collect();
    let norm = out.iter().map(|v| v * v).sum::<f64>().sqrt();
    out.into_iter().map(|v| v / norm).collect()
}

proptest! {
    #[test]
    fn every_op_meets_its_definition(ids in prop::array::uniform3(0_u32..6), seed: u64) {
        let x = floats(seed, 5);
        let mut scratch = Scratch::default();
        let program = program();
        let out = program.run(&[Value::Ids(&ids), Value::Dense(&x)], 1, &mut scratch).unwrap();
        for (found, expected) in out.iter().zip(oracle(&ids, &x)) {
            prop_assert!((f64::from(*found) - expected).abs() < 1e-5, "{out:?}");
        }
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbours(rows in 0_usize..70, seed: u64) {
        let program = program();
        let (x, ids): (Vec<f32>, Vec<u32>) = (floats(seed, 5 * rows), (0..3 * rows as u32).map(|i| i % 6).collect());
        let mut scratch = Scratch::default();
        let all = program.run(&[Value::Ids(&ids), Value::Dense(&x)], rows, &mut scratch).unwrap().to_vec();
        prop_assert_eq!(all.len(), 4 * rows);
        for row in 0..rows {
            let inputs = [Value::Ids(&ids[3 * row..3 * row + 3]), Value::Dense(&x[5 * row..5 * row + 5])];
            prop_assert_eq!(program.run(&inputs, 1, &mut scratch).unwrap(), &all[4 * row..4 * row + 4]);
        }
    }
}

/// The ops that [`every_op`] lacks, each of which reads or writes parts of a row: ids `[n, 3]`, floats `[n, 4]`.
fn ops_of_parts() -> ProgramMessage {
    let with = |code, inputs: &[u32], tensors: &[u32], params: &[u32]| OpMessage {
        params: params.into(),
        ..op(code, inputs, tensors)
    };
    ProgramMessage {
        version: PROGRAM_VERSION,
        inputs: vec![input("ids", 3, true), input("x", 4, false)],
        ops: vec![
            with(OpCode::GatherRows, &[0], &[0], &[0, 2]),      // 2: 4
            with(OpCode::Numbers, &[0], &[], &[1, 3]),          // 3: 2
            op(OpCode::Constant, &[], &[1]),                    // 4: 2
            op(OpCode::Mul, &[2, 3], &[]),                      // 5: 4
            op(OpCode::Sub, &[5], &[1]),                        // 6: 4
            with(OpCode::Arrange, &[6], &[], &[0, 2, 1, 2, 2]), // 7: 4
            with(OpCode::Product, &[7, 1], &[], &[2, 2, 2]),    // 8: 4
            op(OpCode::Dense, &[8], &[2, 1]),                   // 9: 4
            op(OpCode::Less, &[9, 1], &[]),                     // 10: 4
            op(OpCode::Select, &[10, 9, 8], &[]),               // 11: 4
            with(OpCode::ReduceSum, &[11], &[], &[2, 2]),       // 12: 2
            with(OpCode::Softmax, &[11], &[], &[2]),            // 13: 4
            op(OpCode::Concat, &[12, 13, 4], &[]),              // 14: 8
        ],
        tensors: vec![tensor(6, 2, 1), tensor(1, 2, 2), tensor(2, 2, 3)],
        output: 14,
    }
}

proptest! {
    #[test]
    fn nor_do_ops_on_parts_of_a_row(rows in 1_usize..70, seed: u64) {
        let program = Program::from_message(ops_of_parts()).unwrap();
        let (x, ids): (Vec<f32>, Vec<u32>) = (floats(seed, 4 * rows), (0..3 * rows as u32).map(|i| i * 5 % 6).collect());
        let mut scratch = Scratch::default();
        let all = program.run(&[Value::Ids(&ids), Value::Dense(&x)], rows, &mut scratch).unwrap().to_vec();
        for row in 0..rows {
            let inputs = [Value::Ids(&ids[3 * row..3 * row + 3]), Value::Dense(&x[4 * row..4 * row + 4])];
            prop_assert_eq!(program.run(&inputs, 1, &mut scratch).unwrap(), &all[8 * row..8 * row + 8]);
        }
    }
}

#[test]
fn each_wrong_input_has_its_error() {
    let nan = [0.0, 0.0, f32::NAN, 0.0, 0.0];
    let infinite = [0.0, f32::INFINITY, 0.0, 0.0, 0.0];
    let (ids, x) = ([0, 5, 1], [0.0; 5]);
    let cases: [(&str, Code, Vec<Value<'_>>); 8] = [
        (
            "inputs: 1 are given, 2 needed",
            Code::RequestInvalid,
            vec![Value::Ids(&ids)],
        ),
        (
            "ids: floats are given, ids needed",
            Code::RequestInvalid,
            vec![Value::Dense(&x), Value::Dense(&x)],
        ),
        (
            "x: ids are given, floats needed",
            Code::RequestInvalid,
            vec![Value::Ids(&ids), Value::Ids(&ids)],
        ),
        (
            "x: 4 values are given",
            Code::RequestInvalid,
            vec![Value::Ids(&ids), Value::Dense(&x[..4])],
        ),
        (
            "ids: 2 values are given",
            Code::RequestInvalid,
            vec![Value::Ids(&ids[..2]), Value::Dense(&x)],
        ),
        (
            "program input[2]",
            Code::NotFinite,
            vec![Value::Ids(&ids), Value::Dense(&nan)],
        ),
        (
            "program input[1]",
            Code::NotFinite,
            vec![Value::Ids(&ids), Value::Dense(&infinite)],
        ),
        (
            "ids[1] 6 is outside 0..6",
            Code::IdOutOfRange,
            vec![Value::Ids(&[0, 6, 0]), Value::Dense(&x)],
        ),
    ];
    let mut scratch = Scratch::default();
    for (text, code, inputs) in cases {
        let error = program().run(&inputs, 1, &mut scratch).unwrap_err();
        assert_eq!(error.code(), code, "{text}");
        assert!(error.to_string().contains(text), "{error}, expected {text}");
    }
    assert!(
        program()
            .run(&[Value::Ids(&ids), Value::Dense(&x)], usize::MAX, &mut scratch)
            .is_err()
    );
}
