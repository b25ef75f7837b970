//! One event as it is stored.

use super::invalid;
use crate::block::{MAX_ID_BYTES, MAX_TEXT_BYTES};
use crate::bundle::{hex, is_sha256_hex, unhex};
use crate::tree::{FromTree, Reader, ToJson, Tree, record};
use crate::{Error, EventKind, QuantRow};

/// Widest row that is stored.
const MAX_ROW: usize = 1024;

/// An event with what was known of its video when it happened.
///
/// Bounds: ids of 1..=[`MAX_ID_BYTES`] bytes, texts of at most [`MAX_TEXT_BYTES`], seconds finite
/// and not negative; a search has no video, everything else has one.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// What happened.
    pub kind: EventKind,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// The video; `None` for a search.
    pub video: Option<String>,
    /// Seconds watched, of a watch.
    pub seconds: Option<f32>,
    /// Length of the video in seconds.
    pub length_seconds: Option<f32>,
    /// Query of a search, or the comment.
    pub text: Option<String>,
    /// Where it happened.
    pub surface: Option<String>,
    /// The video's channel.
    pub channel: Option<String>,
    /// The video's content hash, where its block told one.
    pub content: Option<String>,
    /// The video's title, for the page.
    pub title: Option<String>,
    /// What a bundle knew of the video.
    pub model: Option<StoredModel>,
    /// What that bundle's ranker alone expected when it showed the video: the logit that it is found relevant.
    pub expected: Option<f32>,
}

/// Vector and factor of a video, of one bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredModel {
    /// The bundle that made them.
    pub bundle_id: String,
    /// Item vector.
    pub vector: StoredRow,
    /// Collaborative factor, where the video had one.
    pub factor: Option<StoredRow>,
}

/// A quantised row; its levels are written as hex digits, two for each.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRow {
    pub(super) scale: f32,
    pub(super) levels: Vec<i8>,
}

struct HexRow {
    scale: f32,
    levels: String,
}

record!(json HexRow { scale, levels });
record!(json StoredModel { bundle_id as "bundleId", vector, factor });
record!(json StoredEvent {
    kind,
    at_ms as "atMs",
    video,
    seconds,
    length_seconds as "lengthSeconds",
    text,
    surface,
    channel,
    content = None::<String> => silent,
    title,
    model,
    expected,
});

impl ToJson for StoredRow {
    fn write(&self, json: &mut String) {
        let bytes: Vec<u8> = self.levels.iter().map(|level| level.cast_unsigned()).collect();
        HexRow {
            scale: self.scale,
            levels: hex(&bytes),
        }
        .write(json);
    }
}

impl FromTree for StoredRow {
    fn read(tree: Tree, reader: &mut Reader) -> StoredRow {
        let HexRow { scale, levels } = HexRow::read(tree, reader);
        let levels = unhex(&levels).unwrap_or_else(|| {
            reader.refuse("the levels of a row are not hex digits".to_owned());
            Vec::new()
        });
        if levels.len() > MAX_ROW {
            reader.refuse("a row has more than 1024 levels".to_owned());
        }
        if !(scale.is_finite() && scale >= 0.0) {
            reader.refuse("the scale of a row is not a finite number of 0 or more".to_owned());
        }
        StoredRow {
            scale,
            levels: levels.iter().map(|b| b.cast_signed()).collect(),
        }
    }
}

impl StoredRow {
    /// A copy of a row.
    #[must_use]
    pub fn new(row: QuantRow<'_>) -> StoredRow {
        StoredRow {
            scale: row.scale,
            levels: row.values.to_vec(),
        }
    }

    /// The row, if it is `width` wide.
    #[must_use]
    pub fn row(&self, width: usize) -> Option<QuantRow<'_>> {
        (self.levels.len() == width).then_some(QuantRow {
            scale: self.scale,
            values: &self.levels,
        })
    }
}

impl StoredEvent {
    /// An event of which nothing else is known.
    #[must_use]
    pub fn new(kind: EventKind, at_ms: i64) -> StoredEvent {
        StoredEvent {
            kind,
            at_ms,
            video: None,
            seconds: None,
            length_seconds: None,
            text: None,
            surface: None,
            channel: None,
            content: None,
            title: None,
            model: None,
            expected: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.reason_to_refuse()
            .map_or(Ok(()), |reason| Err(invalid(reason.to_owned())))
    }

    /// The first bound that is broken. The text names no content of the event.
    pub(super) fn reason_to_refuse(&self) -> Option<&'static str> {
        let long = |text: &Option<String>, most| text.as_ref().is_some_and(|t| t.len() > most);
        let wrong = |value: Option<f32>| value.is_some_and(|v| !(v.is_finite() && v >= 0.0));
        if (self.kind == EventKind::Search) == self.video.is_some() {
            return Some("a search has no video, every other event has one");
        }
        if self.kind == EventKind::Search && self.text.is_none() {
            return Some("a search has a text");
        }
        if long(&self.video, MAX_ID_BYTES) || self.video.as_ref().is_some_and(String::is_empty) {
            return Some("the id of a video is of 1 to 256 bytes");
        }
        if [&self.surface, &self.channel, &self.content]
            .iter()
            .any(|text| long(text, MAX_ID_BYTES))
        {
            return Some("surface, channel and content hash are of at most 256 bytes");
        }
        if long(&self.text, MAX_TEXT_BYTES) || long(&self.title, MAX_TEXT_BYTES) {
            return Some("text and title are of at most 2048 bytes");
        }
        if wrong(self.seconds) || wrong(self.length_seconds) {
            return Some("seconds are finite and not negative");
        }
        if self.expected.is_some_and(|logit| !logit.is_finite()) {
            return Some("what was expected is a finite number");
        }
        if self.model.as_ref().is_some_and(|m| !is_sha256_hex(&m.bundle_id)) {
            return Some("a bundle id is 64 lower-case hex digits");
        }
        None
    }
}
