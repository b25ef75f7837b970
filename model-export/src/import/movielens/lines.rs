//! Lines of cells: CSV with a header, or split by a separator without quotes.

use std::path::{Path, PathBuf};

use crate::Error;

/// How bytes become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8.
    Utf8,
    /// ISO 8859-1: every byte is a character.
    Latin1,
}

/// The lines of a file, in memory: the largest of these files has 24 MB.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    text: String,
    /// `None`: CSV with a header.
    separator: Option<&'static str>,
}

impl Lines {
    pub(super) fn csv(path: &Path) -> Result<Lines, Error> {
        Lines::open(path, None, Encoding::Utf8)
    }

    pub(super) fn split(path: &Path, separator: &'static str, encoding: Encoding) -> Result<Lines, Error> {
        Lines::open(path, Some(separator), encoding)
    }

    fn open(path: &Path, separator: Option<&'static str>, encoding: Encoding) -> Result<Lines, Error> {
        let bytes = std::fs::read(path).map_err(Error::file(path))?;
        let text = match encoding {
            Encoding::Utf8 => String::from_utf8(bytes).map_err(Error::file(path))?,
            Encoding::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
        };
        Ok(Lines {
            path: path.to_path_buf(),
            text,
            separator,
        })
    }

    /// Gives each line of exactly `N` cells to `take`.
    pub(super) fn each<const N: usize>(
        &self,
        mut take: impl FnMut([&str; N]) -> Result<(), String>,
    ) -> Result<(), Error> {
        self.each_wide(|cells| match <[&str; N]>::try_from(cells) {
            Ok(cells) => take(cells),
            Err(_) => Err(format!("{} cells, expected {N}", cells.len())),
        })
    }

    /// Gives each line to `take`; an empty line is none.
    pub(super) fn each_wide(&self, mut take: impl FnMut(&[&str]) -> Result<(), String>) -> Result<(), Error> {
        let wrong = |line: u64, reason: String| Error::File {
            path: self.path.clone(),
            reason: format!("line {line}: {reason}"),
        };
        let Some(separator) = self.separator else {
            let mut reader = csv::ReaderBuilder::new()
                .flexible(true)
                .from_reader(self.text.as_bytes());
            for record in reader.records() {
                let record = record.map_err(Error::file(&self.path))?;
                let cells: Vec<&str> = record.iter().collect();
                take(&cells).map_err(|reason| wrong(record.position().map_or(0, csv::Position::line), reason))?;
            }
            return Ok(());
        };
        for (line, text) in self.text.lines().enumerate().filter(|(_, text)| !text.is_empty()) {
            let cells: Vec<&str> = text.split(separator).collect();
            take(&cells).map_err(|reason| wrong(line as u64 + 1, reason))?;
        }
        Ok(())
    }
}
