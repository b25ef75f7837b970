//! Item and user tensors: safetensors with the shapes that the manifest promises.

use std::ops::Range;
use std::sync::Arc;

use safetensors::tensor::{Dtype, SafeTensors};
use upnext_core::feature::spec::TextSpec;
use upnext_core::text::{LevelRows, Student};
use upnext_core::{Error, ErrorKind, QuantRow};

use crate::column::Column;
use crate::file_bytes::FileBytes;
use crate::prefetch::prefetch;

/// int8 rows with a scale each, as they go into a block.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantTable {
    dim: usize,
    levels: Column<i8>,
    scales: Column<f32>,
}

impl QuantTable {
    /// Width of a row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Levels of a row.
    #[must_use]
    pub fn levels(&self, row: usize) -> &[i8] {
        &self.levels[row * self.dim..(row + 1) * self.dim]
    }

    /// A row with its scale.
    #[must_use]
    pub fn row(&self, row: usize) -> QuantRow<'_> {
        QuantRow {
            scale: self.scales[row],
            values: self.levels(row),
        }
    }

    /// Begins to bring a row near.
    pub fn expect(&self, row: usize) {
        prefetch(self.levels(row));
        prefetch(self.scales.get(row..=row).unwrap_or_default());
    }

    /// Levels of all rows.
    #[must_use]
    pub fn all_levels(&self) -> &[i8] {
        &self.levels
    }

    /// Scale of each row.
    #[must_use]
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }
}

/// What `item-tensors.safetensors` holds.
pub struct Items {
    /// Item vectors.
    pub vectors: QuantTable,
    /// Item factors.
    pub factors: QuantTable,
    /// Item vectors in f32, row-major.
    pub exact_vectors: Column<f32>,
    /// Item factors in f32, row-major.
    pub exact_factors: Column<f32>,
    /// What encodes the titles of new videos; `None`: the built-in encoder.
    pub titles: Option<Student>,
}

const ITEM_FILE: &str = "server/item-tensors.safetensors";
const USER_FILE: &str = "server/user-tensors.safetensors";

/// Reads `vectors`, `vector_scales`, `vectors_f32`, `factors`, `factor_scales`, `factors_f32` of `rows` items, and the student
/// of titles, of `text_dim` values, where there is one.
pub fn read_items(
    file: Arc<FileBytes>,
    rows: usize,
    (vector_dim, factor_dim, text_dim): (usize, usize, usize),
) -> Result<Items, Error> {
    let file = TensorFile::open(ITEM_FILE, &file)?;
    Ok(Items {
        vectors: file.quantised("vectors", "vector_scales", rows, vector_dim)?,
        factors: file.quantised("factors", "factor_scales", rows, factor_dim)?,
        exact_vectors: file.f32s("vectors_f32", &[rows, vector_dim])?,
        exact_factors: file.f32s("factors_f32", &[rows, factor_dim])?,
        titles: file.titles(text_dim)?,
    })
}

/// Reads `factors` of `rows` users.
pub fn read_users(file: Arc<FileBytes>, rows: usize, factor_dim: usize) -> Result<Column<f32>, Error> {
    TensorFile::open(USER_FILE, &file)?.f32s("factors", &[rows, factor_dim])
}

struct TensorFile<'a> {
    name: &'static str,
    bytes: &'a Arc<FileBytes>,
    tensors: SafeTensors<'a>,
}

impl<'a> TensorFile<'a> {
    fn open(name: &'static str, bytes: &'a Arc<FileBytes>) -> Result<TensorFile<'a>, Error> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| {
            Error::from(ErrorKind::BundleUnreadable {
                file: name.to_owned(),
                reason: error.to_string(),
            })
        })?;
        Ok(TensorFile { name, bytes, tensors })
    }

    /// Where in the file the tensor lies.
    fn place(&self, tensor: &str, dtype: Dtype, shape: &[usize]) -> Result<Range<usize>, Error> {
        let view = self.tensors.tensor(tensor).map_err(|_| {
            Error::from(ErrorKind::BundleIncomplete {
                file: format!("tensor {tensor} of {}", self.name),
            })
        })?;
        if view.dtype() == dtype && view.shape() == shape {
            // Its data are a part of these very bytes.
            let start = view.data().as_ptr().addr() - self.bytes.as_ptr().addr();
            Ok(start..start + view.data().len())
        } else {
            Err(Error::from(ErrorKind::BundleInconsistent {
                what: format!("tensor {tensor} of {}", self.name),
                expected: format!("{dtype:?} {shape:?}"),
                found: format!("{:?} {:?}", view.dtype(), view.shape()),
            }))
        }
    }

    /// `title_table` and `title_map`, int8 rows with scales, and `title_grams`: seed, shortest and longest n-gram. All or none
    /// of them.
    fn titles(&self, text_dim: usize) -> Result<Option<Student>, Error> {
        let Ok(grams) = self.tensors.tensor("title_grams") else {
            return Ok(None);
        };
        let inconsistent = || {
            Error::from(ErrorKind::BundleInconsistent {
                what: format!("the student of titles of {}", self.name),
                expected: format!("a table and a map to {text_dim} values of one width, n-grams of 1 to 16"),
                found: "others".to_owned(),
            })
        };
        let numbers: Vec<u64> = match (grams.dtype(), grams.shape()) {
            (Dtype::U64, [3]) => grams
                .data()
                .as_chunks()
                .0
                .iter()
                .map(|b| u64::from_le_bytes(*b))
                .collect(),
            _ => return Err(inconsistent()),
        };
        let table = self.tensors.tensor("title_table").map_err(|_| inconsistent())?;
        let &[buckets, width] = table.shape() else {
            return Err(inconsistent());
        };
        let part = |levels: &str, scales: &'static str, rows: usize| -> Result<LevelRows, Error> {
            let rows = self.quantised(levels, scales, rows, width)?;
            LevelRows::new(width, rows.levels.to_vec(), rows.scales.to_vec()).ok_or_else(inconsistent)
        };
        let table = part("title_table", "title_table_scales", buckets)?;
        let map = part("title_map", "title_map_scales", text_dim)?;
        let small = |number: Option<&u64>| number.and_then(|number| u32::try_from(*number).ok());
        let grams = TextSpec {
            dim: u32::try_from(buckets).map_err(|_| inconsistent())?,
            min_n: small(numbers.get(1)).ok_or_else(inconsistent)?,
            max_n: small(numbers.get(2)).ok_or_else(inconsistent)?,
        };
        let seed = numbers.first().copied().unwrap_or_default();
        Student::new(grams, seed, table, map).ok_or_else(inconsistent).map(Some)
    }

    fn f32s(&self, tensor: &'static str, shape: &[usize]) -> Result<Column<f32>, Error> {
        let values = Column::<f32>::of_file(self.bytes, self.place(tensor, Dtype::F32, shape)?);
        match values.iter().position(|v| !v.is_finite()) {
            Some(index) => Err(Error::from(ErrorKind::NotFinite { what: tensor, index })),
            None => Ok(values),
        }
    }

    fn quantised(&self, levels: &str, scales: &'static str, rows: usize, dim: usize) -> Result<QuantTable, Error> {
        let name = levels;
        let levels = Column::<i8>::of_file(self.bytes, self.place(name, Dtype::I8, &[rows, dim])?);
        let scales = self.f32s(scales, &[rows])?;
        // A device refuses a block with either: better found here, once.
        if levels.contains(&i8::MIN) || scales.iter().any(|scale| *scale < 0.0) {
            return Err(Error::from(ErrorKind::BundleInconsistent {
                what: format!("{name} of {}", self.name),
                expected: "levels in −127..=127 and scales of 0 or more".to_owned(),
                found: "one outside".to_owned(),
            }));
        }
        Ok(QuantTable { dim, levels, scales })
    }
}
