//! Where texts come from: a CSV file's column, lines, or the tables of a data set.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;
use upnext_core::EventKind;
use upnext_core::text::Folding;

use crate::Error;
use crate::table::load;

/// Share of malformed rows that a data set's table may have here: what `check` allows by default.
const MALFORMED: f64 = 0.01;

/// `FILE[:COLUMN[:SEPARATOR]]`: a CSV file, a file of lines, or a data set's directory.
///
/// ```
/// let source: upnext_export::text::TextSource = "videos.csv:tags:|".parse().unwrap();
/// assert_eq!((source.column.as_str(), source.separator.as_deref()), ("tags", Some("|")));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextSource {
    /// The file or directory.
    pub path: PathBuf,
    /// Column of a CSV file; of a data set one of title, comment, search.
    pub column: String,
    /// Cuts a cell into several texts.
    pub separator: Option<String>,
}

impl FromStr for TextSource {
    type Err = String;

    fn from_str(text: &str) -> Result<TextSource, String> {
        let mut parts = text.splitn(3, ':');
        let path = parts.next().filter(|path| !path.is_empty()).ok_or("no file is named")?;
        let column = parts.next().filter(|column| !column.is_empty()).unwrap_or("title");
        Ok(TextSource {
            path: path.into(),
            column: column.to_owned(),
            separator: parts.next().filter(|s| !s.is_empty()).map(str::to_owned),
        })
    }
}

impl TextSource {
    /// The texts in order; one that is missing is empty.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::ColumnMissing`], [`Error::LineMalformed`]; of a data set those of [`load`].
    pub fn read(&self) -> Result<Vec<String>, Error> {
        let cells = if self.path.is_dir() {
            self.tables()?
        } else if self
            .path
            .extension()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("csv"))
        {
            self.csv()?
        } else {
            let text = fs::read(&self.path).map_err(Error::file(&self.path))?;
            let text = String::from_utf8(text).map_err(|error| {
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                malformed(
                    &self.path,
                    before.iter().filter(|b| **b == b'\n').count() + 1,
                    "it is not UTF-8",
                )
            })?;
            text.lines().map(str::to_owned).collect()
        };
        Ok(match &self.separator {
            None => cells,
            Some(separator) => {
                let parts = cells.iter().flat_map(|cell| cell.split(separator.as_str()));
                parts.map(|part| part.trim().to_owned()).collect()
            }
        })
    }

    fn csv(&self) -> Result<Vec<String>, Error> {
        let path = &self.path;
        let mut reader = csv::Reader::from_path(path).map_err(Error::file(path))?;
        let header = reader.headers().map_err(Error::file(path))?.clone();
        let column = header.iter().position(|name| name == self.column);
        let column = column.ok_or_else(|| Error::ColumnMissing {
            path: path.clone(),
            column: self.column.clone(),
            found: header.iter().collect::<Vec<_>>().join(", "),
        })?;
        let cell = |record: Result<csv::StringRecord, csv::Error>| match record {
            Ok(record) => Ok(record.get(column).unwrap_or_default().to_owned()),
            Err(error) => {
                let line = error.position().map_or(0, |at| at.line() as usize);
                Err(malformed(path, line, &error.to_string()))
            }
        };
        reader.records().map(cell).collect()
    }

    fn tables(&self) -> Result<Vec<String>, Error> {
        let kind = match self.column.as_str() {
            "title" => None,
            "comment" => Some(EventKind::Comment),
            "search" => Some(EventKind::Search),
            other => {
                return Err(Error::ConfigInvalid {
                    option: format!("{}:{other}", self.path.display()),
                    reason: "of a data set the column is title, comment or search".to_owned(),
                });
            }
        };
        let data = load(&self.path, MALFORMED)?.data;
        let events = &data.interactions;
        Ok(match kind {
            None => data
                .videos
                .title
                .iter()
                .map(|t| t.as_deref().unwrap_or_default().to_owned())
                .collect(),
            Some(kind) => (0..events.len())
                .filter(|row| events.kind[*row] == kind)
                .map(|row| events.text.get(row).unwrap_or_default().to_owned())
                .collect(),
        })
    }
}

fn malformed(path: &Path, line: usize, reason: &str) -> Error {
    Error::LineMalformed {
        path: path.to_path_buf(),
        line,
        reason: reason.to_owned(),
    }
}

/// Texts that say something, each once: of those that [`Folding::normalise`] makes one the first.
#[must_use]
pub fn distinct(texts: Vec<String>) -> Vec<String> {
    let (mut met, folding) = (HashSet::new(), Folding::current());
    let mut new = |text: &String| {
        let normal = folding.normalise(text);
        !normal.is_empty() && met.insert(normal)
    };
    texts.into_iter().filter(|text| new(text)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(name: &str, content: &[u8], rest: &str) -> Result<Vec<String>, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        let source: TextSource = format!("{}{rest}", path.display()).parse().unwrap();
        source.read()
    }

    #[test]
    fn a_column_of_a_csv_file_in_order() {
        let table = "id,title,tags\n1,\"a, b\",x|y\n2,,\n3,c,z\n".as_bytes();
        assert_eq!(read("t.csv", table, "").unwrap(), ["a, b", "", "c"]);
        assert_eq!(read("t.csv", table, ":tags:|").unwrap(), ["x", "y", "", "z"]);
    }

    #[test]
    fn errors_name_column_and_line() {
        let missing = read("t.csv", b"id,name\n1,a\n", "").unwrap_err().to_string();
        assert!(missing.contains("`title`") && missing.contains("id, name"), "{missing}");
        let ragged = read("t.csv", b"id,title\n1,a\n2,b,c\n", "").unwrap_err();
        assert!(matches!(ragged, Error::LineMalformed { line: 3, .. }), "{ragged}");
        let latin = read("t.txt", b"one\ntw\xf6\n", "").unwrap_err();
        assert!(matches!(latin, Error::LineMalformed { line: 2, .. }), "{latin}");
    }

    #[test]
    fn the_same_text_in_other_letters_counts_once() {
        let texts = ["Ｆinale", "", "finale ", " … ", "other"].map(str::to_owned).to_vec();
        assert_eq!(distinct(texts), ["Ｆinale", " … ", "other"]);
    }
}
