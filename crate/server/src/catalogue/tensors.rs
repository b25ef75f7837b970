//! Item and user tensors: safetensors with the shapes that the manifest promises.

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use upnext_core::{Error, ErrorKind, QuantRow};

/// int8 rows with a scale each, as they go into a block.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantTable {
    dim: usize,
    levels: Vec<i8>,
    scales: Vec<f32>,
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
    pub exact_vectors: Vec<f32>,
    /// Item factors in f32, row-major.
    pub exact_factors: Vec<f32>,
}

const ITEM_FILE: &str = "server/item-tensors.safetensors";
const USER_FILE: &str = "server/user-tensors.safetensors";

/// Reads `vectors`, `vector_scales`, `vectors_f32`, `factors`, `factor_scales`, `factors_f32` of `rows` items.
pub fn read_items(bytes: &[u8], rows: usize, vector_dim: usize, factor_dim: usize) -> Result<Items, Error> {
    let file = TensorFile::open(ITEM_FILE, bytes)?;
    Ok(Items {
        vectors: file.quantised("vectors", "vector_scales", rows, vector_dim)?,
        factors: file.quantised("factors", "factor_scales", rows, factor_dim)?,
        exact_vectors: file.f32s("vectors_f32", &[rows, vector_dim])?,
        exact_factors: file.f32s("factors_f32", &[rows, factor_dim])?,
    })
}

/// Reads `factors` of `rows` users.
pub fn read_users(bytes: &[u8], rows: usize, factor_dim: usize) -> Result<Vec<f32>, Error> {
    TensorFile::open(USER_FILE, bytes)?.f32s("factors", &[rows, factor_dim])
}

struct TensorFile<'a> {
    name: &'static str,
    tensors: SafeTensors<'a>,
}

impl<'a> TensorFile<'a> {
    fn open(name: &'static str, bytes: &'a [u8]) -> Result<TensorFile<'a>, Error> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| {
            Error::from(ErrorKind::BundleUnreadable {
                file: name.to_owned(),
                reason: error.to_string(),
            })
        })?;
        Ok(TensorFile { name, tensors })
    }

    fn view(&self, tensor: &str, dtype: Dtype, shape: &[usize]) -> Result<TensorView<'_>, Error> {
        let view = self.tensors.tensor(tensor).map_err(|_| {
            Error::from(ErrorKind::BundleIncomplete {
                file: format!("tensor {tensor} of {}", self.name),
            })
        })?;
        if view.dtype() == dtype && view.shape() == shape {
            Ok(view)
        } else {
            Err(Error::from(ErrorKind::BundleInconsistent {
                what: format!("tensor {tensor} of {}", self.name),
                expected: format!("{dtype:?} {shape:?}"),
                found: format!("{:?} {:?}", view.dtype(), view.shape()),
            }))
        }
    }

    fn f32s(&self, tensor: &'static str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let view = self.view(tensor, Dtype::F32, shape)?;
        let values: Vec<f32> = view
            .data()
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect();
        match values.iter().position(|v| !v.is_finite()) {
            Some(index) => Err(Error::from(ErrorKind::NotFinite { what: tensor, index })),
            None => Ok(values),
        }
    }

    fn quantised(&self, levels: &str, scales: &'static str, rows: usize, dim: usize) -> Result<QuantTable, Error> {
        let name = levels;
        let levels: Vec<i8> = self
            .view(name, Dtype::I8, &[rows, dim])?
            .data()
            .iter()
            .map(|b| b.cast_signed())
            .collect();
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
