//! Files of interactions in the formats that papers use, read line by line.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;

/// What a line of a file of interactions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum FileFormat {
    /// `user item [rating [time]]`, by tabs, spaces, commas or `::`
    Rows,
    /// `user item item …`, one line for each user
    Lists,
}

/// One interaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record<'a> {
    /// The user's id.
    pub user: &'a str,
    /// The item's id.
    pub item: &'a str,
    /// Rating, where there is one.
    pub rating: Option<f32>,
    /// Time, in whatever unit; greater is later.
    pub time: Option<f64>,
    /// Line of the file, from 1.
    pub line: usize,
}

/// A file in memory.
#[derive(Debug)]
pub struct Text<'a> {
    path: &'a Path,
    text: String,
}

/// Fields of a line.
fn fields(line: &str) -> Vec<&str> {
    if line.contains("::") {
        line.split("::").map(str::trim).collect()
    } else if line.contains(',') {
        line.split(',').map(str::trim).collect()
    } else {
        line.split_whitespace().collect()
    }
}

/// A line of names rather than ids.
fn is_header(line: &str) -> bool {
    let first = fields(line)
        .first()
        .map_or(String::new(), |f| f.trim_matches('"').to_lowercase());
    ["user", "uid", "#"].iter().any(|name| first.starts_with(name)) && !first.bytes().any(|b| b.is_ascii_digit())
}

impl<'a> Text<'a> {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::LineMalformed`] for a line that is not UTF-8.
    pub fn read(path: &'a Path) -> Result<Text<'a>, Error> {
        let text = String::from_utf8(fs::read(path).map_err(Error::file(path))?).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..good].iter().filter(|b| **b == b'\n').count() + 1;
            malformed(path, line, "it is not UTF-8")
        })?;
        Ok(Text { path, text })
    }

    /// Lines that say something, with their number from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let all = self.text.trim_start_matches('\u{feff}').lines().enumerate();
        let named = all
            .map(|(i, line)| (i + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty());
        named.filter(|(number, line)| *number > 1 || !is_header(line))
    }

    /// The format, where the file tells: rows and lists look alike where every line has as many fields, three or four.
    #[must_use]
    pub fn format(&self) -> Option<FileFormat> {
        let mut widths = self.lines().take(5_000).map(|(_, line)| {
            let separated = line.contains("::") || line.contains(',');
            (fields(line).len(), separated)
        });
        let (first, separated) = widths.next()?;
        if separated {
            return Some(FileFormat::Rows);
        }
        match first {
            2 if widths.all(|(width, _)| width == 2) => Some(FileFormat::Rows),
            3 | 4 if widths.all(|(width, _)| width == first) => None,
            _ => Some(FileFormat::Lists),
        }
    }

    /// All interactions in `format`; users without any in lists are passed over.
    ///
    /// # Errors
    /// [`Error::LineMalformed`].
    pub fn records(
        &self,
        format: FileFormat,
        mut take: impl FnMut(Record<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for (line, text) in self.lines() {
            let fields = fields(text);
            let bad = |reason: &str| Err(malformed(self.path, line, reason));
            let Some((user, rest)) = fields.split_first() else {
                continue;
            };
            if user.is_empty() || rest.iter().any(|f| f.is_empty()) {
                return bad("an empty field");
            }
            match format {
                FileFormat::Lists => {
                    for item in rest {
                        take(Record {
                            user,
                            item,
                            rating: None,
                            time: None,
                            line,
                        })?;
                    }
                }
                FileFormat::Rows => {
                    let Some((item, rest)) = rest.split_first() else {
                        return bad("a user without an item; expected `user item [rating [time]]`");
                    };
                    let mut numbers = rest.iter().map(|f| f.parse::<f64>().ok().filter(|v| v.is_finite()));
                    let (rating, time) = (numbers.next(), numbers.next());
                    let (Some(rating), Some(time)) = (
                        rating.map_or(Some(None), |r| r.map(Some)),
                        time.map_or(Some(None), |t| t.map(Some)),
                    ) else {
                        return bad(
                            "a rating or time that is not a finite number; expected `user item [rating [time]]`",
                        );
                    };
                    take(Record {
                        user,
                        item,
                        rating: rating.map(|r| r as f32),
                        time,
                        line,
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Lines of `(user,item)` and the items that the case is ranked against.
    ///
    /// # Errors
    /// [`Error::LineMalformed`].
    pub fn negatives(
        &self,
        mut take: impl FnMut(usize, &str, &str, &[&str]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for (line, text) in self.lines() {
            let parts = text.strip_prefix('(').and_then(|t| t.split_once(')'));
            let pair = parts.and_then(|(pair, rest)| Some((pair.split_once(',')?, rest)));
            let Some(((user, item), rest)) = pair else {
                return Err(malformed(self.path, line, "expected `(user,item)` and then items"));
            };
            let (user, item) = (user.trim(), item.trim());
            let items: Vec<&str> = rest.split_whitespace().collect();
            if user.is_empty() || item.is_empty() || items.is_empty() {
                return Err(malformed(
                    self.path,
                    line,
                    "expected `(user,item)` and then at least one item",
                ));
            }
            if items.contains(&item) {
                return Err(malformed(
                    self.path,
                    line,
                    "the item is among those it is ranked against",
                ));
            }
            take(line, user, item, &items)?;
        }
        Ok(())
    }

    /// An error about a line of this file.
    pub fn error(&self, line: usize, reason: &str) -> Error {
        malformed(self.path, line, reason)
    }
}

fn malformed(path: &Path, line: usize, reason: &str) -> Error {
    Error::LineMalformed {
        path: path.to_path_buf(),
        line,
        reason: reason.to_owned(),
    }
}
