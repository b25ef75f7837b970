//! Record batches, of a Parquet file or of a stream. Columns may have any type that can be cast to what the schema wants.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};

use super::cell::{Cell, Row};
use super::malformed::{Fault, Report};
use crate::Error;
use crate::table::schema::{Kind, Schema};

/// Rows of batches that share their columns, and what was refused of them.
#[derive(Debug)]
pub struct Batches<'s> {
    path: PathBuf,
    schema: &'s Schema,
    places: Vec<Option<usize>>,
    /// Rows so far.
    pub report: Report,
}

impl<'s> Batches<'s> {
    /// Batches whose columns have these names, in their order; `path` is what messages name.
    ///
    /// # Errors
    /// [`Error::ColumnMissing`], [`Error::TableEmpty`] where there is no column at all.
    pub fn new(path: &Path, schema: &'s Schema, names: &[String]) -> Result<Batches<'s>, Error> {
        Ok(Batches {
            path: path.to_path_buf(),
            schema,
            places: super::places(path, schema, names)?,
            report: Report::default(),
        })
    }

    /// Gives each row of a batch to `take`; those that it finds faulty go to the report.
    ///
    /// # Errors
    /// [`Error::File`] for a column that is of no fitting type, and what `take` returns.
    pub fn each(
        &mut self,
        batch: &RecordBatch,
        mut take: impl FnMut(&Row<'_, '_>) -> Result<Option<Fault>, Error>,
    ) -> Result<(), Error> {
        let columns = columns(&self.path, self.schema, &self.places, batch)?;
        let mut cells = Vec::with_capacity(columns.len());
        for row in 0..batch.num_rows() {
            self.report.rows += 1;
            cells.clear();
            cells.extend(columns.iter().map(|column| cell(column.as_ref(), row)));
            if let Some(fault) = take(&Row::new(self.schema, &cells))? {
                self.report
                    .note(&self.path, &format!("row {}", self.report.rows), &fault);
            }
        }
        Ok(())
    }
}

/// The schema's columns of one batch, each as the type that `cell` reads.
fn columns(
    path: &Path,
    schema: &Schema,
    places: &[Option<usize>],
    batch: &RecordBatch,
) -> Result<Vec<Option<ArrayRef>>, Error> {
    let column = |(place, column): (&Option<usize>, &crate::table::schema::Column)| {
        let Some(index) = place else { return Ok(None) };
        let array = batch.column(*index);
        let text = matches!(
            array.data_type(),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        );
        let wanted = match column.kind {
            Kind::Text => DataType::Utf8,
            // A text column of numbers is parsed cell by cell, so that a bad cell is one bad row.
            _ if text => DataType::Utf8,
            Kind::Number => DataType::Float64,
            Kind::Count => DataType::Int64,
            Kind::Flag => DataType::Boolean,
            Kind::List => DataType::new_list(DataType::Utf8, true),
            Kind::Instant => DataType::Int64,
        };
        let array = match (column.kind, array.data_type()) {
            (Kind::Instant, DataType::Timestamp(_, zone)) => {
                cast(array, &DataType::Timestamp(TimeUnit::Millisecond, zone.clone())).and_then(|a| cast(&a, &wanted))
            }
            (Kind::Instant, DataType::Date32 | DataType::Date64) => {
                cast(array, &DataType::Timestamp(TimeUnit::Millisecond, None)).and_then(|a| cast(&a, &wanted))
            }
            _ => cast(array, &wanted),
        };
        let what = |reason| Error::File {
            path: path.to_path_buf(),
            reason: format!("column {}: {reason}", column.name),
        };
        array.map(Some).map_err(what)
    };
    places.iter().zip(schema.columns).map(column).collect()
}

fn cell(column: Option<&ArrayRef>, row: usize) -> Cell<'_> {
    let Some(array) = column.filter(|array| array.is_valid(row)) else {
        return Cell::Unknown;
    };
    match array.data_type() {
        DataType::Utf8 => Cell::text(Some(array.as_string::<i32>().value(row))),
        DataType::Float64 => Cell::Number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Int64 => Cell::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Boolean => Cell::Flag(array.as_boolean().value(row)),
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            let (start, end) = (
                lists.value_offsets()[row] as usize,
                lists.value_offsets()[row + 1] as usize,
            );
            let texts = lists.values().as_string::<i32>();
            let known = (start..end).filter(|i| texts.is_valid(*i));
            Cell::List(known.map(|i| Cow::Borrowed(texts.value(i))).collect())
        }
        _ => Cell::Unknown,
    }
}
