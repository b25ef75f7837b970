#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

/// Numbers without a pattern, the same on every run.
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed + 9;
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as f32 / (1_u64 << 31) as f32) * 2.0 - 1.0
        })
        .collect()
}

fn naive_product(a: &[f32], b: &[f32], m: usize, k: usize, n: usize) -> Vec<f64> {
    let cell = |i: usize, j: usize| (0..k).map(|l| f64::from(a[i * k + l]) * f64::from(b[l * n + j])).sum();
    (0..m * n).map(|c| cell(c / n, c % n)).collect()
}

struct Solve<'a>(&'a mut [f32], usize, &'a mut [f32]);
impl Kernel for Solve<'_> {
    type Output = bool;
    #[inline(always)]
    fn run<const FMA: bool>(self) -> bool {
        let size = self.2.len();
        let definite = factor::<FMA>(self.0, self.1, size);
        if definite {
            solve::<FMA>(self.0, self.1, self.2);
        }
        definite
    }
}

struct Outer<'a>(&'a mut [f32], usize, usize, &'a [f32]);
impl Kernel for Outer<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        add_outer::<FMA>(self.0, self.1, 0, self.2, -2.0, self.3);
    }
}

struct Four<'a>([&'a [f32]; 4], &'a [f32]);
impl Kernel for Four<'_> {
    type Output = ([f32; 4], Vec<f32>, f32);
    #[inline(always)]
    fn run<const FMA: bool>(self) -> Self::Output {
        let mut y = self.1.to_vec();
        let products = dots::<FMA>(self.0, self.1);
        add_four::<FMA>(&mut y, [1.0, -2.0, 0.5, 3.0], self.0);
        (products, y, dot::<FMA>(self.0[0], self.1))
    }
}

/// A symmetric positive definite matrix.
fn definite(size: usize, seed: u64) -> Vec<f32> {
    let p = noise(size * (size + 3), seed);
    let mut a: Vec<f32> = gram(&p, size).iter().map(|v| *v as f32).collect();
    (0..size).for_each(|i| a[i * size + i] += 0.5);
    a
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn products_and_gram_matrices_equal_their_definition(m in 1_usize..300, k in 1_usize..20, n in 1_usize..40, seed in any::<u32>()) {
        let (a, b) = (noise(m * k, u64::from(seed)), noise(k * n, 5));
        let naive = naive_product(&a, &b, m, k, n);
        let packed = Packed::new(&b, n);
        for (fast, naive) in packed.product(&a).iter().zip(&naive) {
            prop_assert!((f64::from(*fast) - naive).abs() < 1e-4);
        }
        let turned: Vec<f32> = (0..k * n).map(|c| b[(c % k) * n + c / k]).collect();
        prop_assert_eq!(Packed::transposed(&turned, k), packed);
        let transposed: Vec<f32> = (0..m * k).map(|c| a[(c % m) * k + c / m]).collect();
        for (fast, naive) in gram(&a, k).iter().zip(naive_product(&transposed, &a, k, m, k)) {
            prop_assert!((fast - naive).abs() < 1e-3);
        }
    }

    #[test]
    fn four_rows_at_once_are_as_four_by_one(width in 0_usize..100, seed in any::<u32>()) {
        let v = noise(width * 5, u64::from(seed));
        let rows: [&[f32]; 4] = std::array::from_fn(|m| &v[m * width..(m + 1) * width]);
        let with = &v[4 * width..];
        let (products, y, first) = with_simd(Four(rows, with));
        for (row, product) in rows.iter().zip(products) {
            let naive: f64 = row.iter().zip(with).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!((f64::from(product) - naive).abs() < 1e-4);
        }
        prop_assert!((first - products[0]).abs() < 1e-4);
        for (i, y) in y.iter().enumerate() {
            let naive = with[i] + rows[0][i] - 2.0 * rows[1][i] + 0.5 * rows[2][i] + 3.0 * rows[3][i];
            prop_assert!((y - naive).abs() < 1e-5);
        }
    }

    #[test]
    fn the_kernel_adds_outer_products_to_the_upper_triangle(width in 1_usize..100, count in 0_usize..150, seed in any::<u32>()) {
        let stride = padded(width);
        let mut p = noise(count * stride, u64::from(seed));
        p.chunks_exact_mut(stride).for_each(|row| row[width..].fill(0.0));
        let mut a = vec![1.0; width * stride];
        with_simd(Outer(&mut a, stride, width, &p));
        for i in 0..width {
            for j in i..width {
                let sum: f64 = p.chunks_exact(stride).map(|r| f64::from(r[i]) * f64::from(r[j])).sum();
                prop_assert!((f64::from(a[i * stride + j]) - (1.0 - 2.0 * sum)).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn a_solution_by_cholesky_satisfies_its_equations(size in 1_usize..110, seed in any::<u32>()) {
        let (a, b) = (definite(size, u64::from(seed)), noise(size, 4));
        let stride = padded(size);
        let mut padded_a = vec![0.0; size * stride];
        for (target, row) in padded_a.chunks_exact_mut(stride).zip(a.chunks_exact(size)) {
            target[..size].copy_from_slice(row);
        }
        let mut x = b.clone();
        prop_assert!(with_simd(Solve(&mut padded_a, stride, &mut x)));
        for (row, b) in a.chunks_exact(size).zip(&b) {
            let sum: f64 = row.iter().zip(&x).map(|(a, x)| f64::from(*a) * f64::from(*x)).sum();
            prop_assert!((sum - f64::from(*b)).abs() < 5e-3, "{} {}", sum, b);
        }
    }

    #[test]
    fn eigenvectors_are_orthonormal_and_give_the_matrix_back(size in 0_usize..90, seed in any::<u32>(), rank in 1_usize..90) {
        // Of every rank: many equal eigenvalues at 0 too.
        let p = noise(size * rank, u64::from(seed));
        let a = gram(&p, size);
        let eigen = Eigen::of(a.clone(), size).unwrap();
        for i in 0..size {
            for j in 0..size {
                let (mut back, mut one) = (0.0, 0.0);
                for k in 0..size {
                    back += eigen.values[k] * eigen.vectors[k * size + i] * eigen.vectors[k * size + j];
                    one += eigen.vectors[i * size + k] * eigen.vectors[j * size + k];
                }
                prop_assert!((back - a[i * size + j]).abs() < 1e-9 * (size * rank) as f64);
                prop_assert!((one - f64::from(u8::from(i == j))).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn the_inverse_times_the_matrix_is_one(size in 1_usize..210, seed in any::<u32>()) {
        let a = definite(size, u64::from(seed));
        let mut inverse = a.clone();
        prop_assert!(invert(&mut inverse, size));
        for (c, v) in naive_product(&a, &inverse, size, size, size).iter().enumerate() {
            prop_assert!((v - f64::from(u8::from(c / size == c % size))).abs() < 0.02, "{} {}", c, v);
        }
    }
}

#[test]
fn what_is_not_definite_or_not_finite_is_said() {
    let mut a = vec![0.0; 2 * WIDTH];
    (a[0], a[1], a[WIDTH + 1]) = (1.0, 2.0, 1.0);
    assert!(!with_simd(Solve(&mut a, WIDTH, &mut [1.0, 1.0])));
    assert!(!invert(&mut [1.0, 2.0, 2.0, 1.0], 2));
    assert!(Eigen::of(vec![1.0, f64::NAN, f64::NAN, 1.0], 2).is_none());
}
