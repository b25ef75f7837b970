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
        if width < 4 {
            let apart = usize::from(from + 1 < width);
            let starts = [from, from + apart].map(|column| 0.0 + own(column)[0]);
            two_columns(x, inputs, &weights[from..], [width, apart], starts, &mut out[from..]);
            from += 2;
            continue;
        }
        // What is left of a width is not less than eight columns: some are worked out twice, to the same bits.
        let first = from.min(width.saturating_sub(8));
        let apart = (width - 4 - first).min(4);
        // Added to zero, for the reason that `dense` gives.
        let start = |at: usize| Lanes::splat(0.0).plus(Lanes::from(own(at), 0));
        let starts = Eight(start(first), start(first + apart));
        eight_columns(x, inputs, &weights[first..], [width, apart], starts, &mut out[first..]);
        from += 8;
    }
    for (x, out) in x_rest.chunks_exact(inputs).zip(out_rest.chunks_exact_mut(width)) {
        dense(x, weights, bias, out);
    }
}

/// The four parts of equal length that four rows are.
#[inline(always)]
fn quarters(x: &[f32]) -> [&[f32]; 4] {
    let inputs = x.len() / 4;
    let (a, b, c, d) = (
        &x[..inputs],
        &x[inputs..][..inputs],
        &x[2 * inputs..][..inputs],
        &x[3 * inputs..][..inputs],
    );
    [a, b, c, d]
}

/// The column with which `weights` and `out` begin, and that which is `apart` from it, four rows at a time, of a layer that is
/// narrower than a register.
#[inline(never)]
fn two_columns(
    x: &[f32],
    inputs: usize,
    weights: &[f32],
    [width, apart]: [usize; 2],
    [low, high]: [f32; 2],
    out: &mut [f32],
) {
    let mut to = 0;
    for x in x.chunks_exact(4 * inputs) {
        let [a, b, c, d] = quarters(x);
        let (mut low_a, mut low_b, mut low_c, mut low_d) = (low, low, low, low);
        let (mut high_a, mut high_b, mut high_c, mut high_d) = (high, high, high, high);
        let mut at = 0;
        for k in 0..a.len() {
            let (low, high) = (weights[at], weights[at + apart]);
            (low_a, high_a) = (low_a + a[k] * low, high_a + a[k] * high);
            (low_b, high_b) = (low_b + b[k] * low, high_b + b[k] * high);
            (low_c, high_c) = (low_c + c[k] * low, high_c + c[k] * high);
            (low_d, high_d) = (low_d + d[k] * low, high_d + d[k] * high);
            at += width;
        }
        for (low, high) in [(low_a, high_a), (low_b, high_b), (low_c, high_c), (low_d, high_d)] {
            (out[to], out[to + apart]) = (low, high);
            to += width;
        }
    }
}

/// The four columns with which `weights` and `out` begin, and the four that are `apart` from those, four rows at a time. A
/// function of its own: its loop has the registers for itself.
#[inline(never)]
#[allow(unsafe_code)]
fn eight_columns(
    x: &[f32],
    inputs: usize,
    weights: &[f32],
    [width, apart]: [usize; 2],
    starts: Eight,
    out: &mut [f32],
) {
    // Once for all steps: a look at the length in each is a sixth of the loop.
    assert!(weights.len() >= (inputs - 1) * width + apart + 4);
    let mut to = 0;
    for x in x.chunks_exact(4 * inputs) {
        let [a, b, c, d] = quarters(x);
        // By name, as an array of sums would be memory, and by numbers: a chain of zips is a call for each step where the
        // module is built for size.
        let (mut sums_a, mut sums_b, mut sums_c, mut sums_d) = (starts, starts, starts, starts);
        let mut at = 0;
        for k in 0..a.len() {
            // SAFETY: `at` is `width` times k, which is less than `inputs`, the length of each of the four rows.
            let weights = unsafe {
                Eight(
                    Lanes::from_unchecked(weights, at),
                    Lanes::from_unchecked(weights, at + apart),
                )
            };
            sums_a = sums_a.plus_product(a[k], weights);
            sums_b = sums_b.plus_product(b[k], weights);
            sums_c = sums_c.plus_product(c[k], weights);
            sums_d = sums_d.plus_product(d[k], weights);
            at += width;
        }
        sums_a.store(out, to, apart);
        sums_b.store(out, to + width, apart);
        sums_c.store(out, to + 2 * width, apart);
        sums_d.store(out, to + 3 * width, apart);
        to += 4 * width;
    }
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
