//! CSV, plain or compressed with zstd.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};

use super::cell::{Cell, Row};
use super::malformed::{Fault, Malformed, Report};
use crate::Error;
use crate::table::schema::Schema;

/// Opens a file, decompressed where its name ends with `.zst`.
///
/// # Errors
/// [`Error::File`].
pub fn open(path: &Path) -> Result<Box<dyn Read>, Error> {
    let file = BufReader::with_capacity(1 << 20, File::open(path).map_err(Error::file(path))?);
    if path.extension().is_some_and(|end| end == "zst") {
        Ok(Box::new(zstd::Decoder::with_buffer(file).map_err(Error::file(path))?))
    } else {
        Ok(Box::new(file))
    }
}

/// Gives each row to `take`; rows that it finds faulty, and rows that are no row, go to the report.
///
/// # Errors
/// [`Error::File`], [`Error::ColumnMissing`], and [`Error::RowsMalformed`] above the share that is allowed.
pub fn read(
    path: &Path,
    schema: &Schema,
    allowed: f64,
    take: &mut dyn FnMut(&Row<'_, '_>) -> Result<(), Fault>,
) -> Result<Report, Error> {
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .buffer_capacity(1 << 20)
        .from_reader(open(path)?);
    let headers = reader.byte_headers().map_err(Error::file(path))?.clone();
    let places = places(path, schema, &headers)?;
    let mut report = Report::default();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(Error::file(path))? {
        report.rows += 1;
        let outcome = if record.len() == headers.len() {
            cells(schema, &places, &record).and_then(|cells| take(&Row::new(schema, &cells)))
        } else {
            let found = format!("{} cells, the header has {}", record.len(), headers.len());
            Err(Fault::new(Malformed::Width, "", &found))
        };
        if let Err(fault) = outcome {
            let line = record.position().map_or(0, csv::Position::line);
            report.note(path, &format!("line {line}"), &fault);
        }
    }
    report.check(path, allowed)?;
    Ok(report)
}

fn places(path: &Path, schema: &Schema, headers: &ByteRecord) -> Result<Vec<Option<usize>>, Error> {
    let names: Vec<String> = headers
        .iter()
        .map(|name| {
            String::from_utf8_lossy(name)
                .trim_start_matches('\u{feff}')
                .trim()
                .to_owned()
        })
        .collect();
    super::places(path, schema, &names)
}

fn cells<'a>(schema: &Schema, places: &[Option<usize>], record: &'a ByteRecord) -> Result<Vec<Cell<'a>>, Fault> {
    let cell = |(column, place): (usize, &Option<usize>)| {
        let bytes = place.and_then(|i| record.get(i)).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok("") => Ok(Cell::Unknown),
            Ok(text) => Ok(Cell::Text(Cow::Borrowed(text))),
            Err(_) => {
                let shown = String::from_utf8_lossy(bytes);
                Err(Fault::new(Malformed::Encoding, schema.columns[column].name, &shown))
            }
        }
    };
    places.iter().enumerate().map(cell).collect()
}
