//! Matrix products by a kernel of six rows times 16 columns.

use rayon::prelude::*;

use super::outer::WIDTH;
use super::simd::{Kernel, mul_add, with_simd};

/// Rows that one tile covers: with 2 × 8 columns, twelve of the sixteen registers of AVX2 are sums.
const TALL: usize = 6;

/// Rows of a product that one task makes.
const STRIPE: usize = 96;

/// The right side of products, laid out in panels of [`WIDTH`] columns that are read from front to back.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    depth: usize,
    columns: usize,
    panels: Vec<f32>,
}

impl Packed {
    /// A row-major matrix with `columns` columns.
    #[must_use]
    pub fn new(values: &[f32], columns: usize) -> Packed {
        let depth = values.len() / columns.max(1);
        let mut panels = vec![0.0; columns.div_ceil(WIDTH) * depth * WIDTH];
        for (panel, target) in panels.chunks_exact_mut((depth * WIDTH).max(1)).enumerate() {
            let left = panel * WIDTH;
            let width = WIDTH.min(columns - left);
            for (target, row) in target.chunks_exact_mut(WIDTH).zip(values.chunks_exact(columns)) {
                target[..width].copy_from_slice(&row[left..left + width]);
            }
        }
        Packed { depth, columns, panels }
    }

    /// The transpose of a row-major matrix with `depth` columns.
    #[must_use]
    pub fn transposed(values: &[f32], depth: usize) -> Packed {
        let columns = values.len() / depth.max(1);
        let mut panels = vec![0.0; columns.div_ceil(WIDTH) * depth * WIDTH];
        let all = panels.par_chunks_exact_mut((depth * WIDTH).max(1));
        all.zip(values.par_chunks((depth * WIDTH).max(1)))
            .for_each(|(target, rows)| {
                for (column, row) in rows.chunks_exact(depth).enumerate() {
                    for (target, v) in target.chunks_exact_mut(WIDTH).zip(row) {
                        target[column] = *v;
                    }
                }
            });
        Packed { depth, columns, panels }
    }

    /// Columns of the left side.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Columns of a product.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// `c += a · b` on one thread; `a` and `c` are row-major.
    pub fn add_product(&self, a: &[f32], c: &mut [f32]) {
        if self.depth > 0 && self.columns > 0 {
            with_simd(Product { a, b: self, c });
        }
    }

    /// `a · b` on all cores. Every row is summed in the same order whatever the number of threads.
    #[must_use]
    pub fn product(&self, a: &[f32]) -> Vec<f32> {
        let mut c = vec![0.0; a.len() / self.depth.max(1) * self.columns];
        if !c.is_empty() {
            let stripes = c
                .par_chunks_mut(STRIPE * self.columns)
                .zip(a.par_chunks(STRIPE * self.depth));
            stripes.for_each(|(c, a)| self.add_product(a, c));
        }
        c
    }
}

struct Product<'a> {
    a: &'a [f32],
    b: &'a Packed,
    c: &'a mut [f32],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Product { a, b, c } = self;
        let rows = (a.len() / b.depth).min(c.len() / b.columns);
        let mut top = 0;
        while top < rows {
            let (a, c) = (&a[top * b.depth..], &mut c[top * b.columns..]);
            if top + TALL <= rows {
                group::<FMA, TALL>(a, b, c);
                top += TALL;
            } else {
                group::<FMA, 1>(a, b, c);
                top += 1;
            }
        }
    }
}

/// The first `M` rows of `a` times all panels.
#[inline(always)]
fn group<const FMA: bool, const M: usize>(a: &[f32], b: &Packed, c: &mut [f32]) {
    let down: Vec<[f32; M]> = (0..b.depth)
        .map(|k| std::array::from_fn(|m| a[m * b.depth + k]))
        .collect();
    for (panel, values) in b.panels.chunks_exact(b.depth * WIDTH).enumerate() {
        tile::<FMA, M>(&down, values, panel * WIDTH, b.columns, c);
    }
}

/// `M` rows times one panel.
#[inline(always)]
fn tile<const FMA: bool, const M: usize>(down: &[[f32; M]], panel: &[f32], left: usize, columns: usize, c: &mut [f32]) {
    let mut sums = [[0.0_f32; WIDTH]; M];
    for (down, across) in down.iter().zip(panel.as_chunks::<WIDTH>().0) {
        for m in 0..M {
            for n in 0..WIDTH {
                sums[m][n] = mul_add::<FMA>(down[m], across[n], sums[m][n]);
            }
        }
    }
    let width = WIDTH.min(columns - left);
    for (m, sums) in sums.iter().enumerate() {
        let start = m * columns + left;
        for (cell, sum) in c[start..start + width].iter_mut().zip(sums) {
            *cell += sum;
        }
    }
}
