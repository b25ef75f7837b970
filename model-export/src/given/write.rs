//! Factors of this program in the layout of others.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Builder, ListBuilder, StringArray, UInt64Array};

use super::FactorInfo;
use crate::Error;
use crate::bundle::to_parquet;
use crate::factors::{Factors, Ones};
use crate::table::{Dataset, Ids};

/// Writes factors below `dir`, as [`super::FactorFiles`] reads them. Rows without a relevant pair are left out.
///
/// # Errors
/// [`Error::File`].
pub fn write(dir: &Path, info: &FactorInfo, data: &Dataset, ones: &Ones, factors: &Factors) -> Result<(), Error> {
    let by_video = ones.transposed();
    side(&dir.join("users"), &data.users.ids, ones, &factors.users, factors.dim)?;
    side(
        &dir.join("videos"),
        &data.videos.ids,
        &by_video,
        &factors.items,
        factors.dim,
    )?;
    let path = dir.join("factors.json");
    let mut text = serde_json::to_string_pretty(info).map_err(Error::file(&path))?;
    text.push('\n');
    fs::write(&path, text).map_err(Error::file(&path))
}

fn side(dir: &Path, ids: &Ids, ones: &Ones, factors: &[f32], dim: usize) -> Result<(), Error> {
    let mut features = ListBuilder::new(Float32Builder::new());
    let (mut names, mut relevant) = (Vec::new(), Vec::new());
    for (row, factor) in factors.chunks_exact(dim).enumerate() {
        let pairs = ones.row(row).len();
        if pairs > 0 {
            names.push(ids.name(row as u32));
            relevant.push(pairs as u64);
            features.values().append_slice(factor);
            features.append(true);
        }
    }
    let bytes = to_parquet(vec![
        ("id", Arc::new(StringArray::from(names)) as ArrayRef),
        ("features", Arc::new(features.finish())),
        ("relevant", Arc::new(UInt64Array::from(relevant))),
    ])?;
    fs::create_dir_all(dir).map_err(Error::file(dir))?;
    let path = dir.join("part-0.parquet");
    fs::write(&path, bytes).map_err(Error::file(&path))
}
