//! Reading numbers, texts, lists.

use super::{FromTree, Reader, Step, Tree};

impl FromTree for bool {
    fn read(tree: Tree, reader: &mut Reader) -> bool {
        if let Tree::Bool(value) = tree {
            return value;
        }
        reader.wrong(&tree, "a boolean");
        false
    }
}

impl FromTree for String {
    fn read(tree: Tree, reader: &mut Reader) -> String {
        if let Tree::Text(text) = tree {
            return text;
        }
        reader.wrong(&tree, "a text");
        String::new()
    }
}

impl FromTree for f32 {
    fn read(tree: Tree, reader: &mut Reader) -> f32 {
        match tree {
            // From the whole number itself: by way of f64 it would be rounded twice.
            Tree::Signed(value) => value as f32,
            Tree::Unsigned(value) => value as f32,
            other => f64::read(other, reader) as f32,
        }
    }
}

impl FromTree for f64 {
    fn read(tree: Tree, reader: &mut Reader) -> f64 {
        match tree {
            Tree::Signed(value) => value as f64,
            Tree::Unsigned(value) => value as f64,
            Tree::Float(value) => value,
            other => {
                reader.wrong(&other, "a number");
                0.0
            }
        }
    }
}

impl FromTree for u64 {
    fn read(tree: Tree, reader: &mut Reader) -> u64 {
        match tree {
            Tree::Unsigned(value) => value,
            other => whole(&other, 0, i64::MAX, reader).unsigned_abs(),
        }
    }
}

impl FromTree for i64 {
    fn read(tree: Tree, reader: &mut Reader) -> i64 {
        whole(&tree, i64::MIN, i64::MAX, reader)
    }
}

/// A whole number within bounds; else `low`.
pub(super) fn whole(tree: &Tree, low: i64, high: i64, reader: &mut Reader) -> i64 {
    match tree {
        Tree::Signed(value) if (low..=high).contains(value) => return *value,
        Tree::Signed(value) => reader.refuse(format!("{value} is outside {low}..={high}")),
        other => reader.wrong(other, "a whole number"),
    }
    low
}

/// Widths that fit in i64, so that the cast keeps the value.
macro_rules! small_integers {
    ($($type:ident)*) => {$(
        impl FromTree for $type {
            fn read(tree: Tree, reader: &mut Reader) -> $type {
                whole(&tree, i64::from($type::MIN), i64::from($type::MAX), reader) as $type
            }
        }
    )*};
}
small_integers!(u8 u32 i32);

impl FromTree for usize {
    // A count: the same bound on every host.
    fn read(tree: Tree, reader: &mut Reader) -> usize {
        u32::read(tree, reader) as usize
    }
}

impl<T: FromTree> FromTree for Option<T> {
    const OPTIONAL: bool = true;

    fn read(tree: Tree, reader: &mut Reader) -> Option<T> {
        match tree {
            Tree::Null => None,
            other => Some(T::read(other, reader)),
        }
    }
}

impl<T: FromTree> FromTree for Vec<T> {
    fn read(tree: Tree, reader: &mut Reader) -> Vec<T> {
        let Tree::List(items) = tree else {
            reader.wrong(&tree, "a list");
            return Vec::new();
        };
        let mut read = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            read.push(reader.below(Step::Item(index), item));
        }
        read
    }
}

impl<T: FromTree + Copy + Default> FromTree for [T; 2] {
    fn read(tree: Tree, reader: &mut Reader) -> [T; 2] {
        let values = Vec::read(tree, reader);
        if let [first, second] = values[..] {
            return [first, second];
        }
        reader.refuse(format!("expected two values, found {}", values.len()));
        [T::default(); 2]
    }
}
