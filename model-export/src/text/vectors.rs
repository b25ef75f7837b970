//! Vectors of texts in rows.

use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};

use crate::Error;

/// One row for each text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextVectors {
    /// Width of a row.
    pub dim: usize,
    /// Row by row.
    pub values: Vec<f32>,
}

impl TextVectors {
    /// Zeros.
    #[must_use]
    pub fn new(dim: usize, rows: usize) -> TextVectors {
        TextVectors {
            dim,
            values: vec![0.0; dim * rows],
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.dim.max(1)
    }

    /// True where there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Row `i`; empty where there is none.
    #[must_use]
    pub fn row(&self, i: usize) -> &[f32] {
        self.values.get(i * self.dim..(i + 1) * self.dim).unwrap_or_default()
    }

    /// The rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dim.max(1))
    }

    /// The rows in order, to be written.
    pub fn rows_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [f32]> {
        self.values.chunks_exact_mut(self.dim.max(1))
    }

    /// As safetensors: one tensor `vectors`, f32, `[rows, dim]`; `about` becomes the file's metadata.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, path: &Path, about: &[(&str, &str)]) -> Result<(), Error> {
        let bytes: Vec<u8> = self.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, vec![self.len(), self.dim], &bytes).map_err(Error::file(path))?;
        let about = about
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let file = safetensors::serialize([("vectors", view)], Some(about.collect())).map_err(Error::file(path))?;
        std::fs::write(path, file).map_err(Error::file(path))
    }
}
