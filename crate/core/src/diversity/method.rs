//! Which method.

use serde::Serialize;

use super::{Determinant, Nearest, Spectrum, Spread, UnitRows, WINDOW};
use crate::tree::{FromTree, Reader, ToJson, Tree};

/// How likeness inside a slate is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Maximal marginal relevance: the most similar one before it.
    #[default]
    Mmr,
    /// Determinantal point process: the volume of the latest [`WINDOW`] together, as a logarithm.
    Dpp,
    /// Sliding spectrum decomposition: the volume itself.
    Ssd,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 3] = [Method::Mmr, Method::Dpp, Method::Ssd];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Mmr => "mmr",
            Method::Dpp => "dpp",
            Method::Ssd => "ssd",
        }
    }

    /// The method's spread over `count` rows, nothing picked, with the window [`WINDOW`].
    #[must_use]
    pub fn spread<'a>(self, rows: &'a UnitRows, count: usize) -> Box<dyn Spread + 'a> {
        match self {
            Method::Mmr => Box::new(Nearest::new(rows, count)),
            Method::Dpp => Box::new(Determinant::new(rows, count, WINDOW)),
            Method::Ssd => Box::new(Spectrum::new(rows, count, WINDOW)),
        }
    }

    /// Whether it is the default.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Method::default()
    }
}

impl FromTree for Method {
    fn read(tree: Tree, reader: &mut Reader) -> Method {
        let name = String::read(tree, reader);
        let found = Method::ALL.into_iter().find(|method| method.as_str() == name);
        if found.is_none() {
            reader.refuse(format!("`{name}` is no method, known are mmr, dpp, ssd"));
        }
        found.unwrap_or_default()
    }
}

impl ToJson for Method {
    fn write(&self, json: &mut String) {
        self.as_str().write(json);
    }

    /// Left out where it is the default: receipts of slates without a method stay what they were.
    fn is_nothing(&self) -> bool {
        self.is_default()
    }
}
