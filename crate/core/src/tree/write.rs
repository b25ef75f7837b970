//! Values as JSON, in the order in which `record!` lists their fields. Fields without a value are left out.

use super::decimal;

/// A type that is written as JSON.
pub trait ToJson {
    /// Appends the value.
    fn write(&self, json: &mut String);

    /// True where there is no value to write.
    fn is_nothing(&self) -> bool {
        false
    }

    /// The value as JSON.
    fn json(&self) -> String
    where
        Self: Sized,
    {
        let mut json = String::new();
        self.write(&mut json);
        json
    }
}

/// Begins with `open`, or with a comma where something stands before.
fn separate(json: &mut String, open: char) {
    if !json.ends_with(open) {
        json.push(',');
    }
}

/// Appends a member to an object that was begun with `{`.
pub(crate) fn member(json: &mut String, name: &str, value: &dyn ToJson) {
    if !value.is_nothing() {
        separate(json, '{');
        quoted(name, json);
        json.push(':');
        value.write(json);
    }
}

fn quoted(text: &str, json: &mut String) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\0'..' ' => {
                json.push_str("\\u00");
                json.extend([DIGITS[c as usize >> 4], DIGITS[c as usize & 15]]);
            }
            _ => json.push(c),
        }
    }
    json.push('"');
}

impl ToJson for String {
    fn write(&self, json: &mut String) {
        quoted(self, json);
    }
}

impl ToJson for str {
    fn write(&self, json: &mut String) {
        quoted(self, json);
    }
}

impl ToJson for f32 {
    fn write(&self, json: &mut String) {
        match self.is_finite() {
            true => json.push_str(&decimal::text(*self)),
            false => json.push_str("null"),
        }
    }
}

/// Whole numbers.
macro_rules! whole {
    ($($type:ident)*) => {$(
        impl ToJson for $type {
            fn write(&self, json: &mut String) {
                json.push_str(&self.to_string());
            }
        }
    )*};
}
whole!(u8 u32 i32 u64 i64 usize);

impl<T: ToJson> ToJson for Option<T> {
    fn write(&self, json: &mut String) {
        match self {
            Some(value) => value.write(json),
            None => json.push_str("null"),
        }
    }

    fn is_nothing(&self) -> bool {
        self.is_none()
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn write(&self, json: &mut String) {
        json.push('[');
        for item in self {
            separate(json, '[');
            item.write(json);
        }
        json.push(']');
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn write(&self, json: &mut String) {
        T::write(self, json);
    }
}
