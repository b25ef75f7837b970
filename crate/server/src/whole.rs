//! Whole numbers in JSON: `3.0` is one too, as JSON Schema has it and as JavaScript may write it.

use serde::{Deserialize, Deserializer, de};

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Integer(i64),
    Float(f64),
}

/// A whole number, for `#[serde(deserialize_with)]`.
///
/// # Errors
/// What the deserialiser says of anything else: fractions, numbers beyond 2^53 that are written as floats, texts.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    integer(Number::deserialize(deserializer)?)
}

/// A whole number or `null`.
///
/// # Errors
/// As [`whole`].
pub fn maybe_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Option::<Number>::deserialize(deserializer)?.map(integer).transpose()
}

fn integer<E: de::Error>(number: Number) -> Result<i64, E> {
    // Beyond 2^53 a float does not tell neighbours apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number {
        Number::Integer(value) => Ok(value),
        Number::Float(value) if value.fract() == 0.0 && value.abs() <= EXACT => Ok(value as i64),
        Number::Float(_) => Err(E::custom("is not a whole number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let read = |text: &str| whole(&mut serde_json::Deserializer::from_str(text)).ok();
        let maybe = |text: &str| maybe_whole(&mut serde_json::Deserializer::from_str(text)).ok();
        for (text, value) in [
            ("7", 7),
            ("-36380.0", -36_380),
            ("1.7e12", 1_700_000_000_000),
            ("0.0", 0),
        ] {
            assert_eq!(read(text), Some(value), "{text}");
            assert_eq!(maybe(text), Some(Some(value)), "{text}");
        }
        for text in ["0.5", "1e300", "\"7\"", "true", "[]"] {
            assert_eq!((read(text), maybe(text)), (None, None), "{text}");
        }
        assert_eq!((read("null"), maybe("null")), (None, Some(None)));
    }
}
