//! A video as it arrives: what is known of it, and the bounds.

use serde::{Deserialize, Serialize};
use upnext_core::block::{MAX_ID_BYTES, MAX_TAGS, MAX_TEXT_BYTES};

use crate::error::ApiError;
use crate::whole::maybe_whole;

/// Largest body with a video, in bytes.
pub const MAX_BODY_BYTES: usize = 64 << 10;
/// Lengths in seconds: from a millisecond to a week.
const SECONDS: std::ops::RangeInclusive<f32> = 0.001..=604_800.0;
/// Most regions.
const MAX_REGIONS: usize = 300;

/// A video as JSON. Everything may be missing: unknown is a value of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VideoInput {
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Tags, the telling ones first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Length in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length_seconds: Option<f32>,
    /// BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Age rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<String>,
    /// Channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Published at, Unix milliseconds; where it is missing, when the video arrives.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "maybe_whole")]
    pub published_at: Option<i64>,
    /// Address of a thumbnail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<String>,
    /// Regions (ISO 3166) where it may be shown; none: everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Content hash, any text: videos with equal ones are the same to look at, and a device shows one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
}

/// Whether this can be the id of a video.
///
/// # Errors
/// [`ApiError::RequestInvalid`] unless it has 1 to 256 bytes and no control character.
pub fn check_id(id: &str) -> Result<(), ApiError> {
    if (1..=MAX_ID_BYTES).contains(&id.len()) && !id.chars().any(char::is_control) {
        return Ok(());
    }
    Err(invalid("id", "is not 1 to 256 bytes without control characters"))
}

impl VideoInput {
    /// Reads and checks a body.
    ///
    /// # Errors
    /// [`ApiError::RequestInvalid`] naming the field.
    pub fn read(body: &[u8]) -> Result<VideoInput, ApiError> {
        // An object first: serde takes a list for the fields in their order, which is nothing that anybody means.
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(body).map_err(|error| invalid("body", &error.to_string()))?;
        let video: VideoInput =
            serde_json::from_value(object.into()).map_err(|error| invalid("body", &error.to_string()))?;
        let long = |text: &Option<String>, most: usize| text.as_ref().is_some_and(|text| text.len() > most);
        if long(&video.title, MAX_TEXT_BYTES) || long(&video.thumbnail, MAX_TEXT_BYTES) {
            return Err(invalid("title, thumbnail", "are longer than 2048 bytes"));
        }
        if long(&video.language, 35) {
            return Err(invalid("language", "is no BCP 47 tag"));
        }
        let [rating, channel, hash] = [&video.rating, &video.channel, &video.content_hash];
        if [rating, channel, hash].into_iter().any(|text| long(text, MAX_ID_BYTES)) {
            return Err(invalid("rating, channel, content_hash", "are longer than 256 bytes"));
        }
        let tag = |tag: &String| (1..=MAX_ID_BYTES).contains(&tag.len());
        if video.tags.len() > MAX_TAGS || !video.tags.iter().all(tag) {
            return Err(invalid("tags", "are more than 64, or one is not of 1 to 256 bytes"));
        }
        let region =
            |region: &String| (2..=3).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_alphanumeric());
        if video.regions.len() > MAX_REGIONS || !video.regions.iter().all(region) {
            return Err(invalid(
                "regions",
                "are more than 300, or one is no region such as AT or 419",
            ));
        }
        if video.length_seconds.is_some_and(|length| !SECONDS.contains(&length)) {
            return Err(invalid("length_seconds", "is not between 0.001 and 604800"));
        }
        // From the year 0 to the year 9999: what any calendar can write.
        if video
            .published_at
            .is_some_and(|at| !(-62_167_219_200_000..=253_402_300_799_999).contains(&at))
        {
            return Err(invalid("published_at", "is not in Unix milliseconds"));
        }
        Ok(video)
    }
}

fn invalid(what: &str, reason: &str) -> ApiError {
    ApiError::RequestInvalid {
        what: what.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn nothing_is_needed_and_every_bound_is_named() {
        assert_eq!(VideoInput::read(b"{}").unwrap(), VideoInput::default());
        for (field, body) in [
            ("title", json!({"title": "x".repeat(2049)})),
            ("tags", json!({"tags": vec!["t"; 65]})),
            ("tags", json!({"tags": [""]})),
            ("language", json!({"language": "x".repeat(36)})),
            ("rating", json!({"channel": "x".repeat(257)})),
            ("rating", json!({"content_hash": "x".repeat(257)})),
            ("regions", json!({"regions": ["Austria"]})),
            ("length_seconds", json!({"length_seconds": 0})),
            ("published_at", json!({"published_at": i64::MIN})),
            ("body", json!({"likes": 5})),
            ("body", json!([])),
        ] {
            let error = VideoInput::read(body.to_string().as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(field), "{body}: {error}");
        }
        assert!(check_id("").is_err() && check_id("a\u{7}").is_err() && check_id("動画").is_ok());
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(
            title in prop::option::of(".{0,30}"),
            tags in prop::collection::vec("[a-z猫]{1,9}", 0..5),
            length in prop::option::of(1_u32..9999),
        ) {
            let video = VideoInput { title, tags, length_seconds: length.map(|l| l as f32), ..VideoInput::default() };
            let again = VideoInput::read(serde_json::to_string(&video).unwrap().as_bytes()).unwrap();
            prop_assert_eq!(again, video);
        }
    }
}
