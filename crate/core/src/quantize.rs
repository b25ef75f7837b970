//! int8 rows with one scale per row: how vectors and factors travel, are stored and are pooled.

use crate::program::kernel::{level_dot, mixed_dot};

/// One quantised row: value `i` is `scale * values[i]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantRow<'a> {
    /// Step; finite and not negative.
    pub scale: f32,
    /// Levels in −127..=127.
    pub values: &'a [i8],
}

/// Quantises a row symmetrically to −127..=127, round half away from zero; returns the scale.
/// A row with a non-finite value, or of zeros, becomes zeros with scale 0.
///
/// ```
/// let mut levels = [0; 2];
/// let scale = upnext_core::quantize(&[1.0, -0.5], &mut levels);
/// assert_eq!(levels, [127, -64]);
/// assert!((scale * 127.0 - 1.0).abs() < 1e-6);
/// ```
///
/// Writes `min(row.len(), levels.len())` levels.
pub fn quantize(row: &[f32], levels: &mut [i8]) -> f32 {
    let peak = row.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    if !(peak > 0.0 && row.iter().all(|v| v.is_finite())) {
        levels.fill(0);
        return 0.0;
    }
    let scale = peak / 127.0;
    for (level, value) in levels.iter_mut().zip(row) {
        *level = libm::roundf(value / scale).clamp(-127.0, 127.0) as i8;
    }
    scale
}

impl QuantRow<'_> {
    /// Adds `weight × row` to `sum`, over the shorter length.
    pub fn add_to(&self, weight: f32, sum: &mut [f32]) {
        let w = weight * self.scale;
        for (s, v) in sum.iter_mut().zip(self.values) {
            *s += w * f32::from(*v);
        }
    }

    /// Dot product with `x`, over the shorter length. Sixteen running sums in a fixed order:
    /// it gives the same bits on every machine.
    ///
    /// ```
    /// let row = upnext_core::QuantRow { scale: 0.5, values: &[2, -4] };
    /// assert_eq!(row.dot(&[1.0, 0.25]), 0.5);
    /// ```
    #[must_use]
    pub fn dot(&self, x: &[f32]) -> f32 {
        self.scale * mixed_dot(self.values, x)
    }

    /// Dot product of the levels alone, exact, over the shorter length; the scales are left out.
    /// Exact up to 131,072 values, far above any vector here.
    #[must_use]
    pub fn level_dot(&self, other: QuantRow<'_>) -> i32 {
        level_dot(self.values, other.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_row_with_nan_or_infinity_or_of_zeros_becomes_zeros() {
        for row in [[1.0, f32::NAN], [f32::INFINITY, 1.0], [0.0, -0.0]] {
            let mut levels = [9, 9];
            assert_eq!(quantize(&row, &mut levels), 0.0);
            assert_eq!(levels, [0, 0]);
        }
    }

    proptest! {
        #[test]
        fn a_quantised_value_is_within_half_a_step(row in prop::collection::vec(-1e3..1e3_f32, 1..70)) {
            let mut levels = vec![0; row.len()];
            let scale = quantize(&row, &mut levels);
            let mut back = vec![0.0; row.len()];
            QuantRow { scale, values: &levels }.add_to(1.0, &mut back);
            for (value, back) in row.iter().zip(back) {
                prop_assert!((value - back).abs() <= 0.5001 * scale);
            }
        }

        #[test]
        fn dot_products_equal_the_plain_sums(
            pairs in prop::collection::vec((any::<i8>(), any::<i8>(), -1.0..1.0_f32), 0..70), scale in 0.0..1.0_f32,
        ) {
            let (a, b): (Vec<i8>, Vec<i8>) = pairs.iter().map(|p| (p.0, p.1)).unzip();
            let x: Vec<f32> = pairs.iter().map(|p| p.2).collect();
            let row = QuantRow { scale, values: &a };
            let plain: f64 = a.iter().zip(&x).map(|(v, x)| f64::from(*v) * f64::from(*x)).sum();
            prop_assert!((f64::from(row.dot(&x)) - f64::from(scale) * plain).abs() < 1e-3);
            let exact: i64 = a.iter().zip(&b).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum();
            prop_assert_eq!(i64::from(row.level_dot(QuantRow { scale: 9.0, values: &b })), exact);
        }
    }
}
