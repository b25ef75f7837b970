//! The inner loops. Each has one order of summation, written out, so that native code and every
//! WebAssembly engine give the same bits; the compiler may vectorise but not reorder.

mod lanes;
mod levels;
#[cfg(test)]
pub(super) mod oracle;
mod rows;

use super::format::OpCode;
use lanes::{Lanes, Pair};
pub(crate) use levels::widen;
pub use levels::{level_dot, mixed_dot};
pub use rows::dense_rows;

/// `out = bias + x · weights`, weights finite, `x.len() × out.len()` row-major. Each output starts at its
/// bias (or zero) and adds its products in the order of `x`, unfused.
///
/// Where four values in a row of `x` are zero, as in the pools of a viewer who never did such a thing, their weights
/// are not read. That changes no bit: a sum that starts at anything but −0 never becomes −0, and a product that is
/// ±0 leaves every other value as it is.
///
/// Slices of other lengths are cut to the shortest that fits; the caller has checked them.
pub fn dense(x: &[f32], weights: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
    out.fill(0.0);
    if let Some(bias) = bias {
        // Added, not copied: that makes a bias of −0 the zero that the reasoning above needs.
        out.iter_mut().zip(bias).for_each(|(o, b)| *o += *b);
    }
    let width = out.len().max(1);
    let (fours, rest) = x.as_chunks::<4>();
    let mut blocks = weights.chunks_exact(4 * width);
    for (four, rows) in fours.iter().zip(&mut blocks) {
        let [a, b, c, d] = *four;
        // By name: two arrays are compared by a call.
        if a != 0.0 || b != 0.0 || c != 0.0 || d != 0.0 {
            add_four_rows(four, rows, out);
        }
    }
    for (value, row) in rest.iter().zip(blocks.remainder().chunks_exact(width)) {
        out.iter_mut()
            .zip(row)
            .for_each(|(sum, weight)| *sum += *value * *weight);
    }
}

/// Adds four rows, each times its value, in their order. Four at a time: a sum is then read and written once for four
/// products, and the rows are one stretch of memory (two rows, eight, or all of them for some columns were no faster
/// by more than the noise, or need the weights in another order).
fn add_four_rows(values: &[f32; 4], rows: &[f32], out: &mut [f32]) {
    let (first, last) = rows.split_at(rows.len() / 2);
    let ((a, b), (c, d)) = (first.split_at(first.len() / 2), last.split_at(last.len() / 2));
    let [ka, kb, kc, kd] = values.map(Lanes::splat);
    let (tiles, tail) = out.as_chunks_mut::<4>();
    let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let ((c, c_tail), (d, d_tail)) = (c.as_chunks::<4>(), d.as_chunks::<4>());
    for ((((sums, a), b), c), d) in tiles.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        Lanes::load(sums)
            .plus_product(ka, Lanes::load(a))
            .plus_product(kb, Lanes::load(b))
            .plus_product(kc, Lanes::load(c))
            .plus_product(kd, Lanes::load(d))
            .store(sums);
    }
    let [ka, kb, kc, kd] = *values;
    for ((((sum, a), b), c), d) in tail.iter_mut().zip(a_tail).zip(b_tail).zip(c_tail).zip(d_tail) {
        *sum = *sum + ka * a + kb * b + kc * c + kd * d;
    }
}

/// `max(x, 0)`; NaN and −0 stay.
pub fn relu(x: &[f32], out: &mut [f32]) {
    let zero = Lanes::splat(0.0);
    let ((tiles, tail), (x, x_tail)) = (out.as_chunks_mut::<4>(), x.as_chunks::<4>());
    for (o, v) in tiles.iter_mut().zip(x) {
        Lanes::load(v).at_least(zero).store(o);
    }
    for (o, v) in tail.iter_mut().zip(x_tail) {
        *o = if *v < 0.0 { 0.0 } else { *v };
    }
}

/// `min(max(x, low), high)`; NaN stays.
pub fn clamp(x: &[f32], low: f32, high: f32, out: &mut [f32]) {
    let (lowest, highest) = (Lanes::splat(low), Lanes::splat(high));
    let ((tiles, tail), (x, x_tail)) = (out.as_chunks_mut::<4>(), x.as_chunks::<4>());
    for (o, v) in tiles.iter_mut().zip(x) {
        Lanes::load(v).at_least(lowest).at_most(highest).store(o);
    }
    for (o, v) in tail.iter_mut().zip(x_tail) {
        // Comparisons, as in relu: the same bits on every target.
        *o = if *v < low {
            low
        } else if *v > high {
            high
        } else {
            *v
        };
    }
}

/// Each value times `scale`, in place.
pub fn scale(values: &mut [f32], scale: f32) {
    let by = Lanes::splat(scale);
    let (tiles, tail) = values.as_chunks_mut::<4>();
    for tile in tiles {
        Lanes::load(tile).times(by).store(tile);
    }
    tail.iter_mut().for_each(|v| *v *= scale);
}

/// Whether no value is NaN or infinite.
#[must_use]
pub fn all_finite(values: &[f32]) -> bool {
    // A finite value times zero is zero; NaN and infinity become NaN, and stay it.
    let zero = Lanes::splat(0.0);
    let (tiles, tail) = values.as_chunks::<4>();
    let sums = tiles
        .iter()
        .fold(zero, |sums, v| sums.plus_product(zero, Lanes::load(v)));
    let mut lanes = [0.0; 4];
    sums.store(&mut lanes);
    lanes == [0.0; 4] && tail.iter().all(|v| v.is_finite())
}

/// Mean of the rows `ids` of `table`, over those that are not 0; zeros where all are.
/// Rows are `out.len()` wide and summed in the order of `ids`.
pub fn gather_mean(ids: &[u32], table: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    let width = out.len();
    let mut count = 0_u32;
    for id in ids.iter().filter(|id| **id != 0) {
        let row = table.chunks_exact(width.max(1)).nth(*id as usize).unwrap_or(&[]);
        out.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        count += 1;
    }
    if count > 0 {
        out.iter_mut().for_each(|sum| *sum /= count as f32);
    }
}

/// `x / max(‖x‖₂, floor)` in place; the norm is summed in f64.
pub fn l2_normalise(x: &mut [f32], floor: f32) {
    let square: f64 = x.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
    let norm = (square.sqrt() as f32).max(floor);
    for v in x {
        *v /= norm;
    }
}

/// `e^x` over its sum; the largest `x` is taken off first, so nothing overflows.
pub fn softmax(x: &[f32], out: &mut [f32]) {
    let most = x
        .iter()
        .fold(f32::NEG_INFINITY, |most, v| if *v > most { *v } else { most });
    let mut sum = 0.0_f64;
    for (o, v) in out.iter_mut().zip(x) {
        *o = libm::expf(v - most);
        sum += f64::from(*o);
    }
    for o in out {
        *o = (f64::from(*o) / sum) as f32;
    }
}

/// `x` less its mean; the mean is summed in f64.
pub fn centre(x: &[f32], out: &mut [f32]) {
    let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / x.len() as f64;
    for (o, v) in out.iter_mut().zip(x) {
        *o = (f64::from(*v) - mean) as f32;
    }
}

/// `x / √(mean of x² + epsilon)`; the mean is summed in f64.
pub fn rms_normalise(x: &[f32], epsilon: f32, out: &mut [f32]) {
    let square = x.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>() / x.len() as f64;
    let scale = 1.0 / libm::sqrt(square + f64::from(epsilon));
    for (o, v) in out.iter_mut().zip(x) {
        *o = (f64::from(*v) * scale) as f32;
    }
}

/// A function of each value, by its code; [`OpCode`] says what each is.
pub fn map(code: OpCode, x: &[f32], out: &mut [f32]) {
    let function: fn(f32) -> f32 = match code {
        OpCode::Relu => return relu(x, out),
        OpCode::Sigmoid => sigmoid,
        OpCode::Tanh => libm::tanhf,
        OpCode::Exp => libm::expf,
        OpCode::Ln => libm::logf,
        OpCode::Sqrt => libm::sqrtf,
        OpCode::Recip => |v| 1.0 / v,
        OpCode::Abs => f32::abs,
        OpCode::Erf => libm::erff,
        OpCode::Floor => libm::floorf,
        _ => |v| v,
    };
    for (o, v) in out.iter_mut().zip(x) {
        *o = function(*v);
    }
}

/// A function of each value and its partner in `y`, which is repeated where it is shorter.
pub fn join(code: OpCode, x: &[f32], y: &[f32], out: &mut [f32]) {
    let flag = |is: bool| f32::from(u8::from(is));
    let width = y.len().max(1);
    for (mut out, mut x) in out.chunks_mut(width).zip(x.chunks(width)) {
        let mut y = &y[..y.len().min(out.len())];
        // The two that come in every batch of candidates, four at a time.
        if matches!(code, OpCode::Add | OpCode::Mul) {
            let ((tiles, x_fours), y_fours) = ((out.as_chunks_mut::<4>(), x.as_chunks::<4>()), y.as_chunks::<4>());
            for ((o, a), b) in tiles.0.iter_mut().zip(x_fours.0).zip(y_fours.0) {
                let (a, b) = (Lanes::load(a), Lanes::load(b));
                let both = if code == OpCode::Mul { a.times(b) } else { a.plus(b) };
                both.store(o);
            }
            (out, x, y) = (tiles.1, x_fours.1, y_fours.1);
        }
        for ((o, a), b) in out.iter_mut().zip(x).zip(y) {
            *o = match code {
                OpCode::Mul => a * b,
                OpCode::Sub => a - b,
                OpCode::Div => a / b,
                // A NaN on the left stays; one on the right gives the left.
                OpCode::Max => {
                    if *a < *b {
                        *b
                    } else {
                        *a
                    }
                }
                OpCode::Min => {
                    if *a > *b {
                        *b
                    } else {
                        *a
                    }
                }
                OpCode::Less => flag(a < b),
                OpCode::Equal => flag(a == b),
                OpCode::Pow => libm::powf(*a, *b),
                _ => a + b,
            };
        }
    }
}

/// The values of `x` at `Σ iₐ · strideₐ` for all `iₐ < lengthₐ`, the last axis fastest; an index outside reads 0.
pub fn arrange(x: &[f32], axes: &[(usize, usize)], out: &mut [f32]) {
    let Some(((length, stride), outer)) = axes.split_last() else {
        return;
    };
    for (run, out) in out.chunks_exact_mut((*length).max(1)).enumerate() {
        let (mut rest, mut from) = (run, 0);
        for (length, stride) in outer.iter().rev() {
            from += rest % length * stride;
            rest /= length;
        }
        for (i, o) in out.iter_mut().enumerate() {
            *o = x.get(from + i * stride).copied().unwrap_or(0.0);
        }
    }
}

/// Products of matrices `m × k` in `left` and `k × n` in `right`, one after the other; each row as in [`dense`], which
/// passes over four zeros of the left whatever the right holds there.
pub fn product(left: &[f32], right: &[f32], [m, k, n]: [usize; 3], out: &mut [f32]) {
    let [whole_left, whole_right, whole_out] = [m * k, k * n, m * n].map(|size| size.max(1));
    let pairs = left.chunks_exact(whole_left).zip(right.chunks_exact(whole_right));
    for ((a, b), out) in pairs.zip(out.chunks_exact_mut(whole_out)) {
        for (row, out) in a.chunks_exact(k.max(1)).zip(out.chunks_exact_mut(n.max(1))) {
            dense(row, b, None, out);
        }
    }
}

/// Sums, added in f64, or largest values of `len` values that lie `inner` apart; a NaN is passed over as largest unless
/// it is the first.
pub fn reduce(largest: bool, x: &[f32], len: usize, inner: usize, out: &mut [f32]) {
    let inner = inner.max(1);
    for (block, out) in x.chunks_exact((len * inner).max(1)).zip(out.chunks_exact_mut(inner)) {
        for (i, o) in out.iter_mut().enumerate() {
            let mut values = block.iter().skip(i).step_by(inner);
            *o = if largest {
                let first = values.next().copied().unwrap_or(0.0);
                values.fold(first, |most, v| if most < *v { *v } else { most })
            } else {
                values.map(|v| f64::from(*v)).sum::<f64>() as f32
            };
        }
    }
}

/// `1 / (1 + e^−x)`.
#[must_use]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

/// `ln(1 / (1 + e⁻ˣ))`, finite for every finite `x`.
#[must_use]
pub fn log_sigmoid(x: f32) -> f32 {
    x.min(0.0) - libm::log1pf(libm::expf(-x.abs()))
}

/// Dot product in eight lanes, folded pairwise: the one order in which vectors are compared.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (mut low, mut high) = (Lanes::splat(0.0), Lanes::splat(0.0));
    let n = a.len().min(b.len());
    let (a_eights, a_rest) = a[..n].as_chunks::<8>();
    let (b_eights, b_rest) = b[..n].as_chunks::<8>();
    let mut add = |x: &[f32; 8], y: &[f32; 8]| {
        let ((x, _), (y, _)) = (x.as_chunks::<4>(), y.as_chunks::<4>());
        low = low.plus_product(Lanes::load(&x[0]), Lanes::load(&y[0]));
        high = high.plus_product(Lanes::load(&x[1]), Lanes::load(&y[1]));
    };
    // Two at a time: half of the counting.
    let ((a_pairs, a_last), (b_pairs, b_last)) = (a_eights.as_chunks::<2>(), b_eights.as_chunks::<2>());
    for (x, y) in a_pairs.iter().zip(b_pairs) {
        add(&x[0], &y[0]);
        add(&x[1], &y[1]);
    }
    for (x, y) in a_last.iter().zip(b_last) {
        add(x, y);
    }
    let mut lanes = [0.0; 4];
    low.plus(high).store(&mut lanes);
    let mut sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    for (u, v) in a_rest.iter().zip(b_rest) {
        sum += u * v;
    }
    sum
}

/// Dot product in four lanes, folded pairwise, then what is left of a length.
#[inline(always)]
pub(crate) fn dot_f64(a: &[f64], b: &[f64]) -> f64 {
    let zero = Pair::load(&[0.0; 2]);
    let (mut low, mut high) = (zero, zero);
    let n = a.len().min(b.len());
    let ((a, a_rest), (b, b_rest)) = (a[..n].as_chunks::<4>(), b[..n].as_chunks::<4>());
    for (x, y) in a.iter().zip(b) {
        let ((x, _), (y, _)) = (x.as_chunks::<2>(), y.as_chunks::<2>());
        low = low.plus_product(Pair::load(&x[0]), Pair::load(&y[0]));
        high = high.plus_product(Pair::load(&x[1]), Pair::load(&y[1]));
    }
    let ([a, b], [c, d]) = (low.values(), high.values());
    let mut sum = (a + c) + (b + d);
    for (x, y) in a_rest.iter().zip(b_rest) {
        sum += x * y;
    }
    sum
}

/// `a · by + b · (1 − by)` of each pair, the second factor in `f32`.
pub(crate) fn mix(a: &[f32], by: f32, b: &[f32], out: &mut [f32]) {
    let (of_a, of_b) = (Lanes::splat(by), Lanes::splat(1.0 - by));
    let ((out, out_rest), (a, a_rest), (b, b_rest)) =
        (out.as_chunks_mut::<4>(), a.as_chunks::<4>(), b.as_chunks::<4>());
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        Lanes::load(a).times(of_a).plus_product(of_b, Lanes::load(b)).store(out);
    }
    for ((out, a), b) in out_rest.iter_mut().zip(a_rest).zip(b_rest) {
        *out = by * a + (1.0 - by) * b;
    }
}

/// The place of the largest value, the first where several are; none where no value is above minus infinity.
pub(crate) fn largest(values: &[f32]) -> Option<usize> {
    let (tiles, rest) = values.as_chunks::<4>();
    let least = Lanes::splat(f32::NEG_INFINITY);
    let mut lanes = [0.0; 4];
    tiles
        .iter()
        .fold(least, |most, four| most.at_least(Lanes::load(four)))
        .store(&mut lanes);
    let most = lanes
        .iter()
        .chain(rest)
        .fold(f32::NEG_INFINITY, |most, v| if most < *v { *v } else { most });
    (most > f32::NEG_INFINITY).then(|| next_of(values, 0, most)).flatten()
}

/// The first place from `from` on with a value of `least` or more.
pub(crate) fn next_of(values: &[f32], from: usize, least: f32) -> Option<usize> {
    let values = values.get(from..)?;
    let mut at = 0;
    // Eight at a time, by their largest: most are below.
    for eight in values.as_chunks::<8>().0 {
        let (low, high) = (Lanes::from(eight, 0), Lanes::from(eight, 4));
        if low.any_at_least(least) || high.any_at_least(least) {
            break;
        }
        at += 8;
    }
    let found = values[at..].iter().position(|v| *v >= least)?;
    Some(from + at + found)
}
