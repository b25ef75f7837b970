//! The event: what a viewer did with a video, and the label that follows from it.

use serde::Serialize;

use crate::tree::{FromTree, Reader, ToJson, Tree, record};

/// What happened. The names are those of the interactions table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The video was shown.
    Impression,
    /// The video was played; the event's `seconds` say how long.
    Watch,
    /// Liked.
    Like,
    /// Disliked.
    Dislike,
    /// Commented; the event's `text` is the comment.
    Comment,
    /// Searched; the event's `text` is the query, and there is no video.
    Search,
    /// Shared.
    Share,
    /// "Not interested".
    NotInterested,
}

impl EventKind {
    /// Every kind, in table order.
    pub const ALL: [EventKind; 8] = [
        EventKind::Impression,
        EventKind::Watch,
        EventKind::Like,
        EventKind::Dislike,
        EventKind::Comment,
        EventKind::Search,
        EventKind::Share,
        EventKind::NotInterested,
    ];

    /// The name in tables and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            EventKind::Impression => "impression",
            EventKind::Watch => "watch",
            EventKind::Like => "like",
            EventKind::Dislike => "dislike",
            EventKind::Comment => "comment",
            EventKind::Search => "search",
            EventKind::Share => "share",
            EventKind::NotInterested => "not_interested",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl FromTree for EventKind {
    fn read(tree: Tree, reader: &mut Reader) -> EventKind {
        let name = String::read(tree, reader);
        EventKind::parse(&name).unwrap_or_else(|| {
            reader.refuse(format!("no kind of event is called `{name}`"));
            EventKind::Impression
        })
    }
}
record!(@serde EventKind);

impl ToJson for EventKind {
    fn write(&self, json: &mut String) {
        self.as_str().write(json);
    }
}

/// Share of its length from which a video counts as finished, and so as relevant.
pub const RELEVANT_FRACTION: f32 = 0.5;

/// Fraction of a video that was watched, 0..=1; loops count once.
/// `None` where seconds or length are unknown, not finite, or the length is not positive.
///
/// ```
/// use upnext_core::fraction_watched;
/// assert_eq!(fraction_watched(Some(30.0), Some(60.0)), Some(0.5));
/// assert_eq!(fraction_watched(Some(90.0), Some(60.0)), Some(1.0));
/// assert_eq!(fraction_watched(Some(90.0), Some(0.0)), None);
/// ```
#[must_use]
pub fn fraction_watched(seconds: Option<f32>, length_seconds: Option<f32>) -> Option<f32> {
    match (seconds, length_seconds) {
        (Some(s), Some(l)) if s.is_finite() && l.is_finite() && l > 0.0 && s >= 0.0 => Some((s / l).min(1.0)),
        _ => None,
    }
}

/// The label: liked, or watched at least half.
///
/// ```
/// use upnext_core::relevant;
/// assert!(relevant(false, Some(0.5)));
/// assert!(relevant(true, None));
/// assert!(!relevant(false, Some(0.49)));
/// ```
#[must_use]
pub fn relevant(liked: bool, fraction: Option<f32>) -> bool {
    liked || fraction.is_some_and(|f| f >= RELEVANT_FRACTION)
}
