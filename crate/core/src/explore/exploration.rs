//! Which way.

use serde::Serialize;

use crate::tree::{FromTree, Reader, ToJson, Tree};

/// How the videos are drawn that exploring shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Exploration {
    /// All alike.
    #[default]
    Uniform,
    /// Those that may be liked, as far as the personal head knows; uniform where it does not act.
    Thompson,
}

impl Exploration {
    /// Every way.
    pub const ALL: [Exploration; 2] = [Exploration::Uniform, Exploration::Thompson];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Exploration::Uniform => "uniform",
            Exploration::Thompson => "thompson",
        }
    }

    /// Whether it is the default.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Exploration::default()
    }
}

impl FromTree for Exploration {
    fn read(tree: Tree, reader: &mut Reader) -> Exploration {
        let name = String::read(tree, reader);
        let found = Exploration::ALL.into_iter().find(|way| way.as_str() == name);
        if found.is_none() {
            reader.refuse(format!("`{name}` is no way to explore, known are uniform, thompson"));
        }
        found.unwrap_or_default()
    }
}

impl ToJson for Exploration {
    fn write(&self, json: &mut String) {
        self.as_str().write(json);
    }

    /// Left out where it is the default: receipts of slates without it stay what they were.
    fn is_nothing(&self) -> bool {
        self.is_default()
    }
}
