//! The kernels in WebAssembly, with its SIMD, against the scalar oracles that core's own tests use.

use js_sys::Math;
use upnext_core::program::kernel::{
    all_finite, centre, dense, dot, gather_mean, l2_normalise, relu, rms_normalise, sigmoid, softmax,
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
    let (odd, mut out) = ([f32::NAN, -0.0, f32::NEG_INFINITY, f32::INFINITY, -1.0], [0.0; 5]);
    relu(&odd, &mut out);
    assert!(same(&out, &oracle::relu(&odd)));
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
