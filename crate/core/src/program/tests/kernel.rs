use crate::fixture::noise;
use crate::program::kernel::{all_finite, dense, dot, gather_mean, l2_normalise, relu, sigmoid};
use proptest::prelude::*;

fn vector(seed: u64, len: usize) -> Vec<f32> {
    (0..len).map(|i| noise(seed, i)).collect()
}

/// With runs of zeros of either sign, as the pools of a viewer have them.
fn holed(seed: u64, len: usize) -> Vec<f32> {
    let run = |i: usize| noise(seed ^ 3, i / 6);
    let hole = |i: usize, v: f32| if run(i) < 0.0 { 0.0_f32.copysign(v) } else { v };
    vector(seed, len)
        .into_iter()
        .enumerate()
        .map(|(i, v)| hole(i, v))
        .collect()
}

/// One output after the other, as the definition has it.
fn dense_oracle(x: &[f32], weights: &[f32], bias: Option<&[f32]>, width: usize) -> Vec<u32> {
    let output = |o: usize| {
        let mut sum = 0.0 + bias.map_or(0.0, |b| b[o]);
        for (i, v) in x.iter().enumerate() {
            sum += v * weights[i * width + o];
        }
        sum.to_bits()
    };
    (0..width).map(output).collect()
}

proptest! {
    #[test]
    fn dense_gives_the_bits_of_the_plain_loop(seed: u64, inputs in 0_usize..40, width in 0_usize..90, biased: bool) {
        let (x, w, b) = (holed(seed, inputs), vector(seed ^ 1, inputs * width), holed(seed ^ 2, width));
        let bias = biased.then_some(b.as_slice());
        let mut out = vec![f32::NAN; width];
        dense(&x, &w, bias, &mut out);
        let bits: Vec<u32> = out.iter().map(|v| v.to_bits()).collect();
        prop_assert_eq!(bits, dense_oracle(&x, &w, bias, width));
    }

    #[test]
    fn dot_is_near_the_plain_sum(seed: u64, len in 0_usize..100) {
        let (a, b) = (vector(seed, len), vector(seed ^ 1, len));
        let plain: f64 = a.iter().zip(&b).map(|(u, v)| f64::from(*u) * f64::from(*v)).sum();
        prop_assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-5);
    }

    #[test]
    fn dot_gives_the_bits_of_its_order(seed: u64, len in 0_usize..100) {
        let (a, b) = (vector(seed, len), vector(seed ^ 1, len));
        let whole = len / 8 * 8;
        let lane = |l: usize| (l..whole).step_by(8).fold(0.0_f32, |sum, i| sum + a[i] * b[i]);
        let folded = ((lane(0) + lane(4)) + (lane(1) + lane(5))) + ((lane(2) + lane(6)) + (lane(3) + lane(7)));
        let sum = (whole..len).fold(folded, |sum, i| sum + a[i] * b[i]);
        prop_assert_eq!(dot(&a, &b).to_bits(), sum.to_bits());
    }

    #[test]
    fn relu_is_the_value_or_zero(x in prop::collection::vec(any::<f32>(), 0..40)) {
        let mut out = vec![f32::NAN; x.len()];
        relu(&x, &mut out);
        for (found, value) in out.iter().zip(&x) {
            let expected = if *value < 0.0 { 0.0 } else { *value };
            prop_assert!(found.to_bits() == expected.to_bits() || found.is_nan() && value.is_nan());
        }
    }

    #[test]
    fn one_value_that_is_not_finite_is_found(len in 1_usize..40, at: prop::sample::Index, wrong in prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY])) {
        let mut x = vec![f32::MAX; len];
        prop_assert!(all_finite(&x));
        x[at.index(len)] = wrong;
        prop_assert!(!all_finite(&x));
    }

    #[test]
    fn gather_mean_skips_padding(ids in prop::collection::vec(0_u32..6, 0..8)) {
        let table = vector(9, 6 * 3);
        let mut out = [f32::NAN; 3];
        gather_mean(&ids, &table, &mut out);
        let real: Vec<usize> = ids.iter().filter(|id| **id != 0).map(|id| *id as usize).collect();
        for (column, value) in out.iter().enumerate() {
            let sum: f32 = real.iter().map(|id| table[id * 3 + column]).sum();
            let mean = if real.is_empty() { 0.0 } else { sum / real.len() as f32 };
            prop_assert!((value - mean).abs() < 1e-6);
        }
    }

    #[test]
    fn a_normalised_row_has_length_one(seed: u64, len in 1_usize..70) {
        let mut row = vector(seed, len);
        l2_normalise(&mut row, 1e-12);
        prop_assert!((dot(&row, &row) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn sigmoid_is_rising_and_within_0_and_1(a in -200.0_f32..200.0, b in -200.0_f32..200.0) {
        let (low, high) = (sigmoid(a.min(b)), sigmoid(a.max(b)));
        prop_assert!((0.0..=1.0).contains(&low) && low <= high && high <= 1.0);
    }
}

#[test]
fn zeros_stay_zeros() {
    let mut row = [0.0; 3];
    l2_normalise(&mut row, 1e-12);
    assert_eq!(row, [0.0; 3]);
}
