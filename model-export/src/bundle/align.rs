//! How rows of the bundle before become rows of a new one.

use std::collections::BTreeMap;

use upnext_core::block::Dims;
use upnext_core::bundle::Alignment;

use super::{Bundle, Items};
use crate::Error;
use crate::linear::rotation;
use crate::table::Ids;

/// The alignment from the bundle `previous` to the rows `items` of the videos `ids`, and what it achieves, as figures of the
/// manifest: videos that both bundles have, and the mean cosines of their turned old rows with their new ones.
///
/// # Errors
/// [`Error::ConfigInvalid`] for a bundle of other widths, or with fewer videos in common than a vector has values; those of
/// reading the bundle.
pub fn alignment(previous: &Bundle, ids: &Ids, items: Items<'_>) -> Result<(Alignment, BTreeMap<String, f64>), Error> {
    let refused = |reason: String| Error::ConfigInvalid {
        option: "--previous".to_owned(),
        reason,
    };
    let dims = Dims {
        vector: items.vector_dim,
        factor: items.factor_dim,
    };
    let manifest = &previous.manifest;
    let (v, f) = (manifest.vector_dim as usize, manifest.factor_dim as usize);
    if (v, f) != (dims.vector, dims.factor) {
        return Err(refused(format!(
            "its vectors and factors are {v} and {f} wide, those of the new bundle {} and {}",
            dims.vector, dims.factor
        )));
    }
    let (tensors, figures) = (previous.item_tensors()?, previous.video_figures()?);
    let shared: Vec<(usize, usize)> = figures
        .ids
        .iter()
        .enumerate()
        .filter_map(|(old, id)| Some((old, ids.row(id)? as usize)))
        .collect();
    let widest = dims.vector.max(dims.factor);
    if shared.len() < widest {
        return Err(refused(format!(
            "it has {} videos in common with the new bundle, needed are {widest}",
            shared.len()
        )));
    }
    let fitted = |old: &[f32], new: &[f32], width: usize| -> Result<(Vec<f32>, f64), Error> {
        let pick = |all: &[f32], which: &dyn Fn(&(usize, usize)) -> usize| -> Vec<f32> {
            let rows = shared.iter().map(which);
            rows.flat_map(|row| all[row * width..(row + 1) * width].to_vec())
                .collect()
        };
        let (old, new) = (pick(old, &|pair| pair.0), pick(new, &|pair| pair.1));
        let q = rotation(&old, &new, width).ok_or_else(|| refused("its rows are not finite".to_owned()))?;
        let q: Vec<f32> = q.into_iter().map(|cell| cell as f32).collect();
        let cosine = mean_cosine(&old, &new, &q, width);
        Ok((q, cosine))
    };
    let (vectors, of_vectors) = fitted(&tensors.vectors_f32, items.vectors, dims.vector)?;
    let (factors, of_factors) = fitted(&tensors.factors_f32, items.factors, dims.factor)?;
    let figures = [
        ("alignment_videos", shared.len() as f64),
        ("alignment_vector_cosine", of_vectors),
        ("alignment_factor_cosine", of_factors),
    ];
    let alignment = Alignment::new(previous.id.clone(), dims, vectors, factors)?;
    Ok((alignment, figures.map(|(name, value)| (name.to_owned(), value)).into()))
}

/// Mean cosine of the old rows, turned, with the new ones, over those of which neither is zero; 0 where there is none.
fn mean_cosine(old: &[f32], new: &[f32], q: &[f32], width: usize) -> f64 {
    let norm = |row: &[f32]| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    let cosines: Vec<f64> = old
        .chunks_exact(width)
        .zip(new.chunks_exact(width))
        .filter_map(|(old, new)| {
            let lengths = norm(old) * norm(new);
            let turned = |j: usize| {
                (0..width)
                    .map(|i| f64::from(old[i]) * f64::from(q[i * width + j]))
                    .sum::<f64>()
            };
            let product: f64 = (0..width).map(|j| turned(j) * f64::from(new[j])).sum();
            (lengths > 0.0).then(|| product / lengths)
        })
        .collect();
    cosines.iter().sum::<f64>() / cosines.len().max(1) as f64
}
