//! What the item tower reads of a video.

use crate::feature::Column;
use crate::feature::spec::{FeatureSpec, Standardise};
use crate::feature::vocabulary::{VocabularyIndex, language_term};
use crate::hash::{bucket, hash64};
use crate::text::{Folding, encode_text};

/// A video as of an instant. Unknown is `None`, never zero.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct VideoFeatures<'a> {
    /// Id; empty: unknown, as for a video that the model shall judge by content alone.
    pub id: &'a str,
    /// Title.
    pub title: Option<&'a str>,
    /// Text vector of the title, `text.dim` values, where titles are encoded by something else than the built-in encoder: an
    /// item tower that learnt from such vectors wants no others.
    pub title_vector: Option<&'a [f32]>,
    /// Tags in table order.
    pub tags: &'a [&'a str],
    /// Mean text vector of the comments, `text.dim` values.
    pub comments: Option<&'a [f32]>,
    /// Length in seconds.
    pub length_seconds: Option<f32>,
    /// BCP 47 tag.
    pub language: Option<&'a str>,
    /// Age rating.
    pub rating: Option<&'a str>,
    /// Channel.
    pub channel: Option<&'a str>,
    /// Likes before the instant.
    pub likes: Option<f32>,
    /// Comments before the instant.
    pub comments_count: Option<f32>,
    /// Views before the instant.
    pub views: Option<f32>,
}

/// Inputs of the item tower: columns and widths, from the spec alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemLayout {
    /// Category columns in order. The first two read one table, that of the ids.
    pub categorical: [Column; 5],
    /// The tag table; the input has `max_tags` rows of it, row 0 being padding.
    pub tags: Column,
    /// Width of the tag input.
    pub max_tags: usize,
    /// Width of the dense input: title ‖ comments ‖ (value, known) of length, likes, comments, views.
    pub dense: usize,
}

impl ItemLayout {
    /// The layout of a valid spec.
    #[must_use]
    pub fn new(spec: &FeatureSpec) -> ItemLayout {
        let item = &spec.item;
        ItemLayout {
            categorical: [
                Column {
                    name: "id_hash_1",
                    rows: item.id_buckets,
                },
                Column {
                    name: "id_hash_2",
                    rows: item.id_buckets,
                },
                Column {
                    name: "language",
                    rows: item.language.rows(),
                },
                Column {
                    name: "rating",
                    rows: item.rating.rows(),
                },
                Column {
                    name: "channel",
                    rows: item.channel.rows(),
                },
            ],
            tags: Column {
                name: "tags",
                rows: item.tags.rows(),
            },
            max_tags: item.max_tags as usize,
            dense: 2 * spec.text.dim as usize + 8,
        }
    }
}

/// A video as the item tower's inputs; the shapes are those of [`ItemLayout`].
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedItem {
    /// Rows of the category columns.
    pub categorical: Vec<u32>,
    /// Rows of the tag table, padded with 0.
    pub tags: Vec<u32>,
    /// Dense input.
    pub dense: Vec<f32>,
}

/// Encodes one video. For many, keep an [`ItemEncoder`].
#[must_use]
pub fn encode_item(spec: &FeatureSpec, folding: &Folding, video: &VideoFeatures<'_>) -> EncodedItem {
    ItemEncoder::new(spec, folding).encode(video)
}

/// The item encoder with its look-ups built.
#[derive(Debug, Clone)]
pub struct ItemEncoder<'a> {
    spec: &'a FeatureSpec,
    folding: &'a Folding,
    tags: VocabularyIndex<'a>,
    channel: VocabularyIndex<'a>,
}

impl<'a> ItemEncoder<'a> {
    /// An encoder for a valid spec.
    #[must_use]
    pub fn new(spec: &'a FeatureSpec, folding: &'a Folding) -> ItemEncoder<'a> {
        ItemEncoder {
            spec,
            folding,
            tags: spec.item.tags.index(),
            channel: spec.item.channel.index(),
        }
    }

    /// Encodes one video.
    #[must_use]
    pub fn encode(&self, video: &VideoFeatures<'_>) -> EncodedItem {
        let (spec, item) = (self.spec, &self.spec.item);
        let language = video.language.and_then(language_term);
        let categorical = vec![
            id_row(spec, video.id, 1),
            id_row(spec, video.id, 2),
            item.language.row(spec.seed, language.as_deref()),
            item.rating.row(spec.seed, video.rating),
            self.channel.row(spec.seed, video.channel),
        ];
        let max_tags = item.max_tags as usize;
        let known = video
            .tags
            .iter()
            .take(max_tags)
            .map(|tag| self.tags.row(spec.seed, Some(tag)));
        let mut tags: Vec<u32> = known.collect();
        tags.resize(max_tags, 0);
        EncodedItem {
            categorical,
            tags,
            dense: self.dense(video),
        }
    }

    fn dense(&self, video: &VideoFeatures<'_>) -> Vec<f32> {
        let (spec, item) = (self.spec, &self.spec.item);
        let text_dim = spec.text.dim as usize;
        let mut dense = vec![0.0; 2 * text_dim];
        let (title, comments) = dense.split_at_mut(text_dim);
        match (video.title_vector, video.title) {
            (Some(vector), _) => title.iter_mut().zip(vector).for_each(|(slot, value)| *slot = *value),
            (None, Some(text)) => encode_text(&spec.text, spec.seed, self.folding, text, title),
            (None, None) => {}
        }
        for (slot, value) in comments.iter_mut().zip(video.comments.unwrap_or_default()) {
            *slot = *value;
        }
        let mut push = |how: &Standardise, value: Option<f32>| {
            let (value, known) = how.value(value);
            dense.extend([value, known]);
        };
        push(&item.length, video.length_seconds);
        push(&item.likes, video.likes);
        push(&item.comments, video.comments_count);
        push(&item.views, video.views);
        dense
    }
}

/// One of a video's two rows in the id table; they differ in the hash's seed, so that two videos
/// that share one row rarely share both.
fn id_row(spec: &FeatureSpec, id: &str, which: u64) -> u32 {
    match id.is_empty() {
        true => 0,
        false => {
            1 + bucket(
                hash64(spec.seed.wrapping_add(which), id.as_bytes()),
                spec.item.id_buckets - 1,
            )
        }
    }
}

#[cfg(test)]
mod tests;
