use crate::program::kernel::{
    all_finite, centre, clamp, dense, dense_rows, dot, dot_f64, gather_mean, l2_normalise, largest, level_dot, mix,
    mixed_dot, next_of, oracle, relu, rms_normalise, scale, sigmoid, softmax, widen,
};
use oracle::{near, numbers, same};
use proptest::prelude::*;

proptest! {
    #[test]
    fn dense_gives_the_bits_of_the_plain_loop(seed: u64, inputs in 0_usize..40, width in 0_usize..90, biased: bool) {
        let (x, w, b) = (numbers(seed, inputs), numbers(seed ^ 1, inputs * width), numbers(seed ^ 2, width));
        let bias = biased.then_some(b.as_slice());
        let mut out = vec![f32::NAN; width];
        dense(&x, &w, bias, &mut out);
        prop_assert!(same(&out, &oracle::dense(&x, &w, bias, width)));
    }

    #[test]
    fn dense_of_many_rows_gives_the_bits_of_the_plain_loop(
        seed: u64, rows in 0_usize..11, inputs in 1_usize..20, width in 1_usize..40, biased: bool,
        wrong in prop::option::of((any::<prop::sample::Index>(), prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::MAX]))),
    ) {
        let (mut x, w, b) = (numbers(seed, rows * inputs), numbers(seed ^ 1, inputs * width), numbers(seed ^ 2, width));
        if let Some((at, value)) = wrong.filter(|_| rows > 0) {
            x[at.index(rows * inputs)] = value;
        }
        let bias = biased.then_some(b.as_slice());
        let mut out = vec![f32::NAN; rows * width];
        dense_rows(&x, inputs, &w, bias, &mut out);
        let each = x.chunks_exact(inputs).flat_map(|row| oracle::dense(row, &w, bias, width));
        prop_assert!(same(&out, &each.collect::<Vec<_>>()));
    }

    #[test]
    fn widening_scaling_and_clamping_are_what_they_are_of_each_value(
        levels in prop::collection::vec(any::<i8>(), 0..50), x in prop::collection::vec(any::<f32>(), 0..40), by: f32,
    ) {
        let mut wide = vec![f32::NAN; levels.len()];
        widen(&levels, &mut wide);
        prop_assert!(wide.iter().zip(&levels).all(|(wide, level)| *wide == f32::from(*level)));
        let mut out = x.clone();
        scale(&mut out, by);
        prop_assert!(same(&out, &x.iter().map(|v| v * by).collect::<Vec<_>>()));
        clamp(&x, -5.0, 2.5, &mut out);
        prop_assert!(same(&out, &oracle::clamp(&x, -5.0, 2.5)));
    }

    #[test]
    fn mixing_and_looking_for_the_largest_are_what_plain_loops_do(
        a in prop::collection::vec(-4_i8..4, 0..40), by in 0.0_f32..1.0, from in 0_usize..45, least in -3_i8..4,
    ) {
        let a: Vec<f32> = a.iter().map(|v| if *v == -4 { f32::NEG_INFINITY } else { f32::from(*v) }).collect();
        let first = |least: f32, from: usize| (from..a.len()).find(|i| a[*i] >= least);
        prop_assert_eq!(next_of(&a, from, f32::from(least)), first(f32::from(least), from));
        let most = a.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        prop_assert_eq!(largest(&a), if most > f32::NEG_INFINITY { first(most, 0) } else { None });
        let (b, mut out) = (numbers(3, a.len()), vec![f32::NAN; a.len()]);
        mix(&a, by, &b, &mut out);
        let plain: Vec<f32> = a.iter().zip(&b).map(|(a, b)| by * a + (1.0 - by) * b).collect();
        prop_assert!(same(&out, &plain));
        let wide = |x: &[f32]| x.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
        let (b, c) = (wide(&b), wide(&numbers(4, a.len())));
        let plain: f64 = b.iter().zip(&c).map(|(b, c)| b * c).sum();
        prop_assert!((dot_f64(&b, &c) - plain).abs() < 1e-12);
    }

    #[test]
    fn dense_of_what_overflowed_is_that_of_the_plain_loop(seed: u64, at: prop::sample::Index, wrong in prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::MAX])) {
        let (mut x, w) = (numbers(seed, 9), numbers(seed ^ 1, 9 * 7));
        x[at.index(9)] = wrong;
        let mut out = [0.0; 7];
        dense(&x, &w, None, &mut out);
        prop_assert!(same(&out, &oracle::dense(&x, &w, None, 7)));
    }

    #[test]
    fn dot_gives_the_bits_of_its_order_and_is_near_the_plain_sum(seed: u64, len in 0_usize..100) {
        let (a, b) = (numbers(seed, len), numbers(seed ^ 1, len));
        prop_assert_eq!(dot(&a, &b).to_bits(), oracle::dot(&a, &b).to_bits());
        let plain: f64 = a.iter().zip(&b).map(|(u, v)| f64::from(*u) * f64::from(*v)).sum();
        prop_assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-5);
    }

    #[test]
    fn products_of_levels_give_the_bits_of_their_definitions(
        a in prop::collection::vec(any::<i8>(), 0..150), b in prop::collection::vec(any::<i8>(), 0..150), seed: u64,
    ) {
        prop_assert_eq!(i64::from(level_dot(&a, &b)), oracle::level_dot(&a, &b));
        let x = numbers(seed, b.len());
        prop_assert_eq!(mixed_dot(&a, &x).to_bits(), oracle::mixed_dot(&a, &x).to_bits());
    }

    #[test]
    fn relu_is_the_value_or_zero(x in prop::collection::vec(any::<f32>(), 0..40)) {
        let mut out = vec![f32::NAN; x.len()];
        relu(&x, &mut out);
        prop_assert!(same(&out, &oracle::relu(&x)));
    }

    #[test]
    fn one_value_that_is_not_finite_is_found(len in 1_usize..40, at: prop::sample::Index, wrong in prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY])) {
        let mut x = vec![f32::MAX; len];
        prop_assert!(all_finite(&x));
        x[at.index(len)] = wrong;
        prop_assert!(!all_finite(&x));
    }

    #[test]
    fn gather_mean_skips_padding(seed: u64, ids in prop::collection::vec(0_u32..6, 0..8), width in 0_usize..10) {
        let table = numbers(seed, 6 * width);
        let mut out = vec![f32::NAN; width];
        gather_mean(&ids, &table, &mut out);
        prop_assert!(same(&out, &oracle::gather_mean(&ids, &table, width)));
    }

    #[test]
    fn a_normalised_row_has_length_one_or_is_zero(seed: u64, len in 1_usize..70) {
        let row = numbers(seed, len);
        let mut out = row.clone();
        l2_normalise(&mut out, 1e-12);
        prop_assert!(same(&out, &oracle::l2_normalise(&row, 1e-12)));
        let length = if row.iter().all(|v| *v == 0.0) { 0.0 } else { 1.0 };
        prop_assert!((dot(&out, &out) - length).abs() < 1e-5);
    }

    #[test]
    fn softmax_meets_its_definition_and_overflows_nowhere(seed: u64, len in 1_usize..70, shift in -1e4_f32..1e4) {
        let x = numbers(seed, len);
        let mut out = vec![f32::NAN; len];
        softmax(&x, &mut out);
        prop_assert!(near(&out, &oracle::softmax(&x), 1e-6));
        let shifted: Vec<f32> = x.iter().map(|v| v * 0.0 + shift).collect();
        softmax(&shifted, &mut out);
        prop_assert!(near(&out, &vec![1.0 / len as f64; len], 1e-6));
    }

    #[test]
    fn centred_and_normed_is_a_layer_norm(seed: u64, len in 1_usize..70) {
        let x = numbers(seed, len);
        let (mut centred, mut out) = (vec![f32::NAN; len], vec![f32::NAN; len]);
        centre(&x, &mut centred);
        rms_normalise(&centred, 1e-5, &mut out);
        prop_assert!(near(&out, &oracle::layer_norm(&x, 1e-5), 1e-4));
    }

    #[test]
    fn sigmoid_is_rising_and_within_0_and_1(a in -200.0_f32..200.0, b in -200.0_f32..200.0) {
        let (low, high) = (sigmoid(a.min(b)), sigmoid(a.max(b)));
        prop_assert!((0.0..=1.0).contains(&low) && low <= high && high <= 1.0);
    }
}
