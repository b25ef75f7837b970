//! Parquet. Columns may have any type that can be cast to what the schema wants.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::cell::{Cell, Row};
use super::malformed::{Fault, Report};
use crate::Error;
use crate::table::schema::{Kind, Schema};

const BATCH: usize = 16_384;

/// As [`super::csv_file::read`].
///
/// # Errors
/// As there.
pub fn read(
    path: &Path,
    schema: &Schema,
    allowed: f64,
    take: &mut dyn FnMut(&Row<'_, '_>) -> Result<(), Fault>,
) -> Result<Report, Error> {
    let file = File::open(path).map_err(Error::file(path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(Error::file(path))?;
    let names: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    let places = super::places(path, schema, &names)?;
    let reader = builder.with_batch_size(BATCH).build().map_err(Error::file(path))?;
    let mut report = Report::default();
    for batch in reader {
        let batch = batch.map_err(Error::file(path))?;
        let columns = columns(path, schema, &places, &batch)?;
        let mut cells = Vec::with_capacity(schema.columns.len());
        for row in 0..batch.num_rows() {
            report.rows += 1;
            cells.clear();
            cells.extend(columns.iter().map(|column| cell(column.as_ref(), row)));
            if let Err(fault) = take(&Row::new(schema, &cells)) {
                report.note(path, &format!("row {}", report.rows), &fault);
            }
        }
    }
    report.check(path, allowed)?;
    Ok(report)
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
