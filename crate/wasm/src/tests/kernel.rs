//! The kernels in WebAssembly, with its SIMD, against the scalar oracles that core's own tests use.

use js_sys::Math;
use upnext_core::program::format::OpCode;
use upnext_core::program::kernel::{
    all_finite, arrange, centre, clamp, dense, dense_rows, dot, gather_mean, join, l2_normalise, level_dot, map,
    mixed_dot, product, reduce, relu, rms_normalise, scale, sigmoid, softmax,
};
use wasm_bindgen_test::wasm_bindgen_test;

#[path = "../../../core/src/program/kernel/oracle.rs"]
mod oracle;

use oracle::{near, numbers, same};

/// Sizes below, at and above the tiles of the kernels, and those of a real tower.
const SIZES: [usize; 14] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 33, 64, 130];

#[wasm_bindgen_test]
fn dense_gives_the_bits_of_the_plain_loop() {
    for (seed, inputs) in SIZES.into_iter().enumerate() {
        for width in SIZES {
            let seed = seed as u64;
            let (x, w, b) = (
                numbers(seed, inputs),
                numbers(seed + 100, inputs * width),
                numbers(seed + 200, width),
            );
            for bias in [None, Some(b.as_slice())] {
                let mut out = vec![f32::NAN; width];
                dense(&x, &w, bias, &mut out);
                assert!(
                    same(&out, &oracle::dense(&x, &w, bias, width)),
                    "{inputs} × {width}, {seed}"
                );
            }
        }
    }
}

#[wasm_bindgen_test]
fn dense_of_many_rows_gives_the_bits_of_the_plain_loop() {
    for (seed, inputs) in (0..).zip([1, 5, 15]) {
        for width in [1, 2, 4, 5, 8, 13, 33] {
            for rows in [0, 3, 4, 9] {
                let (x, w, b) = (
                    numbers(seed, rows * inputs),
                    numbers(seed + 100, inputs * width),
                    numbers(seed + 200, width),
                );
                for bias in [None, Some(b.as_slice())] {
                    let mut out = vec![f32::NAN; rows * width];
                    dense_rows(&x, inputs, &w, bias, &mut out);
                    let each = x
                        .chunks_exact(inputs)
                        .flat_map(|row| oracle::dense(row, &w, bias, width));
                    assert!(
                        same(&out, &each.collect::<Vec<_>>()),
                        "{rows} of {inputs} × {width}, {seed}"
                    );
                }
            }
        }
    }
}

#[wasm_bindgen_test]
fn products_of_levels_give_the_bits_of_their_definitions() {
    let levels = |seed, len| -> Vec<i8> { numbers(seed, len).iter().map(|x| (x * 127.0) as i8).collect() };
    for seed in 0..40 {
        for len in SIZES {
            for other in [len, len.saturating_sub(3), len + 17] {
                let (a, b, x) = (
                    levels(seed, len),
                    levels(seed + 1000, other),
                    numbers(seed + 2000, other),
                );
                assert_eq!(
                    i64::from(level_dot(&a, &b)),
                    oracle::level_dot(&a, &b),
                    "{len}, {other}, {seed}"
                );
                let (found, expected) = (mixed_dot(&a, &x), oracle::mixed_dot(&a, &x));
                assert_eq!(found.to_bits(), expected.to_bits(), "{len}, {other}, {seed}");
            }
        }
    }
    let extreme = [-128_i8; 130];
    assert_eq!(
        i64::from(level_dot(&extreme, &extreme)),
        oracle::level_dot(&extreme, &extreme)
    );
}

#[wasm_bindgen_test]
fn dot_relu_and_norm_give_the_bits_of_their_definitions() {
    for seed in 0..40 {
        for len in SIZES {
            let (a, b) = (numbers(seed, len), numbers(seed + 1000, len));
            assert_eq!(dot(&a, &b).to_bits(), oracle::dot(&a, &b).to_bits(), "{len}, {seed}");
            let mut out = vec![f32::NAN; len];
            relu(&a, &mut out);
            assert!(same(&out, &oracle::relu(&a)), "{len}, {seed}");
            let mut unit = a.clone();
            l2_normalise(&mut unit, 1e-12);
            assert!(same(&unit, &oracle::l2_normalise(&a, 1e-12)), "{len}, {seed}");
        }
    }
    let (mut odd, mut out) = ([f32::NAN, -0.0, f32::NEG_INFINITY, f32::INFINITY, -1.0], [0.0; 5]);
    relu(&odd, &mut out);
    assert!(same(&out, &oracle::relu(&odd)));
    clamp(&odd, -0.5, 0.0, &mut out);
    assert!(same(&out, &oracle::clamp(&odd, -0.5, 0.0)));
    let doubled = odd.map(|value| 2.0 * value);
    scale(&mut odd, 2.0);
    assert!(same(&odd, &doubled));
}

#[wasm_bindgen_test]
fn softmax_and_layer_norm_meet_their_definitions() {
    for seed in 0..40 {
        for len in SIZES.into_iter().filter(|len| *len > 0) {
            let x = numbers(seed, len);
            let (mut out, mut centred) = (vec![f32::NAN; len], vec![f32::NAN; len]);
            softmax(&x, &mut out);
            assert!(near(&out, &oracle::softmax(&x), 1e-6), "{len}, {seed}");
            centre(&x, &mut centred);
            rms_normalise(&centred, 1e-5, &mut out);
            assert!(near(&out, &oracle::layer_norm(&x, 1e-5), 1e-4), "{len}, {seed}");
        }
    }
}

#[wasm_bindgen_test]
fn gather_mean_skips_padding() {
    for width in SIZES {
        let table = numbers(width as u64, 6 * width);
        for ids in [&[][..], &[0], &[0, 0], &[5, 0, 3, 3], &[1, 2, 3, 4, 5]] {
            let mut out = vec![f32::NAN; width];
            gather_mean(ids, &table, &mut out);
            assert!(same(&out, &oracle::gather_mean(ids, &table, width)), "{width}, {ids:?}");
        }
    }
}

#[wasm_bindgen_test]
fn one_value_that_is_not_finite_is_found() {
    for len in SIZES {
        let mut x = vec![f32::MAX; len];
        assert!(all_finite(&x));
        for at in 0..len {
            for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                x[at] = wrong;
                assert!(!all_finite(&x), "{wrong} at {at} of {len}");
            }
            x[at] = -f32::MAX;
        }
    }
}

#[wasm_bindgen_test]
fn sigmoid_is_near_the_browsers() {
    for step in -400..=400 {
        let x = step as f32 / 8.0;
        let expected = 1.0 / (1.0 + Math::exp(-f64::from(x)));
        assert!((f64::from(sigmoid(x)) - expected).abs() < 1e-6, "{x}");
    }
}

#[wasm_bindgen_test]
fn products_orders_and_reductions_give_the_bits_of_the_plain_loops() {
    for seed in 0..40_u64 {
        let [count, m, k, n, inner] = [0, 1, 2, 3, 4].map(|at| 1 + (seed as usize * 7 + at * 5) % 9);
        let (a, b) = (numbers(seed, count * m * k), numbers(seed + 100, count * k * n));
        let mut out = vec![f32::NAN; count * m * n];
        product(&a, &b, [m, k, n], &mut out);
        assert!(same(&out, &oracle::product(&a, &b, count, [m, k, n])), "{seed}");
        let axes = [(m, n), (count, 0), (k, 1)];
        let x = numbers(seed, (m - 1) * n + k);
        let expected = oracle::arrange(&x, &axes);
        let mut out = vec![f32::NAN; expected.len()];
        arrange(&x, &axes, &mut out);
        assert!(same(&out, &expected), "{seed}");
        let x = numbers(seed, count * k * inner);
        for largest in [false, true] {
            let mut out = vec![f32::NAN; count * inner];
            reduce(largest, &x, k, inner, &mut out);
            let expected = oracle::reduce(largest, &x, k, inner);
            assert!(out.iter().zip(&expected).all(|(a, b)| a == b), "{largest}, {seed}");
        }
    }
}

#[wasm_bindgen_test]
fn functions_of_one_value_are_near_the_browsers() {
    type One = fn(f64) -> f64;
    let cases: [(OpCode, One); 8] = [
        (OpCode::Sigmoid, |x| 1.0 / (1.0 + Math::exp(-x))),
        (OpCode::Tanh, Math::tanh),
        (OpCode::Exp, Math::exp),
        (OpCode::Ln, Math::log),
        (OpCode::Sqrt, Math::sqrt),
        (OpCode::Abs, Math::abs),
        (OpCode::Floor, Math::floor),
        (OpCode::Recip, |x| 1.0 / x),
    ];
    for (code, function) in cases {
        for step in -160..=160 {
            let x = step as f32 / 8.0;
            let mut out = [0.0];
            map(code, &[x], &mut out);
            let (found, expected) = (f64::from(out[0]), function(f64::from(x)));
            let is_near = (found - expected).abs() <= 1e-6 * expected.abs().max(1e-6);
            assert!(
                is_near || found == expected || found.is_nan() && expected.is_nan(),
                "{}({x}): {found}, {expected}",
                code.name()
            );
        }
    }
}

#[wasm_bindgen_test]
fn functions_of_two_values_repeat_the_shorter() {
    type Two = fn(f32, f32) -> f32;
    let cases: [(OpCode, Two); 9] = [
        (OpCode::Add, |a, b| a + b),
        (OpCode::Sub, |a, b| a - b),
        (OpCode::Mul, |a, b| a * b),
        (OpCode::Div, |a, b| a / b),
        (OpCode::Max, f32::max),
        (OpCode::Min, f32::min),
        (OpCode::Less, |a, b| f32::from(u8::from(a < b))),
        (OpCode::Equal, |a, b| f32::from(u8::from(a == b))),
        (OpCode::Pow, |a, b| Math::pow(f64::from(a), f64::from(b)) as f32),
    ];
    for width in SIZES.into_iter().filter(|width| *width > 0) {
        let (x, y) = (numbers(width as u64, 3 * width), numbers(width as u64 + 100, width));
        for (code, function) in cases {
            let mut out = vec![f32::NAN; x.len()];
            join(code, &x, &y, &mut out);
            for (i, found) in out.iter().enumerate() {
                let expected = function(x[i], y[i % width]);
                let is_near = (found - expected).abs() <= 1e-6 * expected.abs();
                assert!(
                    *found == expected || is_near || found.is_nan() && expected.is_nan(),
                    "{} at {i}",
                    code.name()
                );
            }
        }
    }
}
