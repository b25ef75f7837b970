//! Writing: a [`Dataset`] becomes a directory of tables, as Parquet or as CSV.

mod csv_file;
mod parquet_file;

use std::borrow::Cow;
use std::path::Path;

use upnext_core::EventKind;

use super::read::Cell;
use super::schema::{INTERACTIONS, Schema, USERS, VIDEOS};
use super::{Dataset, Lists};
use crate::Error;

/// Format of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Parquet with zstd: small, typed.
    Parquet,
    /// CSV: readable.
    Csv,
}

impl Format {
    const fn ending(self) -> &'static str {
        match self {
            Format::Parquet => "parquet",
            Format::Csv => "csv",
        }
    }
}

/// Writes the tables and `dataset.json`. Tables of another format that stand there are removed,
/// so that a directory never holds two forms of one table.
///
/// # Errors
/// [`Error::File`].
pub fn write(data: &Dataset, dir: &Path, format: Format) -> Result<(), Error> {
    std::fs::create_dir_all(dir).map_err(Error::file(dir))?;
    let tables: [(&Schema, usize, CellOf); 3] = [
        (&VIDEOS, data.videos.len(), video_cell),
        (&USERS, data.users.len(), user_cell),
        (&INTERACTIONS, data.interactions.len(), interaction_cell),
    ];
    for (schema, rows, cell) in tables {
        let path = dir.join(format!("{}.{}", schema.table, format.ending()));
        // Complete or not at all: readers never see half a table.
        let part = dir.join(format!("{}.part", schema.table));
        let view = View {
            data,
            schema,
            rows,
            cell,
        };
        match format {
            Format::Parquet => parquet_file::write(&view, &part)?,
            Format::Csv => csv_file::write(&view, &part)?,
        }
        for ending in ["parquet", "csv", "csv.zst"] {
            let old = dir.join(format!("{}.{ending}", schema.table));
            if old.is_file() {
                std::fs::remove_file(&old).map_err(Error::file(&old))?;
            }
        }
        std::fs::rename(&part, &path).map_err(Error::file(&path))?;
    }
    let path = dir.join("dataset.json");
    let mut text = serde_json::to_string_pretty(&data.meta).map_err(Error::file(&path))?;
    text.push('\n');
    std::fs::write(&path, text).map_err(Error::file(&path))
}

type CellOf = for<'d> fn(&'d Dataset, usize, &str) -> Cell<'d>;

/// A table of a data set, cell by cell.
struct View<'d> {
    data: &'d Dataset,
    schema: &'static Schema,
    rows: usize,
    cell: CellOf,
}

impl<'d> View<'d> {
    fn cell(&self, row: usize, column: &str) -> Cell<'d> {
        (self.cell)(self.data, row, column)
    }
}

fn number<'a>(value: Option<f32>) -> Cell<'a> {
    value.map_or(Cell::Unknown, |v| Cell::Number(f64::from(v)))
}

fn integer<'a, T: Into<i64>>(value: Option<T>) -> Cell<'a> {
    value.map_or(Cell::Unknown, |v| Cell::Integer(v.into()))
}

fn list(lists: &Lists, row: usize) -> Cell<'_> {
    if lists.codes(row).is_empty() {
        return Cell::Unknown;
    }
    Cell::List(lists.get(row).map(Cow::Borrowed).collect())
}

fn video_cell<'d>(data: &'d Dataset, row: usize, column: &str) -> Cell<'d> {
    let table = &data.videos;
    match column {
        "id" => Cell::text(Some(table.ids.name(row as u32))),
        "title" => Cell::text(table.title[row].as_deref()),
        "tags" => list(&table.tags, row),
        "length_seconds" => number(table.length_seconds[row]),
        "language" => Cell::text(table.language.get(row)),
        "rating" => Cell::text(table.rating.get(row)),
        "channel" => Cell::text(table.channel.get(row)),
        "published_at" => integer(table.published_at_ms[row]),
        "likes" => number(table.likes[row]),
        "comments" => number(table.comments[row]),
        "views" => number(table.views[row]),
        "regions" => list(&table.regions, row),
        "content_hash" => Cell::text(table.content_hash[row].as_deref()),
        _ => Cell::Unknown,
    }
}

fn user_cell<'d>(data: &'d Dataset, row: usize, column: &str) -> Cell<'d> {
    let table = &data.users;
    match column {
        "id" => Cell::text(Some(table.ids.name(row as u32))),
        "age" => number(table.age[row]),
        "gender" => Cell::text(table.gender.get(row)),
        "latitude" => number(table.latitude[row]),
        "longitude" => number(table.longitude[row]),
        "username" => Cell::text(table.username[row].as_deref()),
        "language" => Cell::text(table.language.get(row)),
        "time_zone" => Cell::text(table.time_zone.get(row)),
        _ => Cell::Unknown,
    }
}

fn interaction_cell<'d>(data: &'d Dataset, row: usize, column: &str) -> Cell<'d> {
    let table = &data.interactions;
    match column {
        "user_id" => Cell::text(Some(data.users.ids.name(table.user[row]))),
        "video_id" => Cell::text(Some(data.videos.ids.name(table.video[row]))),
        "type" => Cell::text(Some(table.kind[row].as_str())),
        "value" => match (table.kind[row], table.seconds[row]) {
            (EventKind::Watch, Some(seconds)) => Cell::Text(Cow::Owned(seconds.to_string())),
            _ => Cell::text(table.text.get(row)),
        },
        "timestamp" => Cell::Integer(table.at_ms[row]),
        "latitude" => number(table.latitude[row]),
        "longitude" => number(table.longitude[row]),
        "device" => Cell::text(table.device.get(row)),
        "surface" => Cell::text(table.surface.get(row)),
        "position" => integer(table.position[row]),
        "relevant" => table.relevant[row].map_or(Cell::Unknown, Cell::Flag),
        "propensity" => number(table.propensity[row]),
        _ => Cell::Unknown,
    }
}
