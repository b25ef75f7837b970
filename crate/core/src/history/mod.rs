//! What the viewer did, kept on the device and never sent.
//!
//! An event keeps the vectors of its video as the bundle of that day had them, so that a history
//! is of use when the video is in no block any more. Vectors of another bundle are never read.

mod align;
mod event;
mod past;
mod record;

#[cfg(test)]
mod tests;

pub use event::{StoredEvent, StoredModel, StoredRow};
pub use past::SearchTexts;
pub use record::Feedback;

use crate::bundle::sha256;
use crate::tree::{FromTree as _, ToJson, Tree, member, record};
use crate::{Error, ErrorKind, EventKind};

/// Version of the stored form.
pub const HISTORY_VERSION: u32 = 1;
/// Most events that are kept.
pub const MAX_EVENTS: usize = 1000;
/// Largest stored form in bytes.
pub const MAX_HISTORY_BYTES: usize = 16 << 20;

/// The viewer's events, oldest first; at most [`MAX_EVENTS`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    events: Vec<Kept>,
}

#[derive(Debug, Clone, PartialEq)]
struct Kept {
    event: StoredEvent,
    /// SHA-256 of the event's stored form: a slate's receipt need not write all of them again.
    digest: [u8; 32],
}

impl Kept {
    fn new(event: StoredEvent) -> Kept {
        let mut kept = Kept { event, digest: [0; 32] };
        kept.settle();
        kept
    }

    /// After the event was changed.
    #[inline(never)]
    fn settle(&mut self) {
        self.digest = sha256(self.event.json().as_bytes());
    }
}

struct Read {
    _version: u32,
    events: Vec<StoredEvent>,
}

record!(Read { _version as "version", events });

impl History {
    /// Puts a history together from events in any order.
    ///
    /// # Errors
    /// [`ErrorKind::ProfileInvalid`] where one breaks a bound; see [`StoredEvent`].
    pub fn from_events(events: impl IntoIterator<Item = StoredEvent>) -> Result<History, Error> {
        let mut history = History::default();
        for event in events {
            event.check()?;
            history.insert(event);
        }
        Ok(history)
    }

    /// Reads a stored or imported history.
    ///
    /// # Errors
    /// [`ErrorKind::ProfileInvalid`] for anything but a history of this version.
    pub fn parse(bytes: &[u8]) -> Result<History, Error> {
        if bytes.len() > MAX_HISTORY_BYTES {
            return Err(invalid(format!("{} bytes, at most {MAX_HISTORY_BYTES}", bytes.len())));
        }
        let tree = Tree::kept("history", bytes, HISTORY_VERSION)?;
        let read = Read::from_tree(tree).map_err(|misfit| invalid(misfit.to_string()))?;
        History::from_events(read.events)
    }

    /// The stored form; [`History::parse`] of it is equal to `self`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let events: Vec<&StoredEvent> = self.events().collect();
        let mut json = "{".to_owned();
        member(&mut json, "version", &HISTORY_VERSION);
        member(&mut json, "events", &events);
        json.push('}');
        json
    }

    /// The events, oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = &StoredEvent> {
        self.events.iter().map(|kept| &kept.event)
    }

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// True where nothing happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// SHA-256 of what is in it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut digests = Vec::with_capacity(32 * self.events.len());
        self.events
            .iter()
            .for_each(|kept| digests.extend_from_slice(&kept.digest));
        sha256(&digests)
    }

    /// Inserts by time, after events of the same instant, and lets the least useful one go
    /// where there are too many: the oldest impression, or else the oldest event.
    fn insert(&mut self, event: StoredEvent) {
        let at = self.events.partition_point(|kept| kept.event.at_ms <= event.at_ms);
        self.events.insert(at, Kept::new(event));
        if self.events.len() > MAX_EVENTS {
            let impression = self
                .events
                .iter()
                .position(|kept| kept.event.kind == EventKind::Impression);
            self.events.remove(impression.unwrap_or(0));
        }
    }
}

fn invalid(reason: String) -> Error {
    Error::from(ErrorKind::ProfileInvalid {
        what: "history",
        reason,
    })
}
