//! The orthogonal Procrustes problem (Schönemann, *A generalized solution of the orthogonal Procrustes problem*, 1966).

use rayon::prelude::*;

use super::Eigen;

/// Rows of which a sum is made in one go.
const STRIPE: usize = 4096;
/// Singular values below this share of the largest say nothing of a direction.
const NEGLIGIBLE: f64 = 1e-9;

/// The orthogonal `Q`, `width × width` and row-major, for which `a · Q` comes nearest to `b`, both row-major with `width` columns
/// and as many rows: with `aᵀb = U S Vᵀ` it is `U Vᵀ`. Directions of which the rows say nothing are taken to others such that
/// `Q` stays orthogonal. `None` without rows, for lengths that do not fit, and for what is not finite.
///
/// ```
/// use upnext_export::linear::rotation;
/// // A quarter turn.
/// let q = rotation(&[1.0, 0.0, 0.0, 2.0], &[0.0, 1.0, -2.0, 0.0], 2).unwrap();
/// for (found, expected) in q.iter().zip([0.0, 1.0, -1.0, 0.0]) {
///     assert!((found - expected).abs() < 1e-12);
/// }
/// ```
#[must_use]
pub fn rotation(a: &[f32], b: &[f32], width: usize) -> Option<Vec<f64>> {
    if width == 0 || a.is_empty() || a.len() != b.len() || !a.len().is_multiple_of(width) {
        return None;
    }
    let m = cross(a, b, width);
    let column = |v: &[f64]| -> Vec<f64> { m.chunks_exact(width).map(|row| dot(row, v)).collect() };
    // MᵀM = V S² Vᵀ.
    let mut squared = vec![0.0; width * width];
    for row in m.chunks_exact(width) {
        for (i, x) in row.iter().enumerate() {
            let sums = &mut squared[i * width..(i + 1) * width];
            sums.iter_mut().zip(row).for_each(|(sum, y)| *sum += x * y);
        }
    }
    let Eigen { values, vectors } = Eigen::of(squared, width)?;
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|i, j| values[*j].total_cmp(&values[*i]));
    let least = NEGLIGIBLE * values[order[0]].max(0.0).sqrt();
    let mut left: Vec<Vec<f64>> = Vec::with_capacity(width);
    let mut q = vec![0.0; width * width];
    for k in order {
        let v = &vectors[k * width..(k + 1) * width];
        let u = apart(column(v), &left, least).or_else(|| free(&left, width))?;
        for (row, u) in q.chunks_exact_mut(width).zip(&u) {
            row.iter_mut().zip(v).for_each(|(cell, v)| *cell += u * v);
        }
        left.push(u);
    }
    q.iter().all(|cell| cell.is_finite()).then_some(q)
}

/// `aᵀ · b`, in f64; sums of stripes in their order, whatever the number of threads.
fn cross(a: &[f32], b: &[f32], width: usize) -> Vec<f64> {
    let stripes: Vec<Vec<f64>> = a
        .par_chunks(STRIPE * width)
        .zip(b.par_chunks(STRIPE * width))
        .map(|(a, b)| {
            let mut sum = vec![0.0; width * width];
            for (a, b) in a.chunks_exact(width).zip(b.chunks_exact(width)) {
                for (sums, x) in sum.chunks_exact_mut(width).zip(a) {
                    let x = f64::from(*x);
                    sums.iter_mut().zip(b).for_each(|(sum, y)| *sum += x * f64::from(*y));
                }
            }
            sum
        })
        .collect();
    let mut sum = vec![0.0; width * width];
    for stripe in stripes {
        sum.iter_mut().zip(stripe).for_each(|(sum, part)| *sum += part);
    }
    sum
}

/// What of `u` is apart from the others, with length 1; `None` where that is no more than `least`.
fn apart(mut u: Vec<f64>, others: &[Vec<f64>], least: f64) -> Option<Vec<f64>> {
    // Twice is enough (Kahan and Parlett).
    for _ in 0..2 {
        for other in others {
            let along = dot(&u, other);
            u.iter_mut().zip(other).for_each(|(u, o)| *u -= along * o);
        }
    }
    let length = dot(&u, &u).sqrt();
    (length > least && length.is_finite()).then(|| u.iter().map(|u| u / length).collect())
}

/// A direction apart from fewer than `width` others.
fn free(others: &[Vec<f64>], width: usize) -> Option<Vec<f64>> {
    let axis = |at: usize| {
        (0..width)
            .map(|i| if i == at { 1.0 } else { 0.0 })
            .collect::<Vec<f64>>()
    };
    // The squares of what is left of the axes sum to 1 at least, so one of them has 1/width.
    let least = 0.5 / (width as f64).sqrt();
    (0..width).find_map(|at| apart(axis(at), others, least))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn times(rows: &[f32], q: &[f64], width: usize) -> Vec<f32> {
        rows.chunks_exact(width)
            .flat_map(|row| {
                (0..width).map(|j| {
                    row.iter()
                        .enumerate()
                        .map(|(i, x)| f64::from(*x) * q[i * width + j])
                        .sum::<f64>() as f32
                })
            })
            .collect()
    }

    fn distance(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
    }

    fn assert_orthogonal(q: &[f64], width: usize) {
        for i in 0..width {
            for j in 0..width {
                let product: f64 = (0..width).map(|k| q[k * width + i] * q[k * width + j]).sum();
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-9, "{i} {j}: {product}");
            }
        }
    }

    /// Any orthogonal matrix: the Procrustes solution between two clouds of numbers is one.
    fn some(width: usize, numbers: &[f32]) -> Vec<f64> {
        let (a, b) = numbers.split_at(width * width);
        rotation(a, &b[..width * width], width).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn a_turned_space_is_turned_back(
            width in 1_usize..9, numbers in prop::collection::vec(-1.0_f32..1.0, 162), extra in 0_usize..20,
            rows in prop::collection::vec(-1.0_f32..1.0, 8 * 40),
        ) {
            let turn = some(width, &numbers);
            assert_orthogonal(&turn, width);
            let a = &rows[..width * (2 * width + extra)];
            let q = rotation(a, &times(a, &turn, width), width).unwrap();
            assert_orthogonal(&q, width);
            prop_assert!(distance(&times(a, &q, width), &times(a, &turn, width)) < 1e-8);
        }

        #[test]
        fn no_other_rotation_comes_nearer(
            width in 1_usize..7, numbers in prop::collection::vec(-1.0_f32..1.0, 128),
            rows in prop::collection::vec(-1.0_f32..1.0, 2 * 6 * 30),
        ) {
            let (a, b) = rows.split_at(6 * 30);
            let (a, b) = (&a[..width * 30], &b[..width * 30]);
            let q = rotation(a, b, width).unwrap();
            assert_orthogonal(&q, width);
            let other = some(width, &numbers);
            let near = distance(&times(a, &q, width), b);
            prop_assert!(near <= distance(&times(a, &other, width), b) + 1e-6);
        }

        /// Few rows say nothing of most directions: the matrix is orthogonal all the same.
        #[test]
        fn few_rows_are_enough_for_a_rotation(
            width in 2_usize..9, rows in prop::collection::vec(-1.0_f32..1.0, 32),
        ) {
            let a = &rows[..width];
            let b = &rows[16..16 + width];
            let q = rotation(a, b, width).unwrap();
            assert_orthogonal(&q, width);
        }
    }

    #[test]
    fn what_cannot_be_turned_is_none() {
        assert_eq!(rotation(&[], &[], 2), None);
        assert_eq!(rotation(&[1.0], &[1.0, 2.0], 1), None);
        assert_eq!(rotation(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 2), None);
        assert_eq!(rotation(&[f32::NAN, 1.0], &[1.0, 1.0], 2), None);
        assert_orthogonal(&rotation(&[0.0; 6], &[0.0; 6], 3).unwrap(), 3);
    }
}
