//! Reading a bundle back: for evaluation, for `inspect`, for golden rows.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float32Type, UInt32Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use safetensors::tensor::{Dtype, SafeTensors};
use upnext_core::bundle::{ClientBundle, EngineKind, Manifest, Pointer, Role, is_sha256_hex};
use upnext_core::feature::spec::TextSpec;
use upnext_core::text::{LevelRows, Student};

use crate::Error;

/// An opened bundle; files are verified as they are read.
#[derive(Debug)]
pub struct Bundle {
    /// Its id.
    pub id: String,
    /// Its manifest.
    pub manifest: Manifest,
    directory: PathBuf,
}

/// `server/item-tensors`: row `i` is row `i` of `server/videos`.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemTensors {
    /// int8 item vectors.
    pub vectors: Vec<i8>,
    /// Scale of each.
    pub vector_scales: Vec<f32>,
    /// Item vectors before quantising.
    pub vectors_f32: Vec<f32>,
    /// int8 item factors.
    pub factors: Vec<i8>,
    /// Scale of each.
    pub factor_scales: Vec<f32>,
    /// Item factors before quantising.
    pub factors_f32: Vec<f32>,
    /// What encodes the titles of new videos; `None`: the built-in encoder.
    pub titles: Option<Student>,
    /// Hash of the sentence encoder that it learnt from.
    pub teacher: Option<String>,
}

/// Columns of `server/videos` that training computed.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoFigures {
    /// Ids in row order.
    pub ids: Vec<String>,
    /// Log-odds of relevance beyond what length says.
    pub prior: Vec<f32>,
    /// Relevance of impressions beyond what surface, length and prior say.
    pub effect: Vec<f32>,
    /// `log1p` of relevant events.
    pub log_popularity: Vec<f32>,
    /// Relevant events.
    pub relevant: Vec<u32>,
}

impl Bundle {
    /// Opens the current bundle of a root, or a bundle's own directory.
    ///
    /// # Errors
    /// `bundle-missing` where there is neither `current.json` nor `manifest.json`, and the errors of
    /// [`Manifest::parse`].
    pub fn open(path: &Path) -> Result<Bundle, Error> {
        let own_name = path.file_name().and_then(|n| n.to_str()).filter(|n| is_sha256_hex(n));
        let (directory, id) = match own_name {
            Some(id) => (path.to_path_buf(), id.to_owned()),
            None => {
                let pointer = path.join("current.json");
                let bytes = fs::read(&pointer).map_err(|error| Error::BundleMissing {
                    path: path.to_path_buf(),
                    reason: format!("current.json: {error}"),
                })?;
                let id = Pointer::parse(&bytes)?.bundle;
                (path.join(&id), id)
            }
        };
        let manifest = directory.join("manifest.json");
        let bytes = fs::read(&manifest).map_err(|error| Error::BundleMissing {
            path: manifest.clone(),
            reason: error.to_string(),
        })?;
        Ok(Bundle {
            manifest: Manifest::parse(&bytes, &id)?,
            id,
            directory,
        })
    }

    /// Where a role's file is.
    ///
    /// # Errors
    /// `bundle-incomplete` where the manifest names none.
    pub fn path(&self, role: Role) -> Result<PathBuf, Error> {
        Ok(self.directory.join(&self.manifest.file(role)?.path))
    }

    /// The verified bytes of a role's file.
    ///
    /// # Errors
    /// `bundle-incomplete` where it is absent, `bundle-corrupt` where it is not what the manifest says.
    pub fn read(&self, role: Role) -> Result<Vec<u8>, Error> {
        let entry = self.manifest.file(role)?;
        let path = self.directory.join(&entry.path);
        let bytes = fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::Core(
                upnext_core::ErrorKind::BundleIncomplete {
                    file: entry.path.clone(),
                }
                .into(),
            ),
            _ => Error::file(&path)(error),
        })?;
        entry.verify(&bytes)?;
        Ok(bytes)
    }

    /// The bytes whose hash is the id.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn manifest_bytes(&self) -> Result<Vec<u8>, Error> {
        let path = self.directory.join("manifest.json");
        fs::read(&path).map_err(Error::file(&path))
    }

    /// The client half as a device assembles it.
    ///
    /// # Errors
    /// Those of [`ClientBundle::assemble`].
    pub fn client(&self, kind: EngineKind) -> Result<ClientBundle, Error> {
        let manifest = self.manifest_bytes()?;
        Ok(ClientBundle::assemble(&self.id, &manifest, kind, |path| {
            fs::read(self.directory.join(path)).ok()
        })?)
    }

    /// Item vectors and factors.
    ///
    /// # Errors
    /// As [`Bundle::read`]; `bundle-unreadable` or `bundle-inconsistent` where a tensor is not as the
    /// manifest and its siblings say.
    pub fn item_tensors(&self) -> Result<ItemTensors, Error> {
        let bytes = self.read(Role::ItemTensors)?;
        let file = TensorFile::open("item-tensors", &bytes)?;
        let rows = file.rows("vector_scales")?;
        let (v, f) = (self.manifest.vector_dim as usize, self.manifest.factor_dim as usize);
        Ok(ItemTensors {
            vectors: file.i8("vectors", &[rows, v])?,
            vector_scales: file.f32("vector_scales", &[rows])?,
            vectors_f32: file.f32("vectors_f32", &[rows, v])?,
            factors: file.i8("factors", &[rows, f])?,
            factor_scales: file.f32("factor_scales", &[rows])?,
            factors_f32: file.f32("factors_f32", &[rows, f])?,
            titles: file.titles()?,
            teacher: note(&bytes, "title_teacher"),
        })
    }

    /// User factors, row-major.
    ///
    /// # Errors
    /// As [`Bundle::item_tensors`].
    pub fn user_factors(&self) -> Result<Vec<f32>, Error> {
        let bytes = self.read(Role::UserTensors)?;
        let file = TensorFile::open("user-tensors", &bytes)?;
        let rows = file.rows("factors")?;
        file.f32("factors", &[rows, self.manifest.factor_dim as usize])
    }

    /// Ids of the videos' or the accounts' table, in row order.
    ///
    /// # Errors
    /// As [`Bundle::read`]; `bundle-unreadable` where the role's file is no table with ids.
    pub fn ids(&self, role: Role) -> Result<Vec<String>, Error> {
        ids(&self.table(role)?, role.as_str())
    }

    /// The verified table of a role, in one batch.
    pub(super) fn table(&self, role: Role) -> Result<RecordBatch, Error> {
        self.read(role)?;
        parquet(&self.path(role)?)
    }

    /// Ids and computed columns of the videos.
    ///
    /// # Errors
    /// As [`Bundle::read`]; `bundle-unreadable` where it is no such table.
    pub fn video_figures(&self) -> Result<VideoFigures, Error> {
        let batch = self.table(Role::Videos)?;
        let floats = |name: &str| -> Result<Vec<f32>, Error> {
            let column = batch
                .column_by_name(name)
                .and_then(|c| c.as_primitive_opt::<Float32Type>());
            column
                .map(|c| c.values().to_vec())
                .ok_or_else(|| unreadable("videos", format!("column {name}: not there, or not f32")))
        };
        let relevant = batch
            .column_by_name("relevant")
            .and_then(|c| c.as_primitive_opt::<UInt32Type>());
        let relevant =
            relevant.ok_or_else(|| unreadable("videos", "column relevant: not there, or not u32".to_owned()))?;
        Ok(VideoFigures {
            ids: ids(&batch, "videos")?,
            prior: floats("prior")?,
            effect: floats("effect")?,
            log_popularity: floats("log_popularity")?,
            relevant: relevant.values().to_vec(),
        })
    }
}

pub(super) fn unreadable(file: &str, reason: String) -> Error {
    Error::Core(
        upnext_core::ErrorKind::BundleUnreadable {
            file: file.to_owned(),
            reason,
        }
        .into(),
    )
}

fn ids(batch: &RecordBatch, name: &str) -> Result<Vec<String>, Error> {
    let column = batch.column_by_name("id").and_then(|c| c.as_string_opt::<i32>());
    let column = column.ok_or_else(|| unreadable(name, "column id: not there, or no text".to_owned()))?;
    Ok((0..column.len()).map(|row| column.value(row).to_owned()).collect())
}

/// A whole Parquet file in one batch; its bytes were verified before.
fn parquet(path: &Path) -> Result<RecordBatch, Error> {
    let file = fs::File::open(path).map_err(Error::file(path))?;
    let broken = |reason: &dyn std::fmt::Display| unreadable(&path.display().to_string(), reason.to_string());
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| broken(&e))?;
    let schema = builder.schema().clone();
    let batches = builder
        .build()
        .and_then(|reader| Ok(reader.collect::<Result<Vec<_>, _>>()?));
    let batches = batches.map_err(|e| broken(&e))?;
    arrow::compute::concat_batches(&schema, &batches).map_err(|e| broken(&e))
}

/// A text of a safetensors file's metadata.
fn note(bytes: &[u8], name: &str) -> Option<String> {
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    header.metadata().as_ref()?.get(name).cloned()
}

struct TensorFile<'a> {
    name: &'static str,
    tensors: SafeTensors<'a>,
}

impl<'a> TensorFile<'a> {
    fn open(name: &'static str, bytes: &'a [u8]) -> Result<Self, Error> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| unreadable(name, e.to_string()))?;
        Ok(TensorFile { name, tensors })
    }

    fn rows(&self, tensor: &str) -> Result<usize, Error> {
        let view = self
            .tensors
            .tensor(tensor)
            .map_err(|e| unreadable(self.name, e.to_string()))?;
        Ok(view.shape().first().copied().unwrap_or(0))
    }

    fn bytes(&self, tensor: &str, dtype: Dtype, shape: &[usize]) -> Result<Vec<u8>, Error> {
        let view = self
            .tensors
            .tensor(tensor)
            .map_err(|e| unreadable(self.name, e.to_string()))?;
        if view.dtype() != dtype || view.shape() != shape {
            return Err(Error::Core(
                upnext_core::ErrorKind::BundleInconsistent {
                    what: format!("{tensor} in {}", self.name),
                    expected: format!("{dtype:?} {shape:?}"),
                    found: format!("{:?} {:?}", view.dtype(), view.shape()),
                }
                .into(),
            ));
        }
        Ok(view.data().to_vec())
    }

    fn f32(&self, tensor: &'static str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let bytes = self.bytes(tensor, Dtype::F32, shape)?;
        let values: Vec<f32> = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect();
        match values.iter().position(|v| !v.is_finite()) {
            Some(index) => Err(Error::Core(
                upnext_core::ErrorKind::NotFinite { what: tensor, index }.into(),
            )),
            None => Ok(values),
        }
    }

    /// The student of titles, where there is one.
    fn titles(&self) -> Result<Option<Student>, Error> {
        if self.tensors.tensor("title_grams").is_err() {
            return Ok(None);
        }
        let numbers = self.bytes("title_grams", Dtype::U64, &[3])?;
        let numbers: Vec<u64> = numbers.as_chunks().0.iter().map(|b| u64::from_le_bytes(*b)).collect();
        let part = |levels: &str, scales: &'static str| -> Result<Option<LevelRows>, Error> {
            let count = self.rows(scales)?;
            let width = self
                .tensors
                .tensor(levels)
                .ok()
                .and_then(|view| view.shape().get(1).copied());
            let width = width.unwrap_or(0);
            let levels = self.i8(levels, &[count, width])?;
            Ok(LevelRows::new(width, levels, self.f32(scales, &[count])?))
        };
        let (table, map) = (
            part("title_table", "title_table_scales")?,
            part("title_map", "title_map_scales")?,
        );
        let student = table.zip(map).and_then(|(table, map)| {
            let grams = TextSpec {
                dim: table.len() as u32,
                min_n: u32::try_from(numbers[1]).ok()?,
                max_n: u32::try_from(numbers[2]).ok()?,
            };
            Student::new(grams, numbers[0], table, map)
        });
        match student {
            Some(student) => Ok(Some(student)),
            None => Err(unreadable(
                self.name,
                "the student of titles does not fit together".to_owned(),
            )),
        }
    }

    fn i8(&self, tensor: &str, shape: &[usize]) -> Result<Vec<i8>, Error> {
        Ok(self
            .bytes(tensor, Dtype::I8, shape)?
            .into_iter()
            .map(u8::cast_signed)
            .collect())
    }
}
