//! What is read from JSON or from a JavaScript object: first a tree, then the types of the core. And JSON of what a
//! device keeps.
//!
//! serde writes a parser for each type and each source, a third of a megabyte of module for the types here.
//! One parser of trees and a small [`FromTree`] per type do the same in a tenth, and say in which field a
//! value does not fit. serde_json stays the oracle of both directions, and writes what only training writes.

pub(crate) mod decimal;
mod parse;
mod read;
mod record;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub use record::Fields;
pub(crate) use record::record;
pub use write::ToJson;
pub(crate) use write::member;

use crate::{Error, ErrorKind};

/// Deepest nesting that is read; no type of the core needs half of it.
pub const MAX_DEPTH: u8 = 16;

/// A value of JSON, or of a plain JavaScript object.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Tree {
    /// Nothing: `null`, `undefined`.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Signed(i64),
    /// A whole number above `i64::MAX`.
    Unsigned(u64),
    /// Any other number; a JavaScript object may hold NaN and infinities.
    Float(f64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// Members in the order of the source.
    Object(Vec<(String, Tree)>),
}

/// Where and how a tree differs from what was wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{reason}")]
pub struct Misfit {
    /// Names of the fields that lead there, each with `: ` behind it; empty for the root.
    pub path: String,
    /// What was found, and what would be right.
    pub reason: String,
}

/// A type that is read from a tree.
pub trait FromTree: Sized {
    /// True where a field may be missing; it is read as [`Tree::Null`] then.
    const OPTIONAL: bool = false;

    /// Reads the value. Where the tree has another shape the reader is told, and the value is any:
    /// a struct that stopped at each field would be of several times the code.
    fn read(tree: Tree, reader: &mut Reader) -> Self;

    /// Reads the value.
    ///
    /// # Errors
    /// [`Misfit`] where the tree has another shape: the first one.
    fn from_tree(tree: Tree) -> Result<Self, Misfit> {
        let mut reader = Reader::default();
        let value = Self::read(tree, &mut reader);
        reader.misfit.map_or(Ok(value), Err)
    }
}

/// Keeps where the reading is, and the first misfit.
#[derive(Debug, Default)]
pub struct Reader {
    path: Vec<Step>,
    misfit: Option<Misfit>,
}

#[derive(Debug)]
enum Step {
    Field(&'static str),
    Item(usize),
}

impl Reader {
    /// The value that is being read does not fit.
    pub fn refuse(&mut self, reason: String) {
        if self.misfit.is_some() {
            return;
        }
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Field(name) => path.push_str(name),
                Step::Item(index) => path.push_str(&index.to_string()),
            }
            path.push_str(": ");
        }
        self.misfit = Some(Misfit { path, reason });
    }

    fn wrong(&mut self, tree: &Tree, wanted: &str) {
        self.refuse(format!("expected {wanted}, found {}", tree.kind()));
    }

    /// Reads what lies below `step`.
    fn below<T: FromTree>(&mut self, step: Step, tree: Tree) -> T {
        self.path.push(step);
        let value = T::read(tree, self);
        self.path.pop();
        value
    }
}

impl Tree {
    /// The member of this name, of an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tree> {
        let Tree::Object(members) = self else {
            return None;
        };
        members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The `version` of a stored form, which is read before anything else of it.
    ///
    /// # Errors
    /// [`Misfit`] where there is none.
    pub fn version(&self) -> Result<u32, Misfit> {
        let mut reader = Reader::default();
        reader.path.push(Step::Field("version"));
        let version = value::whole(
            self.get("version").unwrap_or(&Tree::Null),
            0,
            u32::MAX.into(),
            &mut reader,
        );
        reader.misfit.map_or(Ok(version as u32), Err)
    }

    /// The tree of what a device keeps, `what`, once it says that it is of the version that is read.
    ///
    /// # Errors
    /// [`ErrorKind::ProfileInvalid`] for what is no JSON, names no version, or another.
    // Once in the module, for everything that is kept.
    #[inline(never)]
    pub(crate) fn kept(what: &'static str, bytes: &[u8], version: u32) -> Result<Tree, Error> {
        let invalid = |reason| Error::from(ErrorKind::ProfileInvalid { what, reason });
        let unreadable = |misfit: Misfit| invalid(misfit.to_string());
        let tree = Tree::parse(bytes).map_err(unreadable)?;
        match tree.version().map_err(unreadable)? {
            found if found == version => Ok(tree),
            found => Err(invalid(format!("it has version {found}, this program reads {version}"))),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Tree::Null => "nothing",
            Tree::Bool(_) => "a boolean",
            Tree::Signed(_) | Tree::Unsigned(_) => "a whole number",
            Tree::Float(_) => "a fraction",
            Tree::Text(_) => "a text",
            Tree::List(_) => "a list",
            Tree::Object(_) => "an object",
        }
    }
}
