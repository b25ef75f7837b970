use super::every_op;
use crate::Code;
use crate::fixture::{input, op, ranker, tensor, user_tower};
use crate::program::format::*;
use crate::program::{MAX_OPS, MAX_PROGRAM_BYTES, MAX_WIDTH, Program, Scratch, Value};
use proptest::prelude::*;
use prost::Message as _;

#[test]
fn encoding_gives_the_program_back() {
    for message in [every_op(), user_tower(), ranker()] {
        let program = Program::from_message(message.clone()).unwrap();
        assert_eq!(Program::decode(&program.encode()).unwrap(), program);
        assert_eq!(program.encode(), message.encode_to_vec());
    }
}

#[test]
fn a_program_cut_anywhere_is_refused() {
    let bytes = Program::from_message(every_op()).unwrap().encode();
    for end in 0..bytes.len() {
        let code = Program::decode(&bytes[..end]).unwrap_err().code();
        assert!(
            [Code::ProgramInvalid, Code::BundleVersion].contains(&code),
            "cut at {end}: {code:?}"
        );
    }
}

fn with(code: OpCode, inputs: &[u32], params: &[u32]) -> OpMessage {
    OpMessage {
        params: params.into(),
        ..op(code, inputs, &[])
    }
}

#[test]
fn what_a_row_may_cost_is_bounded() {
    let layers = |count: u32| ProgramMessage {
        version: PROGRAM_VERSION,
        inputs: vec![input("x", MAX_WIDTH, false)],
        ops: (0..count).map(|i| op(OpCode::Dense, &[i], &[0])).collect(),
        tensors: vec![tensor(1024, 1024, 1)],
        output: count,
    };
    assert!(Program::from_message(layers(4)).is_ok());
    let error = Program::from_message(layers(5)).unwrap_err().to_string();
    assert!(
        error.contains("op 4: the program multiplies and adds more than"),
        "{error}"
    );
}

#[test]
fn every_bound_has_its_reason() {
    type Break = fn(&mut ProgramMessage);
    let cases: [(&str, Break); 44] = [
        ("unknown code 99", |m| m.ops[0].code = 99),
        ("Invalid does not take", |m| m.ops[0].code = 0),
        ("output: reads buffer 21", |m| m.output = 21),
        ("output: reads ids", |m| m.output = 0),
        ("op 2: reads buffer 4, 4 are written", |m| m.ops[2].inputs = vec![4]),
        ("op 2: reads ids of buffer 0", |m| m.ops[2].inputs = vec![0]),
        ("op 0: gathers by a buffer that is no ids", |m| {
            m.ops[0].inputs = vec![1]
        }),
        ("op 0: gathers by 4 columns of 3", |m| m.ops[0].params = vec![3]),
        ("op 1: gathers by columns 2..2", |m| m.ops[1].params = vec![2, 2]),
        ("op 1: gathers by 4 columns of 3", |m| m.ops[1].params = vec![0, 4]),
        ("op 0: names tensor 4 of 4", |m| m.ops[0].tensors = vec![4]),
        ("op 2: tensor 3 has 9 rows for 5", |m| m.ops[2].tensors = vec![3]),
        ("op 2: tensor 0 is 6 × 4, needed is 1 × 4", |m| {
            m.ops[2].tensors = vec![1, 0]
        }),
        ("op 6: joins widths 4 and 5", |m| m.ops[6].inputs = vec![5, 1]),
        ("op 7: tensor 0 is 6 × 4", |m| m.ops[7].tensors = vec![0]),
        ("op 11: cuts 2..14 of 13", |m| m.ops[11].params = vec![2, 14]),
        ("op 11: cuts 3..3", |m| m.ops[11].params = vec![3, 3]),
        ("op 12: clamps to", |m| m.ops[12].scalars = vec![1.0, 0.0]),
        ("op 16: has the least divisor 0", |m| m.ops[16].scalars = vec![0.0]),
        ("op 18: has the least divisor 0", |m| m.ops[18].scalars = vec![0.0]),
        ("op 18: has the least divisor NaN", |m| {
            m.ops[18].scalars = vec![f32::NAN]
        }),
        ("op 3: Relu does not take 2 inputs", |m| m.ops[3].inputs = vec![4, 4]),
        ("op 3: Relu does not take 0 inputs", |m| m.ops[3].inputs = vec![]),
        ("op 10: Concat does not take 0 inputs", |m| m.ops[10].inputs = vec![]),
        (
            "tensor 1 is 5 × 4, dtype 1, and has 80 bytes and 0 scales: bytes of another shape",
            |m| m.tensors[1].dtype = 1,
        ),
        ("unknown dtype", |m| m.tensors[1].dtype = 4),
        ("scales of another shape", |m| m.tensors[1].scales = vec![1.0]),
        ("tensor 1 is 5 × 4, dtype 0, and has 79 bytes", |m| {
            m.tensors[1].data.truncate(79)
        }),
        ("op 12: takes 9 values in groups of 2", |m| {
            m.ops[12] = with(OpCode::Softmax, &[13], &[2])
        }),
        ("op 11: takes 13 values in groups of 0", |m| {
            m.ops[11] = with(OpCode::Centre, &[12], &[0])
        }),
        ("op 11: reads value 13 of 13", |m| {
            m.ops[11] = with(OpCode::Arrange, &[12], &[0, 2, 13])
        }),
        ("op 11: Arrange does not take", |m| {
            m.ops[11] = with(OpCode::Arrange, &[12], &[0, 2])
        }),
        ("op 11: multiplies 1 × 4 by 4 × 2 in 4 and 4 values", |m| {
            m.ops[11] = with(OpCode::Product, &[11, 3], &[1, 4, 2])
        }),
        ("op 11: multiplies 0 × 4", |m| {
            m.ops[11] = with(OpCode::Product, &[11, 3], &[0, 4, 1])
        }),
        ("op 11: reduces 3 values 1 apart of 13", |m| {
            m.ops[11] = with(OpCode::ReduceSum, &[12], &[3, 1])
        }),
        ("op 11: reduces 0 values", |m| {
            m.ops[11] = with(OpCode::ReduceMax, &[12], &[0, 1])
        }),
        ("op 11: joins widths 13 and 4", |m| {
            m.ops[11] = with(OpCode::Select, &[12, 12, 11], &[])
        }),
        ("op 11: gathers by columns 2..1", |m| {
            m.ops[11] = with(OpCode::Numbers, &[0], &[2, 1])
        }),
        ("op 11: tensor 1 has 5 rows, needed is one", |m| {
            m.ops[11] = OpMessage {
                tensors: vec![1],
                ..with(OpCode::Constant, &[], &[])
            }
        }),
        ("tensor 1 is 0 × 4", |m| {
            (m.tensors[1].rows, m.tensors[1].data) = (0, vec![])
        }),
        ("tensor 2 value 1 is not finite", |m| {
            m.tensors[2].data[4..8].copy_from_slice(&f32::NAN.to_le_bytes())
        }),
        ("input x: width 0", |m| m.inputs[1].width = 0),
        ("input x: width 65537", |m| m.inputs[1].width = MAX_WIDTH as u32 + 1),
        ("values in all buffers", |m| {
            m.inputs = (0..17).map(|_| input("x", MAX_WIDTH, false)).collect()
        }),
    ];
    for (expected, break_it) in cases {
        let mut message = every_op();
        break_it(&mut message);
        let error = Program::decode(&message.encode_to_vec()).unwrap_err();
        assert_eq!(error.code(), Code::ProgramInvalid);
        assert!(error.to_string().contains(expected), "{error}, expected {expected}");
    }
}

#[test]
fn another_version_is_said_to_be_one() {
    let message = ProgramMessage {
        version: PROGRAM_VERSION + 1,
        ..every_op()
    };
    assert_eq!(
        Program::decode(&message.encode_to_vec()).unwrap_err().code(),
        Code::BundleVersion
    );
}

#[test]
fn size_and_counts_are_bounded_before_they_are_allocated() {
    assert!(
        Program::decode(&vec![0; MAX_PROGRAM_BYTES + 1])
            .unwrap_err()
            .to_string()
            .contains("bytes, at most")
    );
    // Empty ops, two bytes each.
    let many = [0x1a, 0].repeat(1 << 20);
    assert!(
        Program::decode(&many)
            .unwrap_err()
            .to_string()
            .contains("1048576 inputs, ops and tensors")
    );
    let mut message = every_op();
    message.ops = (0..MAX_OPS as u32 + 1)
        .map(|i| op(OpCode::Relu, &[1 + i], &[]))
        .collect();
    message.inputs = vec![input("ids", 1, true), input("x", 1, false)];
    assert!(
        Program::from_message(message)
            .unwrap_err()
            .to_string()
            .contains("257 ops, at most 256")
    );
}

#[test]
fn a_table_read_by_two_ops_has_the_lower_limit() {
    let mut message = every_op();
    message.tensors.push(tensor(2, 4, 8));
    message.ops[1] = OpMessage {
        params: vec![0, 2],
        tensors: vec![4],
        ..message.ops[1].clone()
    };
    let program = Program::from_message(message).unwrap();
    assert_eq!(program.id_limits(0), [Some(2), Some(2), None]);
    assert!(program.id_limits(1).is_empty(), "no ids");
}

/// Decodes; what decodes must also run.
fn decode_and_run(bytes: &[u8]) {
    let Ok(program) = Program::decode(bytes) else { return };
    let ids: Vec<Vec<u32>> = program.inputs().iter().map(|i| vec![0; i.width]).collect();
    let zeros: Vec<Vec<f32>> = program.inputs().iter().map(|i| vec![0.0; i.width]).collect();
    let values: Vec<Value<'_>> = program
        .inputs()
        .iter()
        .enumerate()
        .map(|(i, input)| {
            if input.ids {
                Value::Ids(&ids[i])
            } else {
                Value::Dense(&zeros[i])
            }
        })
        .collect();
    let mut scratch = Scratch::default();
    let out = program.run(&values, 1, &mut scratch).unwrap();
    assert_eq!(out.len(), program.output_width());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decode_and_run(&bytes);
    }

    #[test]
    fn a_changed_program_is_refused_or_runs(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = Program::from_message(every_op()).unwrap().encode();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        decode_and_run(&bytes);
    }
}
