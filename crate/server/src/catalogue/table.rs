//! Parquet tables by column name. Any width of number or text is accepted; null is unknown.

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StringArray};
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

/// Texts of the rows, where the table has them: none is copied.
pub struct Texts(Option<StringArray>);

impl Texts {
    /// Number of rows; 0 without the column.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, Array::len)
    }

    /// Text of a row; `None` where it is null, empty, or the table lacks the column.
    pub fn get(&self, row: usize) -> Option<&str> {
        let texts = self.0.as_ref().filter(|texts| texts.is_valid(row))?;
        Some(texts.value(row)).filter(|text| !text.is_empty())
    }

    /// Text of a row that was found to have one.
    pub fn text(&self, row: usize) -> &str {
        self.get(row).unwrap_or_default()
    }
}

/// Lists of texts of the rows, likewise.
pub struct TextLists(Option<ListArray>);

impl TextLists {
    /// Texts of a row that are neither null nor empty.
    pub fn get(&self, row: usize) -> impl Iterator<Item = &str> {
        let lists = self.0.as_ref().filter(|lists| lists.is_valid(row));
        let texts = lists.map(|lists| {
            let offsets = lists.value_offsets();
            let texts = lists.values().as_string::<i32>();
            let places = offsets[row] as usize..offsets[row + 1] as usize;
            places
                .filter(|place| texts.is_valid(*place))
                .map(|place| texts.value(place))
        });
        texts.into_iter().flatten().filter(|text| !text.is_empty())
    }
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
    pub fn ids(&self, name: &str) -> Result<Texts, StartError> {
        let column = self.required(name, &DataType::Utf8)?;
        let ids = column.as_string::<i32>();
        let is_id = |id: Option<&str>| id.is_some_and(|id| (1..=256).contains(&id.len()));
        match ids.iter().enumerate().find(|(_, id)| !is_id(*id)) {
            None => Ok(Texts(Some(ids.clone()))),
            Some((row, id)) => Err(Error::from(ErrorKind::BundleInconsistent {
                what: format!("{name} in row {row} of {}", self.file),
                expected: "1 to 256 bytes".to_owned(),
                found: id.map_or_else(|| "null".to_owned(), |id| format!("{} bytes", id.len())),
            })
            .into()),
        }
    }

    /// A text column; all unknown when the table lacks it.
    pub fn texts(&self, name: &str) -> Result<Texts, StartError> {
        let column = self.column(name, &DataType::Utf8)?;
        Ok(Texts(column.map(|column| column.as_string::<i32>().clone())))
    }

    /// A column of text lists; empty lists when the table lacks it.
    pub fn text_lists(&self, name: &str) -> Result<TextLists, StartError> {
        let item = arrow::datatypes::Field::new_list_field(DataType::Utf8, true);
        let kind = self.batch.column_by_name(name).map(|column| column.data_type());
        if let Some(kind) = kind.filter(|kind| !kind.is_list()) {
            // A cast would make a list of one out of anything.
            return Err(self.other_type(name, "a list of texts", kind));
        }
        let column = self.column(name, &DataType::List(item.into()))?;
        Ok(TextLists(column.map(|column| column.as_list::<i32>().clone())))
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
