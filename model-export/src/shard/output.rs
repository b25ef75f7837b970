//! Batches that go out.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;

use crate::Error;
use crate::table::read::Report;

/// A stream of batches of one schema; every column may be null.
pub struct Output<W: Write> {
    writer: StreamWriter<W>,
    schema: SchemaRef,
}

fn failed(reason: ArrowError) -> Error {
    Error::file(Path::new("standard output"))(reason)
}

impl<W: Write> Output<W> {
    /// Begins the stream.
    pub fn new(output: W, columns: &[(&'static str, DataType)]) -> Result<Output<W>, Error> {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, kind)| Field::new(*name, kind.clone(), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(Output {
            writer: StreamWriter::try_new(output, &schema).map_err(failed)?,
            schema,
        })
    }

    /// Writes a batch.
    pub fn write(&mut self, columns: Vec<ArrayRef>) -> Result<(), Error> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(failed)?;
        self.writer.write(&batch).map_err(failed)
    }

    /// Writes the first columns of a batch of so many rows; the others are null.
    pub fn write_padded(&mut self, mut columns: Vec<ArrayRef>, rows: usize) -> Result<(), Error> {
        for field in &self.schema.fields()[columns.len()..] {
            columns.push(new_null_array(field.data_type(), rows));
        }
        self.write(columns)
    }

    /// Writes buckets and the rows of each, without a fault.
    pub fn write_counted(&mut self, buckets: &BTreeMap<i64, i64>) -> Result<(), Error> {
        let nothing = new_null_array(&DataType::Utf8, buckets.len());
        self.write(vec![
            Arc::new(Int64Array::from_iter_values(buckets.keys().copied())),
            Arc::clone(&nothing),
            nothing,
            Arc::new(Int64Array::from_iter_values(buckets.values().copied())),
        ])
    }

    /// Writes what was malformed, after `before` columns that say nothing of it.
    pub fn write_faults(&mut self, before: usize, report: &Report) -> Result<(), Error> {
        let kinds: Vec<_> = report.kinds().collect();
        let nothing = self.schema.fields()[..before].iter();
        let mut columns: Vec<ArrayRef> = nothing
            .map(|field| new_null_array(field.data_type(), kinds.len()))
            .collect();
        columns.push(Arc::new(StringArray::from_iter_values(
            kinds.iter().map(|(kind, ..)| kind.text()),
        )));
        columns.push(Arc::new(StringArray::from_iter_values(
            kinds.iter().map(|(.., first)| *first),
        )));
        columns.push(Arc::new(Int64Array::from_iter_values(
            kinds.iter().map(|(_, count, _)| *count as i64),
        )));
        self.write(columns)
    }

    /// Ends the stream.
    pub fn finish(mut self) -> Result<(), Error> {
        self.writer.finish().map_err(failed)
    }
}
