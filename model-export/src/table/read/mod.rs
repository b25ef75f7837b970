//! Reading: a directory of tables becomes a [`Dataset`].

mod batches;
mod cell;
mod csv_file;
mod load;
mod malformed;
mod parquet_file;

use std::path::Path;

pub use batches::Batches;
pub use cell::{Cell, Row};
pub use csv_file::open;
pub use load::{Loaded, find, load};
pub(crate) use load::{interaction, user, video};
pub use malformed::{Fault, Malformed, Report};

use super::schema::Schema;
use crate::Error;

/// Reads a file of either format, by its name.
fn read(
    path: &Path,
    schema: &Schema,
    allowed: f64,
    take: &mut dyn FnMut(&Row<'_, '_>) -> Result<(), Fault>,
) -> Result<Report, Error> {
    let report = if path.extension().is_some_and(|end| end == "parquet") {
        parquet_file::read(path, schema, allowed, take)?
    } else {
        csv_file::read(path, schema, allowed, take)?
    };
    if report.rows == report.malformed() {
        return Err(Error::TableEmpty {
            path: path.to_path_buf(),
            table: schema.table,
        });
    }
    Ok(report)
}

/// Where in a file each column of the schema stands. Columns beyond the schema are left alone.
fn places(path: &Path, schema: &Schema, names: &[String]) -> Result<Vec<Option<usize>>, Error> {
    if names.iter().all(String::is_empty) {
        return Err(Error::TableEmpty {
            path: path.to_path_buf(),
            table: schema.table,
        });
    }
    let place = |column: &super::schema::Column| {
        let found = names.iter().position(|name| name == column.name);
        if found.is_none() && column.required {
            return Err(Error::ColumnMissing {
                path: path.to_path_buf(),
                column: column.name.to_owned(),
                found: names.join(", "),
            });
        }
        Ok(found)
    };
    schema.columns.iter().map(place).collect()
}

#[cfg(test)]
mod tests;
