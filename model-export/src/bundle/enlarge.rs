//! A bundle with as many videos as a load test asks for, made of a smaller one.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, UInt32Array};
use arrow::compute::take;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use upnext_core::bundle::{Role, write_f32};
use upnext_core::fold_in::Gram;

use super::read::unreadable;
use super::server_half::{Items, to_parquet};
use super::{Bundle, Draft, Header};
use crate::Error;

/// How a bundle is enlarged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Enlarged {
    /// Videos that it shall have.
    pub videos: usize,
    /// How far vector and factor of a copy lie from those of its original: length of the difference before the copy is
    /// brought to the original's length, over that length.
    pub noise: f32,
    /// Seed of the differences.
    pub seed: u64,
}

/// Writes `bundle` below `root` once more, with copies of its videos until there are as many as wanted, and makes that
/// current; returns its id.
///
/// A copy has the words and figures of its original, the id `ORIGINAL~N`, and a vector and a factor near those of it.
/// Accounts, shelves, towers and ranker stay; the Gram matrix is that of the new factors. Good for time and memory;
/// what is recommended from it means nothing.
///
/// # Errors
/// [`Error::ConfigInvalid`] for fewer videos than there are, for more than `u32` counts, and for noise that is negative or
/// not finite; those of reading and writing bundles.
pub fn enlarge(bundle: &Bundle, wanted: Enlarged, root: &Path) -> Result<String, Error> {
    let invalid = |option: &str, reason: String| Error::ConfigInvalid {
        option: option.to_owned(),
        reason,
    };
    if !(wanted.noise >= 0.0 && wanted.noise.is_finite()) {
        return Err(invalid("--noise", format!("{} is no number from 0 on", wanted.noise)));
    }
    let ids = bundle.ids(Role::Videos)?;
    if wanted.videos < ids.len() || u32::try_from(wanted.videos).is_err() {
        return Err(invalid(
            "--videos",
            format!("the bundle has {} already; at most {} can be had", ids.len(), u32::MAX),
        ));
    }
    let (vector_dim, factor_dim) = (bundle.manifest.vector_dim as usize, bundle.manifest.factor_dim as usize);
    let tensors = bundle.item_tensors()?;
    let vectors = copies(&tensors.vectors_f32, vector_dim, wanted, 1);
    let factors = copies(&tensors.factors_f32, factor_dim, wanted, 2);
    let mut draft = Draft::new(Header::of(bundle));
    for file in &bundle.manifest.files {
        draft.file(file.role, bundle.read(file.role)?);
    }
    let items = Items {
        vectors: &vectors,
        vector_dim,
        factors: &factors,
        factor_dim,
    };
    draft.file(
        Role::ItemTensors,
        items.to_safetensors(tensors.titles.as_ref().zip(tensors.teacher.as_deref()))?,
    );
    let gram = Gram::of(factor_dim, &factors);
    draft.file(Role::Gram, write_f32("gram", &[factor_dim, factor_dim], gram.values()));
    draft.file(Role::Videos, videos(bundle, &ids, wanted.videos)?);
    draft.write(root)
}

/// The rows, then near ones until there are enough; `stream` tells tables apart that share a seed.
fn copies(rows: &[f32], dim: usize, wanted: Enlarged, stream: u64) -> Vec<f32> {
    let mut values = vec![0.0; wanted.videos * dim];
    let originals = values.par_chunks_mut(rows.len().max(1)).enumerate();
    originals.for_each(|(copy, values)| {
        let mut rng = ChaCha8Rng::seed_from_u64(wanted.seed);
        rng.set_stream(copy as u64 * 4 + stream);
        for (near, row) in values.chunks_exact_mut(dim).zip(rows.chunks_exact(dim)) {
            near.copy_from_slice(row);
            if copy > 0 {
                disturb(near, wanted.noise, &mut rng);
            }
        }
    });
    values
}

/// Moves a row by `noise` of its length in a random direction, and brings it back to its length.
fn disturb(row: &mut [f32], noise: f32, rng: &mut ChaCha8Rng) {
    let length = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>().sqrt();
    let before = length(row);
    let step = noise * before / (row.len() as f32).sqrt();
    for value in row.iter_mut() {
        let normal: f32 = StandardNormal.sample(rng);
        *value += step * normal;
    }
    let after = length(row);
    if after > 0.0 {
        row.iter_mut().for_each(|value| *value *= before / after);
    }
}

fn videos(bundle: &Bundle, ids: &[String], wanted: usize) -> Result<Vec<u8>, Error> {
    let batch = bundle.table(Role::Videos)?;
    let rows = UInt32Array::from_iter_values((0..wanted).map(|row| (row % ids.len()) as u32));
    let names = (0..wanted).map(|row| match row / ids.len() {
        0 => ids[row].clone(),
        copy => format!("{}~{copy}", ids[row % ids.len()]),
    });
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let column = match field.name().as_str() {
            "id" => Arc::clone(&names),
            _ => take(column, &rows, None).map_err(|error| unreadable("videos", error.to_string()))?,
        };
        Ok((field.name().as_str(), column))
    });
    to_parquet(columns.collect::<Result<_, Error>>()?)
}
