//! Videos that arrived since the bundle, as rows of the videos table.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder, new_null_array,
};
use arrow::datatypes::DataType;

use super::table::{unfitting, videos};
use crate::error::StartError;
use crate::store::video::VideoRow;
use crate::video::VideoInput;

/// Rows of these; those that were taken down are none.
pub fn batch(rows: &[&VideoRow]) -> Result<RecordBatch, StartError> {
    let rows: Vec<(&VideoRow, &VideoInput)> = rows
        .iter()
        .filter_map(|row| Some((*row, row.video.as_ref()?)))
        .collect();
    let text = |of: fn(&VideoInput) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, video)| of(video)).collect::<StringArray>())
    };
    let list = |of: fn(&VideoInput) -> &[String]| -> ArrayRef {
        let mut builder = ListBuilder::new(StringBuilder::new());
        for (_, video) in &rows {
            of(video).iter().for_each(|text| builder.values().append_value(text));
            builder.append(true);
        }
        Arc::new(builder.finish())
    };
    let published = rows
        .iter()
        .map(|(row, video)| Some(video.published_at.unwrap_or(row.at_ms)));
    let lengths = rows.iter().map(|(_, video)| video.length_seconds);
    // Nobody counts likes, comments and views here; training counts what its log says.
    let unknown = new_null_array(&DataType::Float32, rows.len());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|(row, _)| Some(&row.id)).collect::<StringArray>()),
        text(|video| video.title.as_deref()),
        list(|video| &video.tags),
        Arc::new(lengths.collect::<Float32Array>()),
        text(|video| video.language.as_deref()),
        text(|video| video.rating.as_deref()),
        text(|video| video.channel.as_deref()),
        Arc::new(published.collect::<Int64Array>()),
        Arc::clone(&unknown),
        Arc::clone(&unknown),
        unknown,
        list(|video| &video.regions),
        text(|video| video.content_hash.as_deref()),
    ];
    RecordBatch::try_new(videos().arrow(), columns).map_err(|error| unfitting(&error))
}
