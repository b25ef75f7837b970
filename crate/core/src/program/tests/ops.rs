//! Ops on parts of a row, and of two values, against their definitions.

use crate::fixture::{input, op, tensor};
use crate::program::format::*;
use crate::program::kernel::{arrange, join, map, oracle, product, reduce};
use crate::program::weights::{Stored, from_half, to_half};
use crate::program::{Program, Scratch, Value};
use oracle::{numbers, same};
use proptest::prelude::*;

fn with(code: OpCode, inputs: &[u32], tensors: &[u32], params: &[u32]) -> OpMessage {
    OpMessage {
        params: params.into(),
        ..op(code, inputs, tensors)
    }
}

proptest! {
    #[test]
    fn arrange_reads_what_its_axes_say(seed: u64, axes in prop::collection::vec((1_usize..5, 0_usize..7), 1..5)) {
        let last: usize = axes.iter().map(|(length, stride)| (length - 1) * stride).sum();
        let x = numbers(seed, last + 1);
        let expected = oracle::arrange(&x, &axes);
        let mut out = vec![f32::NAN; expected.len()];
        arrange(&x, &axes, &mut out);
        prop_assert!(same(&out, &expected));
    }

    #[test]
    fn product_gives_the_bits_of_the_plain_loop(seed: u64, count in 1_usize..4, m in 1_usize..5, k in 1_usize..11, n in 1_usize..11) {
        let (a, b) = (numbers(seed, count * m * k), numbers(seed ^ 1, count * k * n));
        let mut out = vec![f32::NAN; count * m * n];
        product(&a, &b, [m, k, n], &mut out);
        prop_assert!(same(&out, &oracle::product(&a, &b, count, [m, k, n])));
    }

    #[test]
    fn reduce_gives_the_bits_of_the_plain_loop(seed: u64, largest: bool, outer in 1_usize..4, len in 1_usize..9, inner in 1_usize..6) {
        let x = numbers(seed, outer * len * inner);
        let mut out = vec![f32::NAN; outer * inner];
        reduce(largest, &x, len, inner, &mut out);
        let equal = out.iter().zip(oracle::reduce(largest, &x, len, inner)).all(|(a, b)| *a == b);
        prop_assert!(equal, "{out:?}");
    }

    #[test]
    fn functions_meet_their_definitions(x in -20.0_f32..20.0) {
        let wide = f64::from(x);
        let cases: [(OpCode, f64); 9] = [
            (OpCode::Relu, wide.max(0.0)),
            (OpCode::Sigmoid, 1.0 / (1.0 + (-wide).exp())),
            (OpCode::Tanh, wide.tanh()),
            (OpCode::Exp, wide.exp()),
            (OpCode::Abs, wide.abs()),
            (OpCode::Floor, wide.floor()),
            (OpCode::Recip, 1.0 / wide),
            (OpCode::Ln, wide.ln()),
            (OpCode::Sqrt, wide.sqrt()),
        ];
        for (code, expected) in cases {
            let mut out = [0.0];
            map(code, &[x], &mut out);
            let found = f64::from(out[0]);
            prop_assert!(found.is_nan() && expected.is_nan() || (found - expected).abs() <= 1e-6 * expected.abs().max(1e-6), "{code:?} {x}: {found}, {expected}");
        }
        // Derivative of erf, by differences: 2/√π · e^(−x²).
        let mut out = [0.0; 2];
        map(OpCode::Erf, &[x / 8.0 - 0.01, x / 8.0 + 0.01], &mut out);
        let slope = f64::from(out[1] - out[0]) / 0.02;
        let expected = 2.0 / core::f64::consts::PI.sqrt() * (-(wide / 8.0).powi(2)).exp();
        prop_assert!((slope - expected).abs() < 1e-3 && (out[1] * x.signum() >= -0.02));
    }

    #[test]
    fn two_values_and_the_shorter_is_repeated(seed: u64, repeats in 1_usize..5, width in 1_usize..7) {
        let (x, y) = (numbers(seed, repeats * width), numbers(seed ^ 1, width));
        type Two = fn(f32, f32) -> f32;
        let cases: [(OpCode, Two); 9] = [
            (OpCode::Add, |a, b| a + b),
            (OpCode::Sub, |a, b| a - b),
            (OpCode::Mul, |a, b| a * b),
            (OpCode::Div, |a, b| a / b),
            (OpCode::Max, f32::max),
            (OpCode::Min, f32::min),
            (OpCode::Less, |a, b| if a < b { 1.0 } else { 0.0 }),
            (OpCode::Equal, |a, b| if a == b { 1.0 } else { 0.0 }),
            (OpCode::Pow, libm::powf),
        ];
        for (code, function) in cases {
            let mut out = vec![f32::NAN; x.len()];
            join(code, &x, &y, &mut out);
            for (i, found) in out.iter().enumerate() {
                let expected = function(x[i], y[i % width]);
                prop_assert!(*found == expected || found.is_nan() && expected.is_nan(), "{code:?}");
            }
        }
    }

    #[test]
    fn int8_is_within_half_a_step_and_keeps_its_bytes(seed: u64, rows in 1_usize..6, cols in 1_usize..6, by_row: bool) {
        let values = numbers(seed, rows * cols);
        let scales: Vec<f32> = (0..if by_row { rows } else { cols }).map(|i| 1.0 / (127.0 - i as f32)).collect();
        let stored = if by_row { Stored::Int8Rows(scales.clone()) } else { Stored::Int8Columns(scales.clone()) };
        let message = TensorMessage {
            rows: rows as u32,
            cols: cols as u32,
            dtype: if by_row { 2 } else { 3 },
            data: stored.bytes(&values, cols),
            scales: scales.clone(),
        };
        let (again, wide) = Stored::read(&message).unwrap();
        prop_assert_eq!(again.bytes(&wide, cols), message.data);
        for (at, (found, value)) in wide.iter().zip(&values).enumerate() {
            let scale = scales[if by_row { at / cols } else { at % cols }];
            prop_assert!((found - value).abs() <= 0.51 * scale, "{found} {value}");
        }
    }

    #[test]
    fn the_nearest_half_is_taken(value: f32) {
        let found = from_half(to_half(value));
        if value.is_nan() {
            prop_assert!(found.is_nan());
        } else if value.abs() >= 65_520.0 {
            prop_assert_eq!(found, f32::INFINITY.copysign(value));
        } else {
            let half = to_half(value.abs());
            for neighbour in [half.saturating_sub(1), (half + 1).min(0x7bff)] {
                let closer = (f64::from(value.abs()) - f64::from(from_half(half))).abs() <= (f64::from(value.abs()) - f64::from(from_half(neighbour))).abs();
                prop_assert!(closer, "{value} {half:x}");
            }
        }
    }
}

#[test]
fn every_half_is_what_its_bits_say_and_comes_back() {
    for half in 0..=u16::MAX {
        let (exponent, fraction) = (i32::from(half >> 10 & 31), f64::from(half & 1023));
        let size = match exponent {
            31 if fraction == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            0 => fraction * 2_f64.powi(-24),
            _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
        };
        let expected = if half & 0x8000 == 0 { size } else { -size };
        let found = f64::from(from_half(half));
        assert!(found == expected || found.is_nan() && expected.is_nan(), "{half:x}");
        if !found.is_nan() {
            assert_eq!(to_half(found as f32), half);
        }
    }
}

/// Attention over the rows of ids that are not 0, each key scored by a query of the viewer, and a norm of each row.
#[test]
fn attention_pooling_meets_its_definition() {
    let message = ProgramMessage {
        version: PROGRAM_VERSION,
        inputs: vec![input("ids", 3, true), input("query", 2, false)],
        ops: vec![
            with(OpCode::GatherRows, &[0], &[0], &[0, 3]),      // 2: 3 × 2
            with(OpCode::Product, &[2, 1], &[], &[3, 2, 1]),    // 3: 3
            with(OpCode::Numbers, &[0], &[], &[0, 3]),          // 4: 3
            with(OpCode::Constant, &[], &[1], &[]),             // 5: 3
            with(OpCode::Select, &[4, 3, 5], &[], &[]),         // 6: 3
            op(OpCode::Softmax, &[6], &[]),                     // 7: 3
            with(OpCode::Arrange, &[7], &[], &[0, 3, 1, 2, 0]), // 8: 3 × 2
            op(OpCode::Mul, &[2, 8], &[]),                      // 9: 3 × 2
            with(OpCode::ReduceSum, &[9], &[], &[3, 2]),        // 10: 2
            with(OpCode::ReduceMax, &[2], &[], &[3, 2]),        // 11: 2
            op(OpCode::Concat, &[10, 11], &[]),                 // 12: 4
            with(OpCode::Centre, &[12], &[], &[2]),             // 13: 2 × 2
            op(OpCode::Dense, &[13], &[2]),                     // 14: 2 × 1
        ],
        tensors: vec![tensor(5, 2, 1), tensor(1, 3, 2), tensor(2, 1, 3)],
        output: 14,
    };
    let mut message = message;
    message.tensors[1].data = [-1e30_f32; 3].iter().flat_map(|v| v.to_le_bytes()).collect();
    let program = Program::from_message(message.clone()).unwrap();
    assert_eq!(Program::decode(&program.encode()).unwrap(), program);
    let table = Stored::read(&message.tensors[0]).unwrap().1;
    let weights = Stored::read(&message.tensors[2]).unwrap().1;
    let query = [0.5, -2.0];
    let out = program
        .run(
            &[Value::Ids(&[4, 0, 2]), Value::Dense(&query)],
            1,
            &mut Scratch::default(),
        )
        .unwrap()
        .to_vec();
    let key = |id: usize| [f64::from(table[2 * id]), f64::from(table[2 * id + 1])];
    let score = |id: usize| (key(id)[0] * 0.5 - key(id)[1] * 2.0).exp();
    let share = score(4) / (score(4) + score(2));
    let pooled: Vec<f64> = (0..2).map(|c| share * key(4)[c] + (1.0 - share) * key(2)[c]).collect();
    let most: Vec<f64> = (0..2).map(|c| key(4)[c].max(key(0)[c]).max(key(2)[c])).collect();
    for (found, pair) in out.iter().zip([pooled, most]) {
        let half = (pair[0] - pair[1]) / 2.0;
        let expected = half * f64::from(weights[0]) - half * f64::from(weights[1]);
        assert!((f64::from(*found) - expected).abs() < 1e-6, "{out:?}");
    }
}
