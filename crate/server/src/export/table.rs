//! The three tables as Arrow columns, read from Parquet of any width of number and text, written atomically.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{joined, unwritable};
use crate::error::StartError;

/// Columns of a table, in the order in which they are written.
#[derive(Debug, Clone)]
pub struct Schema(SchemaRef);

impl Schema {
    fn new(columns: &[(&str, DataType)]) -> Schema {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, kind)| Field::new(*name, kind.clone(), true))
            .collect();
        Schema(Arc::new(ArrowSchema::new(fields)))
    }

    /// The schema as Arrow has it.
    pub fn arrow(&self) -> SchemaRef {
        Arc::clone(&self.0)
    }
}

fn list() -> DataType {
    DataType::new_list(DataType::Utf8, true)
}

/// Videos.
pub fn videos() -> Schema {
    use DataType::{Float32, Int64, Utf8};
    Schema::new(&[
        ("id", Utf8),
        ("title", Utf8),
        ("tags", list()),
        ("length_seconds", Float32),
        ("language", Utf8),
        ("rating", Utf8),
        ("channel", Utf8),
        ("published_at", Int64),
        ("likes", Float32),
        ("comments", Float32),
        ("views", Float32),
        ("regions", list()),
        ("content_hash", Utf8),
    ])
}

/// Users.
pub fn users() -> Schema {
    use DataType::{Float32, Utf8};
    Schema::new(&[
        ("id", Utf8),
        ("age", Float32),
        ("gender", Utf8),
        ("latitude", Float32),
        ("longitude", Float32),
        ("username", Utf8),
        ("language", Utf8),
        ("time_zone", Utf8),
    ])
}

/// Interactions.
pub fn interactions() -> Schema {
    use DataType::{Boolean, Float32, Int64, UInt32, Utf8};
    Schema::new(&[
        ("user_id", Utf8),
        ("video_id", Utf8),
        ("type", Utf8),
        ("value", Utf8),
        ("timestamp", Int64),
        ("latitude", Float32),
        ("longitude", Float32),
        ("device", Utf8),
        ("surface", Utf8),
        ("position", UInt32),
        ("relevant", Boolean),
    ])
}

/// A table of a directory or a bundle; columns that it lacks are unknown, others are left.
///
/// # Errors
/// [`StartError::FileUnreadable`] for a file that is missing, no Parquet, or of columns of another kind.
pub fn read_table(path: &Path, schema: Schema) -> Result<RecordBatch, StartError> {
    let unreadable = |reason: String| StartError::FileUnreadable {
        path: path.to_owned(),
        reason,
    };
    let file = File::open(path).map_err(|error| {
        unreadable(format!(
            "{error}; tables are read as Parquet, which `upnext-export import` and `simulate` write"
        ))
    })?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| unreadable(error.to_string()))?;
    let mut batches = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| unreadable(error.to_string()))?;
        let column = |field: &Arc<Field>| match batch.column_by_name(field.name()) {
            Some(column) => as_kind(column, field.data_type())
                .map_err(|error| unreadable(format!("column {}: {error}", field.name()))),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        };
        let columns = schema.0.fields().iter().map(column).collect::<Result<_, _>>()?;
        batches.push(RecordBatch::try_new(schema.arrow(), columns).map_err(|error| unreadable(error.to_string()))?);
    }
    joined(&schema, &batches)
}

/// A column as another kind; instants become Unix milliseconds.
fn as_kind(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, arrow::error::ArrowError> {
    match column.data_type() {
        DataType::Timestamp(_, zone) if *kind == DataType::Int64 => {
            let millis = cast(column, &DataType::Timestamp(TimeUnit::Millisecond, zone.clone()))?;
            cast(&millis, kind)
        }
        _ => cast(column, kind),
    }
}

/// The ids of a table of videos or users.
pub fn id_column(batch: &RecordBatch) -> Result<&StringArray, StartError> {
    batch
        .column_by_name("id")
        .and_then(|column| column.as_string_opt::<i32>())
        .ok_or_else(|| unfitting(&"no column id"))
}

/// Adds the ids of a table of videos or users.
pub fn ids(batch: &RecordBatch, into: &mut BTreeSet<String>) -> Result<(), StartError> {
    into.extend(id_column(batch)?.iter().flatten().map(str::to_owned));
    Ok(())
}

/// Tables that do not fit together.
pub fn unfitting(reason: &dyn std::fmt::Display) -> StartError {
    StartError::ConfigInvalid {
        option: "--base",
        reason: reason.to_string(),
    }
}

/// A table that is being written beside its place, and put there when it is whole.
pub struct TableFile {
    writer: ArrowWriter<File>,
    rows: usize,
    part: PathBuf,
    path: PathBuf,
}

impl TableFile {
    /// Begins a table of a directory.
    pub fn create(directory: &Path, name: &str, schema: Schema) -> Result<TableFile, StartError> {
        let part = directory.join(format!("{name}.part"));
        let file = File::create(&part).map_err(|error| unwritable(&part, &error))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        Ok(TableFile {
            writer: ArrowWriter::try_new(file, schema.arrow(), Some(properties))
                .map_err(|error| failed(&part, &error))?,
            rows: 0,
            path: directory.join(format!("{name}.parquet")),
            part,
        })
    }

    /// Adds rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), StartError> {
        self.rows += batch.num_rows();
        self.writer.write(batch).map_err(|error| failed(&self.part, &error))
    }

    /// Puts the table in its place and says how many rows it has.
    pub fn finish(self) -> Result<usize, StartError> {
        self.writer.close().map_err(|error| failed(&self.part, &error))?;
        std::fs::rename(&self.part, &self.path).map_err(|error| unwritable(&self.path, &error))?;
        Ok(self.rows)
    }
}

fn failed(path: &Path, error: &parquet::errors::ParquetError) -> StartError {
    StartError::FileUnreadable {
        path: path.to_owned(),
        reason: format!("it cannot be written: {error}"),
    }
}
