//! A dense layer for many rows: what the ranker does with its candidates.

use super::dense;
use super::lanes::Lanes;

/// [`dense`] of each row of `x`, `inputs` values each, to the same bits: a sum starts at its bias, and takes its products in
/// the order of the row.
///
/// Four rows by eight columns at a time: the sixteen registers of a target hold their eight sums, two stretches of weights and
/// what they are multiplied by, so that a sum is read and written once. A row alone, as a tower's, is better off in [`dense`],
/// which reads the weights one after the other and passes over zeros.
///
/// Rows that are not whole are passed over; the caller has checked that weights and biases fit.
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
    let fours = (x.len() / (4 * inputs)).min(out.len() / (4 * width));
    let (x, x_rest) = x.split_at(fours * 4 * inputs);
    let (out, out_rest) = out.split_at_mut(fours * 4 * width);
    let zeros = [0.0; 4];
    let own = |at: usize| bias.and_then(|bias| bias.get(at..)).unwrap_or(&zeros);
    let mut from = 0;
    while from < width && fours > 0 {
        let mut to = 0;
        if width < 4 {
            for x in x.chunks_exact(4 * inputs) {
                four_sums(x, inputs, &weights[from..], width, own(from), &mut out[to + from..]);
                to += 4 * width;
            }
            from += 1;
            continue;
        }
        // What is left of a width is not less than eight columns: some are worked out twice, to the same bits.
        let first = from.min(width.saturating_sub(8));
        let apart = (width - 4 - first).min(4);
        // Added to zero, for the reason that `dense` gives.
        let start = |at: usize| Lanes::splat(0.0).plus(Lanes::from(own(at), 0));
        let starts = [start(first), start(first + apart)];
        for x in x.chunks_exact(4 * inputs) {
            four_rows(
                x,
                inputs,
                &weights[first..],
                [width, apart],
                starts,
                &mut out[to + first..],
            );
            to += 4 * width;
        }
        from += 8;
    }
    for (x, out) in x_rest.chunks_exact(inputs).zip(out_rest.chunks_exact_mut(width)) {
        dense(x, weights, bias, out);
    }
}

/// A column of four rows, of a layer that is narrower than a register.
#[inline(never)]
fn four_sums(x: &[f32], inputs: usize, weights: &[f32], width: usize, own: &[f32], out: &mut [f32]) {
    let (first, last) = x.split_at(2 * inputs);
    let ((a, b), (c, d)) = (first.split_at(inputs), last.split_at(inputs));
    let (b, c, d) = (&b[..a.len()], &c[..a.len()], &d[..a.len()]);
    let start = 0.0 + own.first().copied().unwrap_or(0.0);
    let (mut sum_a, mut sum_b, mut sum_c, mut sum_d) = (start, start, start, start);
    let mut at = 0;
    for k in 0..a.len() {
        let weight = weights[at];
        sum_a += a[k] * weight;
        sum_b += b[k] * weight;
        sum_c += c[k] * weight;
        sum_d += d[k] * weight;
        at += width;
    }
    out[0] = sum_a;
    out[width] = sum_b;
    out[2 * width] = sum_c;
    out[3 * width] = sum_d;
}

/// The four columns with which `weights` and `out` begin, and the four that are `apart` from those, of four rows. A function
/// of its own: its loop has the registers for itself.
#[inline(never)]
fn four_rows(
    x: &[f32],
    inputs: usize,
    weights: &[f32],
    [width, apart]: [usize; 2],
    [low, high]: [Lanes; 2],
    out: &mut [f32],
) {
    let (first, last) = x.split_at(2 * inputs);
    let ((a, b), (c, d)) = (first.split_at(inputs), last.split_at(inputs));
    let (b, c, d) = (&b[..a.len()], &c[..a.len()], &d[..a.len()]);
    // By numbers: a chain of zips is a call for each step where the module is built for size.
    let mut sums = Sums::starting(low, high);
    let mut at = 0;
    for k in 0..a.len() {
        sums = sums.plus(weights, at, apart, [a[k], b[k], c[k], d[k]]);
        at += width;
    }
    sums.a.store(out, 0, apart);
    sums.b.store(out, width, apart);
    sums.c.store(out, 2 * width, apart);
    sums.d.store(out, 3 * width, apart);
}

/// Eight columns of a row.
#[derive(Clone, Copy)]
struct Eight(Lanes, Lanes);

impl Eight {
    #[inline(always)]
    fn plus_product(self, x: f32, weights: Eight) -> Eight {
        let x = Lanes::splat(x);
        Eight(self.0.plus_product(x, weights.0), self.1.plus_product(x, weights.1))
    }

    #[inline(always)]
    fn store(self, out: &mut [f32], at: usize, apart: usize) {
        self.0.to(out, at);
        self.1.to(out, at + apart);
    }
}

/// The sums of four rows, by name: an array of them would be memory.
#[derive(Clone, Copy)]
struct Sums {
    a: Eight,
    b: Eight,
    c: Eight,
    d: Eight,
}

impl Sums {
    #[inline(always)]
    fn starting(low: Lanes, high: Lanes) -> Sums {
        let own = Eight(low, high);
        Sums {
            a: own,
            b: own,
            c: own,
            d: own,
        }
    }

    /// With the products of one value of each row.
    #[inline(always)]
    fn plus(self, weights: &[f32], at: usize, apart: usize, [a, b, c, d]: [f32; 4]) -> Sums {
        let weights = Eight(Lanes::from(weights, at), Lanes::from(weights, at + apart));
        Sums {
            a: self.a.plus_product(a, weights),
            b: self.b.plus_product(b, weights),
            c: self.c.plus_product(c, weights),
            d: self.d.plus_product(d, weights),
        }
    }
}
