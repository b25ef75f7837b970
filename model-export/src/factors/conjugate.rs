//! A row's equations by a few steps of conjugate gradient (Takács, Pilászy, Tikk 2011), preconditioned by the diagonal.

use super::half::{Row, Scratch};
use crate::linear::{add_four, add_scaled, dot, dots};

/// Where the residual is this small against the right side, the row is solved.
const SOLVED: f32 = 1e-12;

/// Improves the factor `u` by `steps` steps.
#[inline(always)]
pub fn improve<const FMA: bool>(row: &Row, fixed: &[f32], steps: usize, scratch: &mut Scratch, u: &mut [f32]) {
    let dim = row.diagonal.len();
    let [residual, direction, product, diagonal] = &mut scratch.vectors;
    for vector in [&mut *residual, &mut *direction, &mut *product, &mut *diagonal] {
        vector.clear();
        vector.resize(dim, 0.0);
    }
    let (residual, direction) = (&mut residual[..dim], &mut direction[..dim]);
    let (product, diagonal) = (&mut product[..dim], &mut diagonal[..dim]);
    // r = Vᵀ (t − W V u) − D u, and the diagonal of the equations, in one pass.
    diagonal.copy_from_slice(&row.diagonal);
    residual
        .iter_mut()
        .zip(&row.diagonal)
        .zip(u.iter())
        .for_each(|((r, d), u)| *r = -d * u);
    let count = row.columns.len();
    for four in (0..count / 4 * 4).step_by(4) {
        let v: [&[f32]; 4] = std::array::from_fn(|i| row.factor(fixed, four + i));
        let weights: [f32; 4] = std::array::from_fn(|i| row.weights[four + i]);
        let products = dots::<FMA>(v, u);
        let missing = std::array::from_fn(|i| row.targets[four + i] - weights[i] * products[i]);
        add_four::<FMA>(residual, missing, v);
        let [a, b, c, e] = v;
        for ((((d, a), b), c), e) in diagonal.iter_mut().zip(a).zip(b).zip(c).zip(e) {
            *d += weights[0] * a * a + weights[1] * b * b + (weights[2] * c * c + weights[3] * e * e);
        }
    }
    for place in count / 4 * 4..count {
        let v = row.factor(fixed, place);
        let weight = row.weights[place];
        let missing = row.targets[place] - weight * dot::<FMA>(v, u);
        for ((r, d), v) in residual.iter_mut().zip(diagonal.iter_mut()).zip(v) {
            *r += missing * v;
            *d += weight * v * v;
        }
    }
    diagonal.iter_mut().for_each(|d| *d = 1.0 / *d);
    direction
        .iter_mut()
        .zip(residual.iter())
        .zip(diagonal.iter())
        .for_each(|((p, r), d)| *p = d * r);
    let mut size = dot::<FMA>(residual, direction);
    let first = size;
    for step in 0..steps {
        if size <= SOLVED * first {
            return;
        }
        product
            .iter_mut()
            .zip(&row.diagonal)
            .zip(direction.iter())
            .for_each(|((q, d), p)| *q = d * p);
        for four in (0..count / 4 * 4).step_by(4) {
            let v: [&[f32]; 4] = std::array::from_fn(|i| row.factor(fixed, four + i));
            let products = dots::<FMA>(v, direction);
            add_four::<FMA>(product, std::array::from_fn(|i| row.weights[four + i] * products[i]), v);
        }
        for place in count / 4 * 4..count {
            let v = row.factor(fixed, place);
            add_scaled::<FMA>(product, row.weights[place] * dot::<FMA>(v, direction), v);
        }
        let length = size / dot::<FMA>(direction, product);
        add_scaled::<FMA>(u, length, direction);
        if step + 1 == steps {
            return;
        }
        add_scaled::<FMA>(residual, -length, product);
        // The preconditioned residual takes the place of the product, which is not needed any more.
        product
            .iter_mut()
            .zip(residual.iter())
            .zip(diagonal.iter())
            .for_each(|((z, r), d)| *z = d * r);
        let next = dot::<FMA>(residual, product);
        let keep = next / size;
        direction
            .iter_mut()
            .zip(product.iter())
            .for_each(|(p, z)| *p = keep * *p + z);
        size = next;
    }
}
