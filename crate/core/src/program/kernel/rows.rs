//! A dense layer for many rows: what the ranker does with its candidates.

use super::dense;
use super::lanes::Lanes;

/// Some columns of one row, in registers.
trait Columns: Copy {
    /// How many.
    const COUNT: usize;

    /// The first of a row's values; `None` of a row that is shorter.
    fn load(values: &[f32]) -> Option<Self>;

    /// The sums, each with its product.
    fn plus_product(self, x: f32, weights: Self) -> Self;

    /// Writes them to the start of `out`.
    fn store(self, out: &mut [f32]);
}

impl Columns for Lanes {
    const COUNT: usize = 4;

    #[inline(always)]
    fn load(values: &[f32]) -> Option<Lanes> {
        Some(Lanes::load(values.first_chunk()?))
    }

    #[inline(always)]
    fn plus_product(self, x: f32, weights: Lanes) -> Lanes {
        Lanes::plus_product(self, Lanes::splat(x), weights)
    }

    #[inline(always)]
    fn store(self, out: &mut [f32]) {
        if let Some(out) = out.first_chunk_mut() {
            Lanes::store(self, out);
        }
    }
}

#[derive(Clone, Copy)]
struct Eight(Lanes, Lanes);

impl Columns for Eight {
    const COUNT: usize = 8;

    #[inline(always)]
    fn load(values: &[f32]) -> Option<Eight> {
        let (low, high) = values.first_chunk::<8>()?.split_at(4);
        Some(Eight(Columns::load(low)?, Columns::load(high)?))
    }

    #[inline(always)]
    fn plus_product(self, x: f32, weights: Eight) -> Eight {
        let x = Lanes::splat(x);
        Eight(
            Lanes::plus_product(self.0, x, weights.0),
            Lanes::plus_product(self.1, x, weights.1),
        )
    }

    #[inline(always)]
    fn store(self, out: &mut [f32]) {
        if let Some(out) = out.first_chunk_mut::<8>() {
            let (low, high) = out.split_at_mut(4);
            Columns::store(self.0, low);
            Columns::store(self.1, high);
        }
    }
}

/// [`dense`] of each row of `x`, `inputs` values each, to the same bits: a sum starts at its bias, and takes its products in
/// the order of the row.
///
/// Four rows by eight columns at a time: the sixteen registers of a target hold their eight sums, two stretches of weights and
/// what they are multiplied by, so that a sum is read and written once. A row alone, as a tower's, is better off in [`dense`],
/// which reads the weights one after the other and passes over zeros.
///
/// Slices of other lengths are cut to the shortest that fits; the caller has checked them.
///
/// ```
/// use upnext_core::program::kernel::dense_rows;
/// let mut out = [0.0; 2];
/// dense_rows(&[1.0, 2.0, 3.0, 4.0], 2, &[10.0, 1.0], Some(&[0.5]), &mut out);
/// assert_eq!(out, [12.5, 34.5]);
/// ```
pub fn dense_rows(x: &[f32], inputs: usize, weights: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
    let inputs = inputs.max(1);
    let width = (weights.len() / inputs).max(1);
    let whole = (x.len() / (4 * inputs)).min(out.len() / (4 * width));
    let (x, x_rest) = x.split_at(whole * 4 * inputs);
    let (out, out_rest) = out.split_at_mut(whole * 4 * width);
    for (x, out) in x.chunks_exact(4 * inputs).zip(out.chunks_exact_mut(4 * width)) {
        four_rows(x, inputs, weights, bias, out, width);
    }
    for (x, out) in x_rest.chunks_exact(inputs).zip(out_rest.chunks_exact_mut(width)) {
        dense(x, weights, bias, out);
    }
}

/// Four rows of a layer.
struct Rows<'a> {
    x: [&'a [f32]; 4],
    weights: &'a [f32],
    bias: Option<&'a [f32]>,
    width: usize,
}

impl Rows<'_> {
    /// The columns `from..` of all four, as many as `C` has.
    #[inline(always)]
    fn columns<C: Columns>(&self, from: usize, out: &mut [f32]) {
        let [a, b, c, d] = self.x;
        let (b, c, d) = (&b[..a.len()], &c[..a.len()], &d[..a.len()]);
        let zeros = [0.0; 8];
        let own = self.bias.and_then(|bias| C::load(bias.get(from..)?));
        let (Some(zero), true) = (C::load(&zeros), from + C::COUNT <= self.width) else {
            return;
        };
        // Added to zero, for the reason that `dense` gives.
        let start = zero.plus_product(1.0, own.unwrap_or(zero));
        let (mut sums_a, mut sums_b, mut sums_c, mut sums_d) = (start, start, start, start);
        // By numbers: a chain of zips is a call for each step where the module is built for size.
        let mut at = from;
        for k in 0..a.len() {
            let Some(weights) = self.weights.get(at..).and_then(C::load) else {
                break;
            };
            sums_a = sums_a.plus_product(a[k], weights);
            sums_b = sums_b.plus_product(b[k], weights);
            sums_c = sums_c.plus_product(c[k], weights);
            sums_d = sums_d.plus_product(d[k], weights);
            at += self.width;
        }
        for (sums, out) in [sums_a, sums_b, sums_c, sums_d]
            .into_iter()
            .zip(out.chunks_exact_mut(self.width))
        {
            sums.store(&mut out[from..]);
        }
    }
}

fn four_rows(x: &[f32], inputs: usize, weights: &[f32], bias: Option<&[f32]>, out: &mut [f32], width: usize) {
    let (first, last) = x.split_at(2 * inputs);
    let ((a, b), (c, d)) = (first.split_at(inputs), last.split_at(inputs));
    let rows = Rows {
        x: [a, b, c, d],
        weights,
        bias,
        width,
    };
    let mut from = 0;
    while from + Eight::COUNT <= width {
        rows.columns::<Eight>(from, out);
        from += Eight::COUNT;
    }
    if from + Lanes::COUNT <= width {
        rows.columns::<Lanes>(from, out);
        from += Lanes::COUNT;
    }
    for column in from..width {
        let start = 0.0 + bias.and_then(|bias| bias.get(column)).copied().unwrap_or(0.0);
        let (mut sum_a, mut sum_b, mut sum_c, mut sum_d) = (start, start, start, start);
        let (b, c, d) = (&b[..a.len()], &c[..a.len()], &d[..a.len()]);
        for k in 0..a.len() {
            let weight = weights[k * width + column];
            sum_a += a[k] * weight;
            sum_b += b[k] * weight;
            sum_c += c[k] * weight;
            sum_d += d[k] * weight;
        }
        out[column] = sum_a;
        out[width + column] = sum_b;
        out[2 * width + column] = sum_c;
        out[3 * width + column] = sum_d;
    }
}
