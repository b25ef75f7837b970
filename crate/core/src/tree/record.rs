//! Structs from objects.

use super::{FromTree, Reader, Step, Tree};

/// The members of an object, taken out in the order of their names.
#[derive(Debug)]
pub struct Fields<'a> {
    reader: &'a mut Reader,
    names: &'static [&'static str],
    values: Vec<Option<Tree>>,
    next: usize,
}

impl Reader {
    /// The members of `tree`, whatever their names. Refused is anything but an object.
    pub(crate) fn members(&mut self, tree: Tree) -> Vec<(String, Tree)> {
        if let Tree::Object(members) = tree {
            return members;
        }
        self.wrong(&tree, "an object");
        Vec::new()
    }

    /// The members of `tree`. Refused are anything but an object, a name that is not listed, and one that
    /// comes twice.
    pub fn fields(&mut self, tree: Tree, names: &'static [&'static str]) -> Fields<'_> {
        let mut values: Vec<Option<Tree>> = names.iter().map(|_| None).collect();
        for (name, value) in self.members(tree) {
            let at = names.iter().position(|known| *known == name);
            match at.and_then(|at| values.get_mut(at)) {
                Some(slot @ None) => *slot = Some(value),
                Some(_) => self.refuse(format!("field `{name}` comes twice")),
                None => self.refuse(format!("unknown field `{name}`, known are {}", names.join(", "))),
            }
        }
        Fields {
            reader: self,
            names,
            values,
            next: 0,
        }
    }
}

impl Fields<'_> {
    /// The value of the next name. Refused where it is missing and has no default.
    pub fn take<T: FromTree>(&mut self) -> T {
        let (name, value) = self.step();
        if value.is_none() && !T::OPTIONAL {
            self.reader.refuse(format!("missing field `{name}`"));
        }
        self.reader.below(Step::Field(name), value.unwrap_or_default())
    }

    /// The value of the next name; `default` where it is missing.
    pub fn take_or<T: FromTree>(&mut self, default: T) -> T {
        let (name, value) = self.step();
        match value {
            Some(value) => self.reader.below(Step::Field(name), value),
            None => default,
        }
    }

    fn step(&mut self) -> (&'static str, Option<Tree>) {
        let at = self.next;
        self.next += 1;
        let name = self.names.get(at).copied().unwrap_or_default();
        (name, self.values.get_mut(at).and_then(Option::take))
    }
}

/// Reads a struct from an object: `record!(Type { field, other as "otherName", third = default })`.
/// A field that is not listed in the object takes its default, or is nothing where it is an `Option`;
/// one that the struct does not know is refused. Implements [`serde::Deserialize`] by way of the tree too, and
/// [`ToJson`](super::ToJson) where it begins with `json`. `field = default => silent` is not written where it has its
/// default: what was written before there was such a field stays as it is, and with it every hash of it.
macro_rules! record {
    (json $type:ident { $($field:ident $(as $name:literal)? $(= $default:expr $(=> $silent:ident)?)?),* $(,)? }) => {
        $crate::tree::record!($type { $($field $(as $name)? $(= $default)?),* });

        impl $crate::tree::ToJson for $type {
            fn write(&self, json: &mut String) {
                json.push('{');
                $($crate::tree::record!(
                    @member json, $crate::tree::record!(@name $field $($name)?), &self.$field, $($($silent)?; $default)?
                );)*
                json.push('}');
            }
        }
    };
    ($type:ident { $($field:ident $(as $name:literal)? $(= $default:expr)?),* $(,)? }) => {
        impl $crate::tree::FromTree for $type {
            fn read(tree: $crate::tree::Tree, reader: &mut $crate::tree::Reader) -> $type {
                const NAMES: &[&str] = &[$($crate::tree::record!(@name $field $($name)?)),*];
                let mut fields = reader.fields(tree, NAMES);
                $type { $($field: $crate::tree::record!(@take fields $($default)?)),* }
            }
        }
        $crate::tree::record!(@serde $type);
    };
    (@member $json:ident, $name:expr, $value:expr, silent; $default:expr) => {
        if $value != &$default {
            $crate::tree::member($json, $name, $value);
        }
    };
    (@member $json:ident, $name:expr, $value:expr, $(; $default:expr)?) => {
        $crate::tree::member($json, $name, $value);
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    (@take $fields:ident) => { $fields.take() };
    (@take $fields:ident $default:expr) => { $fields.take_or($default) };
    (@serde $type:ident) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<$type, D::Error> {
                let tree = <$crate::tree::Tree as serde::Deserialize>::deserialize(source)?;
                <$type as $crate::tree::FromTree>::from_tree(tree).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use record;
