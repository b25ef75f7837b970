//! How rows of the bundle before become rows of this one: a history outlives an upgrade without a request.
//!
//! Two training runs put the same videos in the same places but for a rotation of the whole space. The new bundle brings
//! that rotation, for vectors and for factors: the orthogonal matrix that carries the old rows of the videos that both know
//! nearest to the new ones (orthogonal Procrustes problem: Schönemann 1966). Orthogonal, so that it keeps every length
//! and every angle of what a device has stored.

use super::{Tensors, is_sha256_hex};
use crate::block::Dims;
use crate::program::kernel::{dense, dot};
use crate::{Error, ErrorKind, QuantRow, quantize};

/// How far an element of `QᵀQ` may be from that of the identity.
const TOLERANCE: f32 = 1e-3;

/// Rotations from the rows of one bundle to those of the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Alignment {
    previous: String,
    vectors: Vec<f32>,
    factors: Vec<f32>,
    dims: Dims,
}

impl Alignment {
    /// From two orthogonal matrices, row-major, `[vector, vector]` and `[factor, factor]`: a row of the bundle `previous` times
    /// its matrix is a row of this bundle.
    ///
    /// # Errors
    /// [`ErrorKind::BundleInconsistent`] where a matrix is of another size, or not orthogonal within 0.001 in each
    /// element of its product with itself, or where `previous` is no bundle id.
    pub fn new(previous: String, dims: Dims, vectors: Vec<f32>, factors: Vec<f32>) -> Result<Alignment, Error> {
        let sound = is_orthogonal(&vectors, dims.vector) && is_orthogonal(&factors, dims.factor);
        if !sound || !is_sha256_hex(&previous) {
            return Err(Error::from(ErrorKind::BundleInconsistent {
                what: "the alignment".to_owned(),
                expected: "two orthogonal matrices and a bundle id".to_owned(),
                found: "others".to_owned(),
            }));
        }
        Ok(Alignment {
            previous,
            vectors,
            factors,
            dims,
        })
    }

    /// Reads the file, which the manifest vouches for: whoever wrote it made it by [`Alignment::new`]. `file` names it in errors.
    ///
    /// # Errors
    /// Those of [`Tensors`].
    pub fn parse(file: &str, bytes: &[u8], dims: Dims) -> Result<Alignment, Error> {
        let tensors = Tensors::parse(file, bytes)?;
        Ok(Alignment {
            previous: tensors.note("previous").unwrap_or_default(),
            vectors: tensors.f32("vectors", &[dims.vector; 2])?,
            factors: tensors.f32("factors", &[dims.factor; 2])?,
            dims,
        })
    }

    /// The file's bytes: safetensors with `vectors`, `factors`, and the id of the bundle before as the note `previous`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Dims { vector, factor } = self.dims;
        super::tensors::write(
            &[("previous", &self.previous)],
            &[
                ("vectors", &[vector; 2], &self.vectors),
                ("factors", &[factor; 2], &self.factors),
            ],
        )
    }

    /// Id of the bundle whose rows it takes.
    #[must_use]
    pub fn previous(&self) -> &str {
        &self.previous
    }

    /// A vector of the bundle before as this bundle has it: scale and levels. `None` for one of another width.
    #[must_use]
    pub fn vector(&self, row: QuantRow<'_>) -> Option<(f32, Vec<i8>)> {
        turned(&self.vectors, self.dims.vector, row)
    }

    /// A factor likewise.
    #[must_use]
    pub fn factor(&self, row: QuantRow<'_>) -> Option<(f32, Vec<i8>)> {
        turned(&self.factors, self.dims.factor, row)
    }
}

fn turned(matrix: &[f32], width: usize, row: QuantRow<'_>) -> Option<(f32, Vec<i8>)> {
    if row.values.len() != width {
        return None;
    }
    let (mut before, mut after) = (vec![0.0; width], vec![0.0; width]);
    row.add_to(1.0, &mut before);
    dense(&before, matrix, None, &mut after);
    let mut levels = vec![0; width];
    let scale = quantize(&after, &mut levels);
    Some((scale, levels))
}

/// Whether `Qᵀ` times `Q` is the identity; false for another size and for anything that is not finite.
fn is_orthogonal(matrix: &[f32], width: usize) -> bool {
    if matrix.len() != width * width {
        return false;
    }
    let rows = || matrix.chunks_exact(width.max(1));
    for (at, row) in rows().enumerate() {
        for (to, other) in rows().enumerate() {
            // An element of Q·Qᵀ, which is the identity where QᵀQ is.
            let expected = if to == at { 1.0 } else { 0.0 };
            let far = (dot(row, other) - expected).abs();
            if far.is_nan() || far > TOLERANCE {
                return false;
            }
        }
    }
    true
}
