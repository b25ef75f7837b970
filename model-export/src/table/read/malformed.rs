//! Malformed rows: counted by kind, the first of each kind kept for the message.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::Error;

/// What is wrong with a row. The row is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Malformed {
    /// More or fewer cells than the header has.
    Width,
    /// Bytes that are no UTF-8.
    Encoding,
    /// No id where one must be.
    IdMissing,
    /// An id that an earlier row of the table has.
    IdRepeated,
    /// No number, or not finite.
    NotANumber,
    /// Outside the column's range.
    OutOfRange,
    /// Neither Unix milliseconds nor RFC 3339.
    NotAnInstant,
    /// Neither true nor false.
    NotAFlag,
    /// Not a list.
    NotAList,
    /// An interaction of no known type.
    TypeUnknown,
    /// An interaction of a user that the users table lacks.
    UserUnknown,
    /// An interaction with a video that the videos table lacks.
    VideoUnknown,
}

impl Malformed {
    /// What messages call it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Malformed::Width => "wrong number of cells",
            Malformed::Encoding => "not UTF-8",
            Malformed::IdMissing => "no id",
            Malformed::IdRepeated => "id repeated",
            Malformed::NotANumber => "not a number",
            Malformed::OutOfRange => "out of range",
            Malformed::NotAnInstant => "not a timestamp (Unix milliseconds or RFC 3339)",
            Malformed::NotAFlag => "neither true nor false",
            Malformed::NotAList => "not a list",
            Malformed::TypeUnknown => "unknown type of interaction",
            Malformed::UserUnknown => "user is not in the users table",
            Malformed::VideoUnknown => "video is not in the videos table",
        }
    }
}

/// What is wrong, where in the row, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kind.
    pub kind: Malformed,
    /// Name of the column; empty for the whole row.
    pub column: &'static str,
    /// The cell, shortened.
    pub found: String,
}

impl Fault {
    /// A fault that shows the first characters of the cell.
    #[must_use]
    pub fn new(kind: Malformed, column: &'static str, found: &str) -> Fault {
        let found = if found.chars().count() > 40 {
            found.chars().take(40).chain(['…']).collect()
        } else {
            found.to_owned()
        };
        Fault { kind, column, found }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    count: u64,
    first: String,
}

/// Rows read and rows refused of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows read, malformed ones included.
    pub rows: u64,
    kinds: BTreeMap<Malformed, Seen>,
}

impl Report {
    /// Counts a fault; `place` is for example `line 7`.
    pub fn note(&mut self, path: &Path, place: &str, fault: &Fault) {
        let seen = self.kinds.entry(fault.kind).or_insert_with(|| Seen {
            count: 0,
            first: match fault.column {
                "" => format!("{}, {place}: {}", path.display(), fault.found),
                column => format!("{}, {place}, column {column}: `{}`", path.display(), fault.found),
            },
        });
        seen.count += 1;
    }

    /// Malformed rows.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.kinds.values().map(|seen| seen.count).sum()
    }

    /// Malformed rows of one kind.
    #[must_use]
    pub fn count(&self, kind: Malformed) -> u64 {
        self.kinds.get(&kind).map_or(0, |seen| seen.count)
    }

    /// Each kind that was met: how often, and the first of them.
    pub fn kinds(&self) -> impl Iterator<Item = (Malformed, u64, &str)> {
        self.kinds
            .iter()
            .map(|(kind, seen)| (*kind, seen.count, seen.first.as_str()))
    }

    /// One line per kind: how many, and the first of them.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = String::new();
        for (kind, seen) in &self.kinds {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {} × {}, first: {}", seen.count, kind.text(), seen.first);
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// Refuses a file with more than this share of malformed rows.
    ///
    /// # Errors
    /// [`Error::RowsMalformed`], with the first of each kind.
    pub fn check(&self, path: &Path, allowed: f64) -> Result<(), Error> {
        let malformed = self.malformed();
        if malformed as f64 > allowed * self.rows as f64 {
            return Err(Error::RowsMalformed {
                path: path.to_path_buf(),
                malformed,
                rows: self.rows,
                allowed,
                report: self.lines(),
            });
        }
        Ok(())
    }
}
