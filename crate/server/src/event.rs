//! Events as they arrive: read one by one, so that a bad one is named and the others are kept.

use serde::{Deserialize, Serialize};
use upnext_core::block::{MAX_ID_BYTES, MAX_TEXT_BYTES};
use upnext_core::bundle::is_sha256_hex;
use upnext_core::{Code, EventKind, Purposes, fraction_watched, relevant};

use crate::error::ApiError;
use crate::store::event::EventRow;
use crate::whole::whole;

/// Most events of one request.
pub const MAX_EVENTS: usize = 500;
/// Largest body of a request with events, in bytes.
pub const MAX_BODY_BYTES: usize = 1 << 20;
/// Longest id of an event, kind of device, surface or arm, in bytes.
pub const MAX_NAME_BYTES: usize = 64;
/// Longest watch in seconds: a week.
const MAX_SECONDS: f32 = 604_800.0;
/// How far ahead of the server's clock an event may lie, in milliseconds: clocks differ.
const MAX_AHEAD_MS: i64 = 5 * 60 * 1000;
/// 2000-01-01, before which nothing was watched online.
const EARLIEST_MS: i64 = 946_684_800_000;

/// One event as JSON. Nothing else is taken: where somebody was, say, has no place here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventInput {
    /// Chosen by the sender, unique within the account: what is sent twice is kept once.
    pub id: String,
    /// Whose; only with the admin key, and then always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// impression, watch, like, dislike, comment, search, share or not_interested.
    #[serde(rename = "type")]
    pub kind: String,
    /// The video; absent for a search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_id: Option<String>,
    /// Seconds watched, of a watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f32>,
    /// Query of a search, or the comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When, Unix milliseconds.
    #[serde(deserialize_with = "whole")]
    pub timestamp: i64,
    /// Kind of device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Where it was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surface: Option<String>,
    /// Place on that surface, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// Arm of an experiment that it was shown in, by the sender's own assignment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// Id of the bundle that ranked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// What it may be used for: `improve`, `metrics`. Absent: both, as for what a site tells of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purposes: Option<Vec<String>>,
}

/// Whose events a request may bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// The account of a token: its own.
    Account(String),
    /// The holder of the admin key: everybody's, each event names its account.
    Admin,
}

/// An event that was not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its place in the request, from 0.
    pub index: usize,
    /// One of [`Code::ALL`].
    pub code: String,
    /// What is wrong with it.
    pub message: String,
}

/// Events before anybody looked into them. Objects: serde takes a list for the fields in their order, which is nothing
/// that anybody means.
type Batch = std::collections::BTreeMap<String, Vec<serde_json::Value>>;

/// The good events of a body, and the others by place.
///
/// `length_seconds` tells the length of a video, where it is known; it decides what counts as relevant.
///
/// # Errors
/// [`ApiError::RequestInvalid`] for a body that is not `{"events": […]}` with 1 to [`MAX_EVENTS`] events.
pub fn read(
    body: &[u8],
    sender: &Sender,
    now_ms: i64,
    length_seconds: impl Fn(&str) -> Option<f32>,
) -> Result<(Vec<EventRow>, Vec<Refused>), ApiError> {
    let invalid = |reason: String| ApiError::RequestInvalid {
        what: "body".to_owned(),
        reason,
    };
    let shape = "is not {\"events\": [...]} and nothing else";
    let mut batch: Batch = serde_json::from_slice(body)
        .map_err(|error| invalid(format!("{shape}: line {}, column {}", error.line(), error.column())))?;
    let events = batch.remove("events").filter(|_| batch.is_empty());
    let events = events.ok_or_else(|| invalid(shape.to_owned()))?;
    if !(1..=MAX_EVENTS).contains(&events.len()) {
        return Err(invalid(format!("has {} events, not 1 to {MAX_EVENTS}", events.len())));
    }
    let (mut rows, mut refused) = (Vec::with_capacity(events.len()), Vec::new());
    for (index, value) in events.into_iter().enumerate() {
        let event = match value {
            serde_json::Value::Object(_) => {
                serde_json::from_value::<EventInput>(value).map_err(|error| error.to_string())
            }
            _ => Err("is not an object".to_owned()),
        };
        match event.and_then(|event| row(event, sender, now_ms, &length_seconds).map_err(str::to_owned)) {
            Ok(row) => rows.push(row),
            Err(message) => refused.push(Refused {
                index,
                code: Code::RequestInvalid.as_str().to_owned(),
                message,
            }),
        }
    }
    Ok((rows, refused))
}

fn row(
    event: EventInput,
    sender: &Sender,
    now_ms: i64,
    length_seconds: impl Fn(&str) -> Option<f32>,
) -> Result<EventRow, &'static str> {
    let name = |text: &str, most: usize| (1..=most).contains(&text.len()) && !text.chars().any(char::is_control);
    let names = |text: &Option<String>, most| text.as_deref().is_none_or(|text| name(text, most));
    let account = match (sender, event.account) {
        (Sender::Account(account), None) => account.clone(),
        (Sender::Account(_), Some(_)) => return Err("account: the token names it already"),
        (Sender::Admin, Some(account)) if name(&account, MAX_ID_BYTES) => account,
        (Sender::Admin, _) => return Err("account: is needed with the admin key, 1 to 256 bytes"),
    };
    let kind = EventKind::parse(&event.kind).ok_or("type: is not one of the eight types")?;
    if !(event.id.len() <= MAX_NAME_BYTES && !event.id.is_empty() && event.id.bytes().all(|b| b.is_ascii_graphic())) {
        return Err("id: is not 1 to 64 visible ASCII characters");
    }
    if (kind == EventKind::Search) == event.video_id.is_some() {
        return Err("video_id: a search has none, every other event has one");
    }
    if !names(&event.video_id, MAX_ID_BYTES) {
        return Err("video_id: is not 1 to 256 bytes without control characters");
    }
    if event.seconds.is_some() && kind != EventKind::Watch {
        return Err("seconds: only a watch has them");
    }
    if event
        .seconds
        .is_some_and(|seconds| !(0.0..=MAX_SECONDS).contains(&seconds))
    {
        return Err("seconds: is not between 0 and 604800");
    }
    if event.text.is_some() && !matches!(kind, EventKind::Search | EventKind::Comment) {
        return Err("text: only a search or a comment has one");
    }
    if kind == EventKind::Search && event.text.is_none() {
        return Err("text: a search has one");
    }
    if event
        .text
        .as_ref()
        .is_some_and(|text| text.len() > MAX_TEXT_BYTES || text.contains('\0'))
    {
        return Err("text: is longer than 2048 bytes, or holds a NUL");
    }
    if ![&event.device, &event.surface, &event.arm]
        .into_iter()
        .all(|text| names(text, MAX_NAME_BYTES))
    {
        return Err("device, surface, arm: are not 1 to 64 bytes without control characters");
    }
    if !event.bundle.as_deref().is_none_or(is_sha256_hex) {
        return Err("bundle: is not a bundle id of 64 lower-case hex digits");
    }
    if !(EARLIEST_MS..=now_ms.saturating_add(MAX_AHEAD_MS)).contains(&event.timestamp) {
        return Err("timestamp: is not in Unix milliseconds between 2000 and five minutes from now");
    }
    let purposes = match &event.purposes {
        Some(names) => Purposes::parse(names.iter().map(String::as_str)),
        None => Some(Purposes::ALL),
    };
    let purposes = purposes.ok_or("purposes: are not one or both of improve and metrics")?;
    let length = event.video_id.as_deref().and_then(length_seconds);
    let fraction = fraction_watched(event.seconds, length);
    Ok(EventRow {
        account,
        id: event.id,
        kind,
        video: event.video_id,
        seconds: event.seconds,
        text: event.text,
        at_ms: event.timestamp,
        device: event.device,
        surface: event.surface,
        position: event.position,
        arm: event.arm,
        bundle: event.bundle,
        relevant: relevant(kind == EventKind::Like, fraction),
        purposes,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const NOW: i64 = 1_700_000_000_000;

    fn good() -> Value {
        json!({"id": "e1", "type": "watch", "video_id": "v1", "seconds": 12.5, "timestamp": NOW, "surface": "up-next"})
    }

    fn with(changes: Value) -> Value {
        let mut event = good();
        for (key, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => event.as_object_mut().unwrap().remove(key),
                value => event.as_object_mut().unwrap().insert(key.clone(), value.clone()),
            };
        }
        event
    }

    fn one(event: Value, sender: &Sender) -> Result<EventRow, String> {
        let body = json!({ "events": [event] }).to_string();
        let (rows, refused) = read(body.as_bytes(), sender, NOW, |_| Some(20.0)).unwrap();
        match refused.first() {
            Some(refused) => Err(refused.message.clone()),
            None => Ok(rows[0].clone()),
        }
    }

    #[test]
    fn a_good_event_is_a_row_of_the_token_s_account() {
        let ann = Sender::Account("ann".to_owned());
        let row = one(good(), &ann).unwrap();
        assert_eq!(
            (row.account.as_str(), row.kind, row.relevant),
            ("ann", EventKind::Watch, true)
        );
        assert!(!one(with(json!({"seconds": 9.9})), &ann).unwrap().relevant);
        let like = one(with(json!({"type": "like", "seconds": null})), &ann).unwrap();
        assert!(like.relevant);
        let search = json!({"id": "s", "type": "search", "text": "猫", "timestamp": NOW});
        assert_eq!(one(search, &ann).unwrap().video, None);
        assert_eq!(row.purposes, Purposes::ALL);
        let counted = one(with(json!({"purposes": ["metrics"]})), &ann).unwrap();
        assert_eq!(counted.purposes.names(), ["metrics"]);
        let named = with(json!({"account": "bob"}));
        assert_eq!(one(named.clone(), &Sender::Admin).unwrap().account, "bob");
        assert!(
            one(named, &ann).unwrap_err().starts_with("account"),
            "nobody writes for another"
        );
        assert!(one(good(), &Sender::Admin).unwrap_err().starts_with("account"));
    }

    #[test]
    fn every_bound_is_named() {
        let ann = Sender::Account("ann".to_owned());
        for (field, change) in [
            ("id", json!({"id": ""})),
            ("id", json!({"id": "a b"})),
            ("id", json!({"id": "x".repeat(65)})),
            ("type", json!({"type": "purchase"})),
            ("video_id", json!({"video_id": null})),
            ("video_id", json!({"video_id": ""})),
            ("video_id", json!({"video_id": "a\nb"})),
            ("video_id", json!({"video_id": "v".repeat(257)})),
            ("seconds", json!({"seconds": -0.5})),
            ("seconds", json!({"seconds": 604_801.0})),
            ("seconds", json!({"type": "like"})),
            ("text", json!({"text": "hm"})),
            (
                "text",
                json!({"type": "comment", "seconds": null, "text": "x".repeat(2049)}),
            ),
            ("device", json!({"device": "x".repeat(65)})),
            ("purposes", json!({"purposes": []})),
            ("purposes", json!({"purposes": ["advertise"]})),
            ("purposes", json!({"purposes": ["improve", "improve"]})),
            ("timestamp", json!({"timestamp": NOW + MAX_AHEAD_MS + 1})),
            ("timestamp", json!({"timestamp": 1_700_000_000})),
        ] {
            let message = one(with(change.clone()), &ann).unwrap_err();
            assert!(message.starts_with(field), "{change}: {message}");
        }
        let in_order = json!(["e1", null, "like", "v1", null, null, NOW]);
        assert_eq!(one(in_order, &ann).unwrap_err(), "is not an object");
        for unreadable in [json!({"latitude": 52.5}), json!({"timestamp": "now"}), json!({"id": 7})] {
            assert!(one(with(unreadable.clone()), &ann).is_err(), "{unreadable}");
        }
    }

    #[test]
    fn a_bad_event_costs_no_other() {
        let body = json!({"events": [good(), 7, with(json!({"id": "e2"})), with(json!({"id": ""}))]}).to_string();
        let (rows, refused) = read(body.as_bytes(), &Sender::Account("ann".into()), NOW, |_| None).unwrap();
        assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["e1", "e2"]);
        assert_eq!(refused.iter().map(|refused| refused.index).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_body_of_another_shape_is_refused_whole() {
        let many = json!({ "events": vec![good(); MAX_EVENTS + 1] }).to_string();
        for body in [
            "",
            "[]",
            "{}",
            "{\"events\":[]}",
            "{\"events\":[],\"more\":1}",
            "\u{fffd}",
            &many,
        ] {
            assert!(
                read(body.as_bytes(), &Sender::Admin, NOW, |_| None).is_err(),
                "{:.40}",
                body
            );
        }
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body, &Sender::Admin, NOW, |_| None);
        }
    }
}
