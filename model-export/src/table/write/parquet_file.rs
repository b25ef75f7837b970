//! Parquet with zstd, in row groups of bounded size.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder, UInt32Builder,
};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::View;
use crate::Error;
use crate::table::read::Cell;
use crate::table::schema::{Column, Kind};

const BATCH: usize = 65_536;

pub(super) fn write(view: &View<'_>, path: &Path) -> Result<(), Error> {
    let fields: Vec<Field> = view.schema.columns.iter().map(field).collect();
    let schema = Arc::new(Schema::new(fields));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let file = File::create(path).map_err(Error::file(path))?;
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(Error::file(path))?;
    for start in (0..view.rows).step_by(BATCH) {
        let rows = start..(start + BATCH).min(view.rows);
        let columns = view
            .schema
            .columns
            .iter()
            .map(|column| array(view, column, rows.clone()))
            .collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(Error::file(path))?;
        writer.write(&batch).map_err(Error::file(path))?;
    }
    writer.close().map(|_| ()).map_err(Error::file(path))
}

fn field(column: &Column) -> Field {
    let kind = match column.kind {
        Kind::Text => DataType::Utf8,
        Kind::Number => DataType::Float32,
        Kind::Count => DataType::UInt32,
        Kind::Instant => DataType::Int64,
        Kind::Flag => DataType::Boolean,
        Kind::List => DataType::new_list(DataType::Utf8, true),
    };
    Field::new(column.name, kind, true)
}

fn array(view: &View<'_>, column: &Column, rows: std::ops::Range<usize>) -> ArrayRef {
    let cells = rows.map(|row| view.cell(row, column.name));
    match column.kind {
        Kind::Text => {
            let mut builder = StringBuilder::new();
            for cell in cells {
                match cell {
                    Cell::Text(text) => builder.append_value(text),
                    _ => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
        Kind::Number => {
            let mut builder = Float32Builder::new();
            cells.for_each(|cell| {
                builder.append_option(if let Cell::Number(v) = cell {
                    Some(v as f32)
                } else {
                    None
                })
            });
            Arc::new(builder.finish())
        }
        Kind::Count => {
            let mut builder = UInt32Builder::new();
            cells.for_each(|cell| {
                builder.append_option(if let Cell::Integer(v) = cell {
                    v.try_into().ok()
                } else {
                    None
                })
            });
            Arc::new(builder.finish())
        }
        Kind::Instant => {
            let mut builder = Int64Builder::new();
            cells.for_each(|cell| builder.append_option(if let Cell::Integer(v) = cell { Some(v) } else { None }));
            Arc::new(builder.finish())
        }
        Kind::Flag => {
            let mut builder = BooleanBuilder::new();
            cells.for_each(|cell| builder.append_option(if let Cell::Flag(v) = cell { Some(v) } else { None }));
            Arc::new(builder.finish())
        }
        Kind::List => {
            let mut builder = ListBuilder::new(StringBuilder::new());
            for cell in cells {
                if let Cell::List(list) = cell {
                    list.iter().for_each(|text| builder.values().append_value(text));
                    builder.append(true);
                } else {
                    builder.append(false);
                }
            }
            Arc::new(builder.finish())
        }
    }
}
