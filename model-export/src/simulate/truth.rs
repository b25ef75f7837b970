//! `truth.parquet`: what the log was made from, for tests and for whoever wants to see.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Builder, ListBuilder, RecordBatch, StringBuilder};
use parquet::arrow::ArrowWriter;

use super::affinity::{Planted, moment_effect};
use super::{TOPICS, World};
use crate::Error;
use crate::table::Dataset;

/// Writes one row per user, drift of a user, video and planted moment: `kind`, `id`, `weights` (one per topic), `quality`.
///
/// # Errors
/// [`Error::File`].
pub fn write(data: &Dataset, world: &World, path: &Path) -> Result<(), Error> {
    let (mut kinds, mut ids) = (StringBuilder::new(), StringBuilder::new());
    let mut weights = ListBuilder::new(Float32Builder::new());
    let mut quality = Float32Builder::new();
    let mut row = |kind: &str, id: &str, topics: &[f32], value: Option<f32>| {
        kinds.append_value(kind);
        ids.append_value(id);
        weights.values().append_slice(topics);
        weights.append(true);
        quality.append_option(value);
    };
    for (index, person) in world.people.iter().enumerate() {
        row("user", data.users.ids.name(index as u32), &person.topics, None);
        if let Some(drift) = &person.drift {
            row("drift", data.users.ids.name(index as u32), &drift.topics, None);
        }
    }
    for (index, clip) in world.clips.iter().enumerate() {
        row(
            "video",
            data.videos.ids.name(index as u32),
            &clip.topics,
            Some(clip.quality as f32),
        );
    }
    for (name, planted) in [("night-phone", Planted::NightPhone), ("sunday-tv", Planted::SundayTv)] {
        let effect: Vec<f32> = (0..TOPICS.len())
            .map(|topic| moment_effect(planted, topic) as f32)
            .collect();
        row("moment", name, &effect, None);
    }
    let columns: [(&str, ArrayRef); 4] = [
        ("kind", Arc::new(kinds.finish())),
        ("id", Arc::new(ids.finish())),
        ("weights", Arc::new(weights.finish())),
        ("quality", Arc::new(quality.finish())),
    ];
    let batch = RecordBatch::try_from_iter(columns).map_err(Error::file(path))?;
    let file = File::create(path).map_err(Error::file(path))?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).map_err(Error::file(path))?;
    writer.write(&batch).map_err(Error::file(path))?;
    writer.close().map(|_| ()).map_err(Error::file(path))
}
