//! One row, whatever it was read from: cells by column, read as what the column holds.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use jiff::Timestamp;

use super::malformed::{Fault, Malformed};
use crate::table::schema::Schema;

/// A cell as its format gives it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Empty, null, or the file lacks the column.
    Unknown,
    /// Text, of any column of a CSV file.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
    /// A whole number, or an instant.
    Integer(i64),
    /// A flag.
    Flag(bool),
    /// A list.
    List(Vec<Cow<'a, str>>),
}

impl<'a> Cell<'a> {
    /// Text, unknown where it is missing or empty.
    #[must_use]
    pub fn text(value: Option<&'a str>) -> Cell<'a> {
        value
            .filter(|t| !t.is_empty())
            .map_or(Cell::Unknown, |t| Cell::Text(Cow::Borrowed(t)))
    }
}

/// A row: cells in the order of its schema's columns.
#[derive(Debug)]
pub struct Row<'r, 'a> {
    schema: &'r Schema,
    cells: &'r [Cell<'a>],
}

impl<'r, 'a> Row<'r, 'a> {
    /// Cells of a schema; there must be one per column.
    #[must_use]
    pub fn new(schema: &'r Schema, cells: &'r [Cell<'a>]) -> Self {
        debug_assert_eq!(schema.columns.len(), cells.len());
        Row { schema, cells }
    }

    fn cell(&self, column: &'static str) -> &'r Cell<'a> {
        let index = self.schema.columns.iter().position(|c| c.name == column);
        debug_assert!(index.is_some(), "{column}");
        index.and_then(|i| self.cells.get(i)).unwrap_or(&Cell::Unknown)
    }

    /// An id.
    ///
    /// # Errors
    /// A fault where it is missing.
    pub fn id(&self, column: &'static str) -> Result<&'r str, Fault> {
        self.text(column)?
            .ok_or_else(|| Fault::new(Malformed::IdMissing, column, ""))
    }

    /// A text.
    ///
    /// # Errors
    /// Never where the reader gives text columns as text.
    pub fn text(&self, column: &'static str) -> Result<Option<&'r str>, Fault> {
        match self.cell(column) {
            Cell::Unknown => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            other => Err(Fault::new(Malformed::Encoding, column, &format!("{other:?}"))),
        }
    }

    /// A finite number within a range.
    ///
    /// # Errors
    /// A fault where it is neither.
    pub fn number(&self, column: &'static str, range: RangeInclusive<f32>) -> Result<Option<f32>, Fault> {
        let cell = self.cell(column);
        let value = match cell {
            Cell::Unknown => return Ok(None),
            Cell::Number(value) => Some(*value as f32),
            Cell::Integer(value) => Some(*value as f32),
            Cell::Text(text) => text.trim().parse().ok(),
            Cell::Flag(_) | Cell::List(_) => None,
        };
        match value.filter(|v: &f32| v.is_finite()) {
            None => Err(Fault::new(Malformed::NotANumber, column, &shown(cell))),
            Some(value) if range.contains(&value) => Ok(Some(value)),
            Some(_) => Err(Fault::new(Malformed::OutOfRange, column, &shown(cell))),
        }
    }

    /// A whole number, 0..2^32−1.
    ///
    /// # Errors
    /// A fault where it is not.
    pub fn count(&self, column: &'static str) -> Result<Option<u32>, Fault> {
        let cell = self.cell(column);
        let value = match cell {
            Cell::Unknown => return Ok(None),
            Cell::Integer(value) => Some(*value),
            Cell::Number(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(*value as i64),
            Cell::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        let value = value.ok_or_else(|| Fault::new(Malformed::NotANumber, column, &shown(cell)))?;
        u32::try_from(value)
            .map(Some)
            .map_err(|_| Fault::new(Malformed::OutOfRange, column, &shown(cell)))
    }

    /// An instant in Unix milliseconds.
    ///
    /// # Errors
    /// A fault where it is neither a whole number nor RFC 3339.
    pub fn instant(&self, column: &'static str) -> Result<Option<i64>, Fault> {
        let cell = self.cell(column);
        let value = match cell {
            Cell::Unknown => return Ok(None),
            Cell::Integer(value) => Some(*value),
            Cell::Number(value) if value.is_finite() && value.abs() < 9e15 => Some(*value as i64),
            Cell::Text(text) => parse_instant(text.trim()),
            _ => None,
        };
        // Beyond jiff's range no clock can tell the time of day.
        match value.filter(|ms| Timestamp::from_millisecond(*ms).is_ok()) {
            Some(value) => Ok(Some(value)),
            None => Err(Fault::new(Malformed::NotAnInstant, column, &shown(cell))),
        }
    }

    /// A flag: true, false, 1 or 0.
    ///
    /// # Errors
    /// A fault where it is another text.
    pub fn flag(&self, column: &'static str) -> Result<Option<bool>, Fault> {
        let cell = self.cell(column);
        match cell {
            Cell::Unknown => Ok(None),
            Cell::Flag(value) => Ok(Some(*value)),
            Cell::Text(text) if matches!(&**text, "true" | "1" | "True") => Ok(Some(true)),
            Cell::Text(text) if matches!(&**text, "false" | "0" | "False") => Ok(Some(false)),
            _ => Err(Fault::new(Malformed::NotAFlag, column, &shown(cell))),
        }
    }

    /// A list; a CSV cell is a JSON array where it begins with `[`, else texts joined by `|`.
    ///
    /// # Errors
    /// A fault where the JSON is no array of texts.
    pub fn list(&self, column: &'static str) -> Result<Vec<Cow<'r, str>>, Fault> {
        let cell = self.cell(column);
        match cell {
            Cell::Unknown => Ok(Vec::new()),
            Cell::List(list) => Ok(list.iter().map(|t| Cow::Borrowed(&**t)).collect()),
            Cell::Text(text) if text.starts_with('[') => serde_json::from_str::<Vec<String>>(text)
                .map(|list| list.into_iter().map(Cow::Owned).collect())
                .map_err(|_| Fault::new(Malformed::NotAList, column, text)),
            Cell::Text(text) => Ok(text.split('|').filter(|t| !t.is_empty()).map(Cow::Borrowed).collect()),
            _ => Err(Fault::new(Malformed::NotAList, column, &shown(cell))),
        }
    }
}

fn parse_instant(text: &str) -> Option<i64> {
    text.parse::<i64>()
        .ok()
        .or_else(|| text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond))
}

fn shown(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Unknown => String::new(),
        Cell::Text(text) => text.to_string(),
        Cell::Number(value) => value.to_string(),
        Cell::Integer(value) => value.to_string(),
        Cell::Flag(value) => value.to_string(),
        Cell::List(list) => list.join("|"),
    }
}
