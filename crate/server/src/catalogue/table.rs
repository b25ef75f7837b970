//! Parquet tables by column name. Any width of number or text is accepted; null is unknown.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float32Type, Int64Type, TimeUnit};
use axum::body::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use upnext_core::{Error, ErrorKind};

use crate::error::StartError;
use crate::file_bytes::FileBytes;

/// A table of the bundle in one batch.
pub struct Table {
    file: &'static str,
    batch: RecordBatch,
}

impl Table {
    /// Decodes a whole Parquet file.
    pub fn read(file: &'static str, bytes: FileBytes) -> Result<Table, StartError> {
        let unreadable = |reason: String| {
            Error::from(ErrorKind::BundleUnreadable {
                file: file.to_owned(),
                reason,
            })
        };
        let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from_owner(bytes))
            .map_err(|error| unreadable(error.to_string()))?;
        let schema = builder.schema().clone();
        let batches: Vec<RecordBatch> = builder
            .build()
            .map_err(|error| unreadable(error.to_string()))?
            .collect::<Result<_, _>>()
            .map_err(|error| unreadable(error.to_string()))?;
        let batch = concat_batches(&schema, &batches).map_err(|error| unreadable(error.to_string()))?;
        Ok(Table { file, batch })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// Ids: required, never null or empty, at most 256 bytes.
    pub fn ids(&self, name: &str) -> Result<Vec<String>, StartError> {
        let column = self.required(name, &DataType::Utf8)?;
        let strings = column.as_string::<i32>();
        strings
            .iter()
            .enumerate()
            .map(|(row, id)| match id {
                Some(id) if (1..=256).contains(&id.len()) => Ok(id.to_owned()),
                _ => Err(Error::from(ErrorKind::BundleInconsistent {
                    what: format!("{name} in row {row} of {}", self.file),
                    expected: "1 to 256 bytes".to_owned(),
                    found: id.map_or_else(|| "null".to_owned(), |id| format!("{} bytes", id.len())),
                })
                .into()),
            })
            .collect()
    }

    /// A text column; all unknown when the table lacks it.
    pub fn texts(&self, name: &str) -> Result<Vec<Option<String>>, StartError> {
        Ok(match self.column(name, &DataType::Utf8)? {
            None => vec![None; self.rows()],
            Some(column) => column
                .as_string::<i32>()
                .iter()
                .map(|text| text.filter(|t| !t.is_empty()).map(str::to_owned))
                .collect(),
        })
    }

    /// A column of text lists; empty lists when the table lacks it.
    pub fn text_lists(&self, name: &str) -> Result<Vec<Vec<String>>, StartError> {
        let item = arrow::datatypes::Field::new_list_field(DataType::Utf8, true);
        let kind = self.batch.column_by_name(name).map(|column| column.data_type());
        if let Some(kind) = kind.filter(|kind| !kind.is_list()) {
            // A cast would make a list of one out of anything.
            return Err(self.other_type(name, "a list of texts", kind));
        }
        Ok(match self.column(name, &DataType::List(item.into()))? {
            None => vec![Vec::new(); self.rows()],
            Some(column) => column
                .as_list::<i32>()
                .iter()
                .map(|list| {
                    list.iter()
                        .flat_map(|list| {
                            list.as_string::<i32>()
                                .iter()
                                .flatten()
                                .map(str::to_owned)
                                .collect::<Vec<_>>()
                        })
                        .filter(|text| !text.is_empty())
                        .collect()
                })
                .collect(),
        })
    }

    /// A number column that must be there, without nulls, finite.
    pub fn numbers(&self, name: &'static str) -> Result<Vec<f32>, StartError> {
        let column = self.required(name, &DataType::Float32)?;
        let values: Vec<f32> = column
            .as_primitive::<Float32Type>()
            .iter()
            .map(|value| value.unwrap_or(f32::NAN))
            .collect();
        match values.iter().position(|v| !v.is_finite()) {
            Some(index) => Err(Error::from(ErrorKind::NotFinite { what: name, index }).into()),
            None => Ok(values),
        }
    }

    /// A number column; unknown where null, not finite, or when the table lacks it.
    pub fn optional_numbers(&self, name: &str) -> Result<Vec<Option<f32>>, StartError> {
        Ok(match self.column(name, &DataType::Float32)? {
            None => vec![None; self.rows()],
            Some(column) => column
                .as_primitive::<Float32Type>()
                .iter()
                .map(|value| value.filter(|v| v.is_finite()))
                .collect(),
        })
    }

    /// Instants as Unix milliseconds: a timestamp column, or integers that are milliseconds already.
    pub fn instants(&self, name: &str) -> Result<Vec<Option<i64>>, StartError> {
        let is_integer = self
            .batch
            .column_by_name(name)
            .is_some_and(|column| column.data_type().is_integer());
        let column = if is_integer {
            self.column(name, &DataType::Int64)?
        } else {
            let millis = self.column(name, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
            millis
                .map(|column| self.cast(name, &column, &DataType::Int64))
                .transpose()?
        };
        Ok(match column {
            None => vec![None; self.rows()],
            Some(column) => column.as_primitive::<Int64Type>().iter().collect(),
        })
    }

    fn required(&self, name: &str, kind: &DataType) -> Result<ArrayRef, StartError> {
        self.column(name, kind)?.ok_or_else(|| StartError::ColumnMissing {
            file: self.file.to_owned(),
            column: name.to_owned(),
        })
    }

    fn column(&self, name: &str, kind: &DataType) -> Result<Option<ArrayRef>, StartError> {
        self.batch
            .column_by_name(name)
            .map(|column| self.cast(name, column, kind))
            .transpose()
    }

    fn cast(&self, name: &str, column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, StartError> {
        cast(column, kind).map_err(|_| self.other_type(name, &kind.to_string(), column.data_type()))
    }

    fn other_type(&self, name: &str, expected: &str, found: &DataType) -> StartError {
        Error::from(ErrorKind::BundleInconsistent {
            what: format!("type of column {name} of {}", self.file),
            expected: expected.to_owned(),
            found: found.to_string(),
        })
        .into()
    }
}
