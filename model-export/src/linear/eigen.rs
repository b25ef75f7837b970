//! Eigenvalues and eigenvectors of a symmetric matrix in f64: Householder's reduction to a tridiagonal one,
//! then QL with implicit shifts (Golub and Van Loan, *Matrix Computations*, chapter 8).

use rayon::prelude::*;

use super::simd::{Kernel, with_simd};

/// `A = Vᵀ diag(values) V`, where the rows of `V` are the eigenvectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Eigen {
    /// Eigenvalues, in no particular order.
    pub values: Vec<f64>,
    /// Row `k` is the eigenvector of `values[k]`, of length 1.
    pub vectors: Vec<f64>,
}

/// Rotations of one sweep of QL are applied to blocks of this many coordinates: two rows of it stay in cache.
const COORDINATES: usize = 64;

impl Eigen {
    /// Of the symmetric `a`, `size × size`. `None` where it does not converge, as with NaN.
    #[must_use]
    pub fn of(mut a: Vec<f64>, size: usize) -> Option<Eigen> {
        if size == 0 || a.iter().any(|v| !v.is_finite()) {
            return (size == 0).then(|| Eigen {
                values: Vec::new(),
                vectors: Vec::new(),
            });
        }
        let (mut diagonal, mut beside, scales) = with_simd(Reduce { a: &mut a, size });
        let mut rows = vec![0.0; size * size];
        (0..size).for_each(|i| rows[i * size + i] = 1.0);
        let sweeps = tridiagonal(&mut diagonal, &mut beside)?;
        // Coordinates do not mix in rotations: each block of columns goes through all of them by itself.
        let blocks: Vec<Vec<f64>> = (0..size.div_ceil(COORDINATES))
            .into_par_iter()
            .map(|block| {
                let from = block * COORDINATES;
                let width = COORDINATES.min(size - from);
                let mut columns: Vec<f64> = (0..size)
                    .flat_map(|row| rows[row * size + from..row * size + from + width].iter().copied())
                    .collect();
                with_simd(Rotate {
                    columns: &mut columns,
                    width,
                    sweeps: &sweeps,
                });
                columns
            })
            .collect();
        for (block, columns) in blocks.iter().enumerate() {
            let from = block * COORDINATES;
            let width = COORDINATES.min(size - from);
            for (row, part) in columns.chunks_exact(width).enumerate() {
                rows[row * size + from..row * size + from + width].copy_from_slice(part);
            }
        }
        rows.par_chunks_exact_mut(size).for_each(|row| {
            with_simd(Reflect {
                row,
                reflectors: &a,
                scales: &scales,
            })
        });
        Some(Eigen {
            values: diagonal,
            vectors: rows,
        })
    }
}

/// Reduces `a` to a tridiagonal matrix: its diagonal, what stands beside it, and the scale of each reflector. The
/// reflectors are left in the rows of `a`, right of the diagonal.
struct Reduce<'a> {
    a: &'a mut [f64],
    size: usize,
}

impl Kernel for Reduce<'_> {
    type Output = (Vec<f64>, Vec<f64>, Vec<f64>);

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Self::Output {
        let Reduce { a, size } = self;
        let (mut beside, mut scales) = (vec![0.0; size], vec![0.0; size]);
        let mut product = vec![0.0; size];
        for k in 0..size.saturating_sub(2) {
            let (head, rest) = a.split_at_mut((k + 1) * size);
            let v = &mut head[k * size + k + 1..];
            let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            beside[k] = if v[0] > 0.0 { -norm } else { norm };
            if norm == 0.0 {
                continue;
            }
            v[0] -= beside[k];
            // H = 1 − scale · v vᵀ.
            let scale = 2.0 / v.iter().map(|x| x * x).sum::<f64>();
            scales[k] = scale;
            let w = &mut product[..v.len()];
            w.fill(0.0);
            // Rows, not columns: the matrix is symmetric, and rows are contiguous.
            for (row, x) in rest.chunks_exact(size).zip(v.iter()) {
                w.iter_mut().zip(&row[k + 1..]).for_each(|(w, a)| *w += x * a);
            }
            w.iter_mut().for_each(|w| *w *= scale);
            let half = scale * 0.5 * w.iter().zip(v.iter()).map(|(w, x)| w * x).sum::<f64>();
            w.iter_mut().zip(v.iter()).for_each(|(w, x)| *w -= half * x);
            for (i, row) in rest.chunks_exact_mut(size).enumerate() {
                let (x, y) = (v[i], w[i]);
                for ((cell, v), w) in row[k + 1..].iter_mut().zip(v.iter()).zip(w.iter()) {
                    *cell -= x * w + y * v;
                }
            }
        }
        if size >= 2 {
            beside[size - 2] = a[(size - 2) * size + size - 1];
        }
        ((0..size).map(|i| a[i * size + i]).collect(), beside, scales)
    }
}

/// A plane rotation of rows `row` and `row + 1`.
struct Rotation {
    row: usize,
    cos: f64,
    sin: f64,
}

/// QL on a tridiagonal matrix; the diagonal becomes the eigenvalues. Gives the rotations in order.
fn tridiagonal(d: &mut [f64], e: &mut [f64]) -> Option<Vec<Rotation>> {
    let size = d.len();
    let mut rotations = Vec::with_capacity(size * size);
    for l in 0..size {
        for tries in 0.. {
            let small = |m: &usize| e[*m].abs() <= f64::EPSILON * (d[*m].abs() + d[*m + 1].abs());
            let m = (l..size - 1).find(small).unwrap_or(size - 1);
            if m == l {
                break;
            }
            if tries == 60 {
                return None;
            }
            let mut g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut r = g.hypot(1.0);
            g = d[m] - d[l] + e[l] / (g + r.copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut split = false;
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                r = f.hypot(g);
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    split = true;
                    break;
                }
                (s, c) = (f / r, g / r);
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
                rotations.push(Rotation { row: i, cos: c, sin: s });
            }
            if !split {
                d[l] -= p;
                e[l] = g;
                e[m] = 0.0;
            }
        }
    }
    Some(rotations)
}

/// Applies rotations to rows of `width` values.
struct Rotate<'a> {
    columns: &'a mut [f64],
    width: usize,
    sweeps: &'a [Rotation],
}

impl Kernel for Rotate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for Rotation { row, cos, sin } in self.sweeps {
            let pair = &mut self.columns[row * self.width..(row + 2) * self.width];
            let (low, high) = pair.split_at_mut(self.width);
            for (x, y) in low.iter_mut().zip(high) {
                let (a, b) = (*x, *y);
                *x = cos * a - sin * b;
                *y = sin * a + cos * b;
            }
        }
    }
}

/// Takes an eigenvector of the tridiagonal matrix to one of the whole: all reflectors, last first.
struct Reflect<'a> {
    row: &'a mut [f64],
    reflectors: &'a [f64],
    scales: &'a [f64],
}

impl Kernel for Reflect<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let size = self.row.len();
        for (k, scale) in self.scales.iter().enumerate().rev().filter(|(_, s)| **s != 0.0) {
            let v = &self.reflectors[k * size + k + 1..(k + 1) * size];
            let tail = &mut self.row[k + 1..];
            let mut sums = [0.0_f64; 16];
            let ((x, x_rest), (y, y_rest)) = (tail.as_chunks::<16>(), v.as_chunks::<16>());
            for (x, y) in x.iter().zip(y) {
                for i in 0..16 {
                    sums[i] += x[i] * y[i];
                }
            }
            let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
            let factor = scale * (sums.iter().sum::<f64>() + rest);
            tail.iter_mut().zip(v).for_each(|(t, v)| *t -= factor * v);
        }
    }
}
