//! The server half as bytes: tensors in safetensors, tables in Parquet.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, ListBuilder, RecordBatch, StringArray, StringBuilder, TimestampMillisecondArray,
    UInt32Array,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use safetensors::tensor::{Dtype, TensorView};
use upnext_core::quantize;
use upnext_core::text::Student;

use crate::Error;
use crate::table::{Category, Lists, Videos};

/// Item vectors and factors, row-major, rows aligned with the videos.
#[derive(Debug, Clone, Copy)]
pub struct Items<'a> {
    /// `[videos, vector_dim]`.
    pub vectors: &'a [f32],
    /// Width of a vector.
    pub vector_dim: usize,
    /// `[videos, factor_dim]`.
    pub factors: &'a [f32],
    /// Width of a factor.
    pub factor_dim: usize,
}

/// What training counted for each video, as of the end of the training window.
#[derive(Debug, Clone, Copy)]
pub struct ItemFigures<'a> {
    /// Log-odds of relevance beyond what length says, from the factor window; 0 without data.
    pub prior: &'a [f32],
    /// Relevance of impressions beyond what surface, length and prior say, from the train window; 0 without data.
    pub effect: &'a [f32],
    /// `log1p` of relevant impressions of late: how popularity travels in a block.
    pub trend: &'a [f32],
    /// Relevant events.
    pub relevant: &'a [u32],
}

/// Accounts, rows aligned with the user factors.
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a> {
    /// Ids, in row order.
    pub ids: &'a crate::table::Ids,
    /// `[accounts, factor_dim]`.
    pub factors: &'a [f32],
    /// Width of a factor.
    pub factor_dim: usize,
    /// Events that the account's factor was learnt from.
    pub history_len: &'a [u32],
}

impl Items<'_> {
    /// `item-tensors.safetensors`: as f32, and as the int8 rows that travel to devices. Where titles have a student (and the
    /// hash of its teacher), `title_table` and `title_map` are its int8 rows with their scales, `title_grams` its seed, shortest
    /// and longest n-gram.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`] where the lengths do not fit.
    pub fn to_safetensors(self, titles: Option<(&Student, &str)>) -> Result<Vec<u8>, Error> {
        let rows = self.vectors.len() / self.vector_dim.max(1);
        let (vectors, vector_scales) = quantised(self.vectors, self.vector_dim);
        let (factors, factor_scales) = quantised(self.factors, self.factor_dim);
        let (vectors_f32, factors_f32) = (f32_bytes(self.vectors), f32_bytes(self.factors));
        let (v, f) = (self.vector_dim, self.factor_dim);
        let mut tensors = vec![
            ("vectors", Dtype::I8, vec![rows, v], vectors),
            ("vector_scales", Dtype::F32, vec![rows], vector_scales),
            ("vectors_f32", Dtype::F32, vec![rows, v], vectors_f32),
            ("factors", Dtype::I8, vec![rows, f], factors),
            ("factor_scales", Dtype::F32, vec![rows], factor_scales),
            ("factors_f32", Dtype::F32, vec![rows, f], factors_f32),
        ];
        let Some((student, teacher)) = titles else {
            return serialise(&tensors, None);
        };
        let grams = &student.grams;
        let numbers = [student.seed, u64::from(grams.min_n), u64::from(grams.max_n)];
        let parts = [
            ("title_table", "title_table_scales", student.table()),
            ("title_map", "title_map_scales", student.map()),
        ];
        for (levels, scales, rows) in parts {
            let bytes = rows.levels().iter().map(|level| level.cast_unsigned()).collect();
            tensors.push((levels, Dtype::I8, vec![rows.len(), rows.dim()], bytes));
            tensors.push((scales, Dtype::F32, vec![rows.len()], f32_bytes(rows.scales())));
        }
        let grams = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        tensors.push(("title_grams", Dtype::U64, vec![numbers.len()], grams));
        serialise(
            &tensors,
            Some(HashMap::from([("title_teacher".to_owned(), teacher.to_owned())])),
        )
    }
}

impl Accounts<'_> {
    /// `user-tensors.safetensors`.
    ///
    /// # Errors
    /// As [`Items::to_safetensors`].
    pub fn to_safetensors(self) -> Result<Vec<u8>, Error> {
        let factors = f32_bytes(self.factors);
        let factors = ("factors", Dtype::F32, vec![self.ids.len(), self.factor_dim], factors);
        serialise(&[factors], None)
    }

    /// `accounts.parquet`.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`] where the columns differ in length.
    pub fn to_parquet(self) -> Result<Vec<u8>, Error> {
        to_parquet(vec![
            (
                "id",
                Arc::new(StringArray::from_iter_values(self.ids.iter())) as ArrayRef,
            ),
            ("history_len", Arc::new(UInt32Array::from(self.history_len.to_vec()))),
        ])
    }
}

/// `videos.parquet`: the table's columns, and what training counted.
///
/// # Errors
/// [`Error::ConfigInvalid`] where the columns differ in length.
pub fn videos_to_parquet(videos: &Videos, figures: ItemFigures<'_>) -> Result<Vec<u8>, Error> {
    let published = videos.published_at_ms.iter().copied();
    to_parquet(vec![
        (
            "id",
            Arc::new(StringArray::from_iter_values(videos.ids.iter())) as ArrayRef,
        ),
        (
            "title",
            Arc::new(StringArray::from_iter(videos.title.iter().map(Option::as_deref))),
        ),
        ("tags", lists(&videos.tags, videos.len())),
        (
            "length_seconds",
            Arc::new(Float32Array::from(videos.length_seconds.clone())),
        ),
        ("language", terms(&videos.language)),
        ("rating", terms(&videos.rating)),
        ("channel", terms(&videos.channel)),
        (
            "published_at",
            Arc::new(TimestampMillisecondArray::from_iter(published).with_timezone("UTC")),
        ),
        ("likes", Arc::new(Float32Array::from(videos.likes.clone()))),
        ("comments", Arc::new(Float32Array::from(videos.comments.clone()))),
        ("views", Arc::new(Float32Array::from(videos.views.clone()))),
        ("regions", lists(&videos.regions, videos.len())),
        (
            "content_hash",
            Arc::new(StringArray::from_iter(videos.content_hash.iter().map(Option::as_deref))),
        ),
        ("prior", Arc::new(Float32Array::from(figures.prior.to_vec()))),
        ("effect", Arc::new(Float32Array::from(figures.effect.to_vec()))),
        ("log_popularity", Arc::new(Float32Array::from(figures.trend.to_vec()))),
        ("relevant", Arc::new(UInt32Array::from(figures.relevant.to_vec()))),
    ])
}

fn terms(column: &Category) -> ArrayRef {
    Arc::new(StringArray::from_iter((0..column.len()).map(|row| column.get(row))))
}

fn lists(column: &Lists, rows: usize) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for row in 0..rows {
        for text in column.get(row) {
            builder.values().append_value(text);
        }
        builder.append(true);
    }
    Arc::new(builder.finish())
}

/// Columns as a compressed table.
pub(crate) fn to_parquet(columns: Vec<(&str, ArrayRef)>) -> Result<Vec<u8>, Error> {
    let write = || -> Result<Vec<u8>, parquet::errors::ParquetError> {
        let batch = RecordBatch::try_from_iter(columns)?;
        let zstd = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(zstd.build()))?;
        writer.write(&batch)?;
        writer.close()?;
        Ok(bytes)
    };
    write().map_err(unfitting)
}

/// A tensor's name, type, shape and bytes.
type Tensor = (&'static str, Dtype, Vec<usize>, Vec<u8>);

fn serialise(tensors: &[Tensor], about: Option<HashMap<String, String>>) -> Result<Vec<u8>, Error> {
    let mut views = BTreeMap::new();
    for (name, dtype, shape, bytes) in tensors {
        views.insert(*name, TensorView::new(*dtype, shape.clone(), bytes).map_err(unfitting)?);
    }
    safetensors::serialize(views, about).map_err(unfitting)
}

/// Columns or tensors that do not fit together: a fault of whoever calls, said instead of written.
fn unfitting(reason: impl std::fmt::Display) -> Error {
    Error::ConfigInvalid {
        option: "the server half of the bundle".to_owned(),
        reason: reason.to_string(),
    }
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// int8 levels and scales of rows, as bytes.
fn quantised(values: &[f32], dim: usize) -> (Vec<u8>, Vec<u8>) {
    let mut levels = vec![0_i8; values.len()];
    let mut scales = Vec::with_capacity(values.len() / dim.max(1) * 4);
    for (row, levels) in values.chunks_exact(dim.max(1)).zip(levels.chunks_exact_mut(dim.max(1))) {
        scales.extend_from_slice(&quantize(row, levels).to_le_bytes());
    }
    (levels.into_iter().map(i8::cast_unsigned).collect(), scales)
}
