//! A row's equations solved exactly by Cholesky, on the smaller side: coordinates or observed.

use super::half::{Row, Scratch};
use crate::linear::{WIDTH, add_outer, add_scaled, factor, padded, solve as back};

/// Writes the solution; zeros where the equations are not positive definite in f32.
#[inline(always)]
pub fn solve<const FMA: bool>(row: &Row, fixed: &[f32], scratch: &mut Scratch, out: &mut [f32]) {
    // With n observed and d coordinates the work is n d² + d³ / 3 or n² d + n³ / 3. The second divides by the weights.
    let definite = row.columns.len() * 10 < row.diagonal.len() * 9 && row.weights.iter().all(|w| *w > 1e-3);
    let solved = if definite {
        by_observed::<FMA>(row, fixed, scratch, out)
    } else {
        by_coordinates::<FMA>(row, fixed, scratch, out)
    };
    if !solved {
        out.fill(0.0);
    }
}

/// `(D + Vᵀ W V) u = Vᵀ t` as it stands.
#[inline(always)]
fn by_coordinates<const FMA: bool>(row: &Row, fixed: &[f32], scratch: &mut Scratch, out: &mut [f32]) -> bool {
    let dim = row.diagonal.len();
    let stride = padded(dim);
    let Scratch { matrix, gathered, .. } = scratch;
    out.fill(0.0);
    gathered.clear();
    gathered.resize(row.columns.len() * stride, 0.0);
    matrix.clear();
    matrix.resize(dim * stride, 0.0);
    // The kernel takes one weight for all: a row's square root, and rows of a negative weight by themselves.
    let mut negative = false;
    for (place, target) in gathered.chunks_exact_mut(stride).enumerate() {
        let v = row.factor(fixed, place);
        add_scaled::<FMA>(out, row.targets[place], v);
        let weight = row.weights[place];
        negative |= weight < 0.0;
        let root = weight.max(0.0).sqrt();
        target.iter_mut().zip(v).for_each(|(t, v)| *t = root * v);
    }
    add_outer::<FMA>(matrix, stride, 0, dim, 1.0, gathered);
    if negative {
        for (place, target) in gathered.chunks_exact_mut(stride).enumerate() {
            let root = (-row.weights[place]).max(0.0).sqrt();
            let v = row.factor(fixed, place);
            target.iter_mut().zip(v).for_each(|(t, v)| *t = root * v);
        }
        add_outer::<FMA>(matrix, stride, 0, dim, -1.0, gathered);
    }
    for (i, d) in row.diagonal.iter().enumerate() {
        matrix[i * stride + i] += d;
    }
    if !factor::<FMA>(matrix, stride, dim) {
        return false;
    }
    back::<FMA>(matrix, stride, out);
    true
}

/// `u = D⁻¹ Vᵀ y` with `(W⁻¹ + V D⁻¹ Vᵀ) y = W⁻¹ t`: as many unknowns as observed.
#[inline(always)]
fn by_observed<const FMA: bool>(row: &Row, fixed: &[f32], scratch: &mut Scratch, out: &mut [f32]) -> bool {
    let (dim, count) = (row.diagonal.len(), row.columns.len());
    let stride = padded(count);
    let Scratch {
        matrix,
        gathered,
        vectors: [y, roots, ..],
        ..
    } = scratch;
    roots.clear();
    roots.extend(row.diagonal.iter().map(|d| 1.0 / d.sqrt()));
    // Coordinate by coordinate, as the kernel sums over rows.
    gathered.clear();
    gathered.resize(dim * stride, 0.0);
    for first in (0..count).step_by(WIDTH) {
        // A few rows side by side: what is written lies together.
        let last = (first + WIDTH).min(count);
        let mut rows: [&[f32]; WIDTH] = [&[]; WIDTH];
        (first..last).for_each(|place| rows[place - first] = row.factor(fixed, place));
        for (k, (target, root)) in gathered.chunks_exact_mut(stride).zip(roots.iter()).enumerate() {
            let cells = target[first..last].iter_mut();
            cells.zip(rows).for_each(|(cell, row)| *cell = root * row[k]);
        }
    }
    matrix.clear();
    matrix.resize(count * stride, 0.0);
    add_outer::<FMA>(matrix, stride, 0, count, 1.0, gathered);
    y.clear();
    for (i, (weight, target)) in row.weights.iter().zip(&row.targets).enumerate() {
        matrix[i * stride + i] += 1.0 / weight;
        y.push(target / weight);
    }
    if !factor::<FMA>(matrix, stride, count) {
        return false;
    }
    back::<FMA>(matrix, stride, y);
    out.fill(0.0);
    for (place, y) in y.iter().enumerate() {
        add_scaled::<FMA>(out, *y, row.factor(fixed, place));
    }
    out.iter_mut().zip(&row.diagonal).for_each(|(u, d)| *u /= d);
    true
}
