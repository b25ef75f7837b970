//! Numbers as decimal text, without the tables that exact conversion of 64 bits takes.

/// `value × 10^exponent`. Exact to the last bit where a whole `value` below 2⁵³ meets an exponent within ±22, and
/// within a few of an `f64`'s last bits elsewhere: nearer than any `f32` can tell.
pub(super) fn scaled(value: f64, exponent: i32) -> f64 {
    let mut value = value;
    // Whatever is further away is zero or infinite by then.
    let mut left = exponent.unsigned_abs().min(400);
    while left > 0 {
        let step = left.min(22);
        let power = (0..step).fold(1.0, |power, _| power * 10.0);
        value = if exponent < 0 { value / power } else { value * power };
        left -= step;
    }
    value
}

/// The shortest decimal of at most nine digits, which tell all `f32` apart, that is read back as `value`.
pub(crate) fn text(value: f32) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "NaN" } else { "infinity" }.to_owned();
    }
    let size = f64::from(value.abs());
    let (mut digits, mut last) = (0, 0);
    if size > 0.0 {
        let mut first = 0;
        while scaled(size, -first) >= 10.0 {
            first += 1;
        }
        while scaled(size, -first) < 1.0 {
            first -= 1;
        }
        for more in 0..9 {
            last = first - more;
            digits = (scaled(size, -last) + 0.5) as u64;
            if scaled(digits as f64, last) as f32 == value.abs() {
                break;
            }
        }
    }
    let mut text = written(digits, last);
    if value.is_sign_negative() {
        text.insert(0, '-');
    }
    text
}

/// `digits × 10^last`.
fn written(digits: u64, last: i32) -> String {
    let mut text = digits.to_string();
    match last {
        0..9 => (0..last).for_each(|_| text.push('0')),
        -9..0 => {
            let behind = last.unsigned_abs() as usize;
            while text.len() <= behind {
                text.insert(0, '0');
            }
            text.insert(text.len() - behind, '.');
        }
        _ => {
            text.push('e');
            text.push_str(&last.to_string());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::text;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for (value, written) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (40.0, "40"),
            (-12.5, "-12.5"),
            (0.1, "0.1"),
            (0.007_5, "0.0075"),
            (16_777_216.0, "16777216"),
            (1e-7, "0.0000001"),
            (1.5e-20, "15e-21"),
            (f32::MAX, "34028235e31"),
            (f32::from_bits(1), "1e-45"),
            (f32::NAN, "NaN"),
            (f32::NEG_INFINITY, "infinity"),
        ] {
            assert_eq!(text(value), written);
        }
    }

    proptest! {
        #[test]
        fn every_number_is_read_back(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(text(value).parse::<f32>().unwrap().to_bits(), bits);
        }
    }
}
