//! Centres of cells by Lloyd's k-means, and products with them. The same for the same rows, whatever the number of threads.

use rayon::prelude::*;

use super::simd::{Work, simd};

/// Centres that are scored together, each in a lane.
const LANES: usize = 16;
/// Rows whose products with the same centres are made together, so that each centre is read once for all of them.
const TALL: usize = 4;
/// Rows of one task.
const STRIPE: usize = 512;
/// Rows of the sample that k-means learns from, for each cell.
const SAMPLED: usize = 64;
/// Rounds of k-means: later ones move little.
const ROUNDS: usize = 8;

/// Centres, laid out for products: lanes of 16 centres, dimension by dimension.
#[derive(Debug)]
pub struct Centres {
    dim: usize,
    count: usize,
    /// `⌈count / 16⌉ × dim × 16`, zero padded.
    panels: Vec<f32>,
    /// ‖c‖² / 2 of each; infinite where there is no centre, so that it is nobody's nearest.
    halves: Vec<f32>,
}

impl Centres {
    /// Centres of `count × dim` values.
    pub fn new(values: &[f32], dim: usize) -> Centres {
        let count = values.len() / dim;
        let mut panels = vec![0.0; count.div_ceil(LANES) * dim * LANES];
        let mut halves = vec![f32::INFINITY; count.next_multiple_of(LANES)];
        for (index, centre) in values.chunks_exact(dim).enumerate() {
            let start = index / LANES * dim * LANES + index % LANES;
            for (j, value) in centre.iter().enumerate() {
                panels[start + j * LANES] = *value;
            }
            halves[index] = (centre.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / 2.0) as f32;
        }
        Centres {
            dim,
            count,
            panels,
            halves,
        }
    }

    /// The query's product with each centre.
    pub fn products(&self, query: &[f32]) -> Vec<f32> {
        let mut products = vec![0.0; self.halves.len()];
        simd(Products {
            centres: self,
            query,
            products: &mut products,
        });
        products.truncate(self.count);
        products
    }

    /// The nearest centre of each row by Euclidean distance; of equally near ones the first of the lowest lane.
    pub fn nearest(&self, rows: &[f32]) -> Vec<u32> {
        let mut nearest = vec![0; rows.len() / self.dim];
        let stripes = nearest.par_chunks_mut(STRIPE).zip(rows.par_chunks(STRIPE * self.dim));
        stripes.for_each(|(nearest, rows)| {
            simd(Nearest {
                centres: self,
                rows,
                nearest,
            });
        });
        nearest
    }
}

/// Centres for these rows, `cells × dim` values, by k-means on a sample of them.
///
/// A centre that no row is nearest to takes half of the largest cell: both move a little to either side of its centre.
pub fn train(rows: &[f32], dim: usize, cells: usize) -> Vec<f32> {
    let sample = spread(rows, dim, cells * SAMPLED);
    let mut centres = spread(&sample, dim, cells);
    for _ in 0..ROUNDS {
        let nearest = Centres::new(&centres, dim).nearest(&sample);
        let mut sums = vec![0.0_f64; cells * dim];
        let mut counts = vec![0_usize; cells];
        for (row, cell) in sample.chunks_exact(dim).zip(&nearest) {
            counts[*cell as usize] += 1;
            let sums = &mut sums[*cell as usize * dim..][..dim];
            sums.iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += f64::from(*value));
        }
        for ((centre, sum), count) in centres.chunks_exact_mut(dim).zip(sums.chunks_exact(dim)).zip(&counts) {
            if *count > 0 {
                for (value, sum) in centre.iter_mut().zip(sum) {
                    *value = (sum / *count as f64) as f32;
                }
            }
        }
        split_largest(&mut centres, dim, &mut counts);
    }
    centres
}

fn split_largest(centres: &mut [f32], dim: usize, counts: &mut [usize]) {
    for empty in 0..counts.len() {
        if counts[empty] > 0 {
            continue;
        }
        // The first of the largest.
        let largest = (0..counts.len()).rev().max_by_key(|cell| counts[*cell]).unwrap_or(0);
        for j in 0..dim {
            let value = centres[largest * dim + j];
            let step = if j % 2 == 0 { value / 1024.0 } else { -value / 1024.0 };
            centres[largest * dim + j] = value + step;
            centres[empty * dim + j] = value - step;
        }
        counts[empty] = counts[largest] / 2;
        counts[largest] -= counts[empty];
    }
}

/// At most `most` of the rows: one from each of as many equal stretches of the table, at a place that changes from
/// stretch to stretch, since tables often repeat themselves in steps.
pub fn spread(rows: &[f32], dim: usize, most: usize) -> Vec<f32> {
    let count = rows.len() / dim;
    let most = most.min(count);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..most)
        .flat_map(|stretch| {
            let (start, end) = (stretch * count / most, (stretch + 1) * count / most);
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let row = start + ((state >> 33) as usize) % (end - start);
            &rows[row * dim..(row + 1) * dim]
        })
        .copied()
        .collect()
}

struct Products<'a> {
    centres: &'a Centres,
    query: &'a [f32],
    products: &'a mut [f32],
}

impl Work for Products<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let panels = self.centres.panels.chunks_exact(self.centres.dim * LANES);
        for (panel, products) in panels.zip(self.products.chunks_exact_mut(LANES)) {
            let [sums] = panel_products::<FMA, 1>([self.query], panel);
            products.copy_from_slice(&sums);
        }
    }
}

struct Nearest<'a> {
    centres: &'a Centres,
    rows: &'a [f32],
    nearest: &'a mut [u32],
}

impl Work for Nearest<'_> {
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Nearest { centres, rows, nearest } = self;
        let whole = nearest.len() / TALL * TALL;
        let (nearest, rest) = nearest.split_at_mut(whole);
        let (rows, rest_rows) = rows.split_at(whole * centres.dim);
        for (nearest, rows) in nearest
            .chunks_exact_mut(TALL)
            .zip(rows.chunks_exact(TALL * centres.dim))
        {
            nearest.copy_from_slice(&nearest_of::<FMA, TALL>(centres, rows));
        }
        for (nearest, row) in rest.iter_mut().zip(rest_rows.chunks_exact(centres.dim)) {
            [*nearest] = nearest_of::<FMA, 1>(centres, row);
        }
    }
}

/// `argmax v·c − ‖c‖²/2`, which is `argmin ‖v − c‖`, of `M` rows.
#[inline(always)]
fn nearest_of<const FMA: bool, const M: usize>(centres: &Centres, rows: &[f32]) -> [u32; M] {
    let dim = centres.dim;
    let rows: [&[f32]; M] = std::array::from_fn(|m| &rows[m * dim..(m + 1) * dim]);
    let mut best = [Best::NONE; M];
    let panels = centres.panels.chunks_exact(dim * LANES);
    for (panel, (values, halves)) in panels.zip(centres.halves.as_chunks::<LANES>().0).enumerate() {
        let products = panel_products::<FMA, M>(rows, values);
        for m in 0..M {
            best[m].see(&products[m], halves, panel as u32);
        }
    }
    best.map(Best::winner)
}

/// The best centre so far of each lane.
#[derive(Clone, Copy)]
struct Best {
    score: [f32; LANES],
    panel: [u32; LANES],
}

impl Best {
    const NONE: Best = Best {
        score: [f32::NEG_INFINITY; LANES],
        panel: [0; LANES],
    };

    /// Looks at the centres of another panel. Loop by loop, and with bits in the place of conditions: so it becomes instructions
    /// for all lanes at once, and a branch for each of them otherwise, which took as long as the products.
    #[inline(always)]
    fn see(&mut self, products: &[f32; LANES], halves: &[f32; LANES], panel: u32) {
        let mut score = [0.0; LANES];
        for (score, (product, half)) in score.iter_mut().zip(products.iter().zip(halves)) {
            *score = product - half;
        }
        let mut better = [0_u32; LANES];
        for (better, (score, best)) in better.iter_mut().zip(score.iter().zip(&self.score)) {
            *better = if score > best { u32::MAX } else { 0 };
        }
        for (best, better) in self.panel.iter_mut().zip(&better) {
            *best = panel & better | *best & !better;
        }
        for (best, (score, better)) in self.score.iter_mut().zip(score.iter().zip(&better)) {
            *best = f32::from_bits(score.to_bits() & better | best.to_bits() & !better);
        }
    }

    /// The best of all; of equal ones that of the lowest lane.
    #[inline(always)]
    fn winner(self) -> u32 {
        let mut winner = 0;
        for lane in 1..LANES {
            if self.score[lane] > self.score[winner] {
                winner = lane;
            }
        }
        self.panel[winner] * LANES as u32 + winner as u32
    }
}

/// Products of `M` rows with the 16 centres of a panel.
#[inline(always)]
fn panel_products<const FMA: bool, const M: usize>(rows: [&[f32]; M], panel: &[f32]) -> [[f32; LANES]; M] {
    let panel = panel.as_chunks::<LANES>().0;
    // As long as the panel: no look into a row has to be checked.
    let rows = rows.map(|row| &row[..panel.len()]);
    let mut sums = [[0.0_f32; LANES]; M];
    for (j, across) in panel.iter().enumerate() {
        for m in 0..M {
            let value = rows[m][j];
            for lane in 0..LANES {
                sums[m][lane] = if FMA {
                    value.mul_add(across[lane], sums[m][lane])
                } else {
                    sums[m][lane] + value * across[lane]
                };
            }
        }
    }
    sums
}
