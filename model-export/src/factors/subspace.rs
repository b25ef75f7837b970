//! A row's equations by blocks of coordinates, each solved exactly while the others stand still: iALS++
//! (Rendle, Krichene, Zhang, Koren 2021). Work per row is linear in the width of a factor for a fixed block.

use super::half::{Row, Scratch};
use crate::linear::{add_outer, add_scaled, dot, factor, padded, solve};

/// Improves the factor `u` by one pass over its blocks of `block` coordinates.
#[inline(always)]
pub fn improve<const FMA: bool>(row: &Row, fixed: &[f32], block: usize, scratch: &mut Scratch, u: &mut [f32]) {
    let (dim, count) = (row.diagonal.len(), row.columns.len());
    let Scratch {
        matrix,
        gathered,
        vectors: [residual, step, ..],
        ..
    } = scratch;
    residual.clear();
    for place in 0..count {
        residual.push(row.targets[place] - row.weights[place] * dot::<FMA>(row.factor(fixed, place), u));
    }
    let mut start = 0;
    while start < dim {
        let width = block.min(dim - start);
        let stride = padded(width);
        let coordinates = start..start + width;
        gathered.clear();
        gathered.resize(count * stride, 0.0);
        step.clear();
        step.resize(width, 0.0);
        let here = row.diagonal[coordinates.clone()].iter().zip(&u[coordinates.clone()]);
        step.iter_mut().zip(here).for_each(|(s, (d, u))| *s = -d * u);
        for (place, target) in gathered.chunks_exact_mut(stride).enumerate() {
            let v = &row.factor(fixed, place)[coordinates.clone()];
            add_scaled::<FMA>(step, residual[place], v);
            let root = row.weights[place].max(0.0).sqrt();
            target.iter_mut().zip(v).for_each(|(t, v)| *t = root * v);
        }
        matrix.clear();
        matrix.resize(width * stride, 0.0);
        add_outer::<FMA>(matrix, stride, 0, width, 1.0, gathered);
        for (i, d) in row.diagonal[coordinates.clone()].iter().enumerate() {
            matrix[i * stride + i] += d;
        }
        // A weight below 0 is taken as 0 in the matrix alone: the step becomes shorter, its aim stays the same.
        if factor::<FMA>(matrix, stride, width) {
            solve::<FMA>(matrix, stride, step);
            add_scaled::<FMA>(&mut u[coordinates.clone()], 1.0, step);
            for (place, missing) in residual.iter_mut().enumerate() {
                let v = &row.factor(fixed, place)[coordinates.clone()];
                *missing -= row.weights[place] * dot::<FMA>(v, step);
            }
        }
        start += width;
    }
}
