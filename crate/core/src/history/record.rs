//! Recording what the viewer did.

use serde::Serialize;

use super::{History, StoredEvent, StoredModel, StoredRow};
use crate::block::Block;
use crate::tree::record;
use crate::{Error, ErrorKind, EventKind};

/// One thing the viewer did, as the page reports it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Feedback {
    /// What happened.
    pub kind: EventKind,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// The video; none for a search.
    pub video: Option<String>,
    /// Seconds watched, of a watch; loops count once.
    pub seconds: Option<f32>,
    /// Query of a search, or the comment.
    pub text: Option<String>,
    /// Where it happened.
    pub surface: Option<String>,
}

record!(Feedback { kind, at_ms as "atMs", video, seconds, text, surface });

impl History {
    /// Records an event, with what the block knows of its video, or else an earlier event of it.
    ///
    /// # Errors
    /// [`ErrorKind::RequestInvalid`] where the event breaks a bound; nothing is recorded then.
    pub fn record(&mut self, feedback: Feedback, block: Option<&Block>) -> Result<(), Error> {
        self.record_expected(feedback, block, None)
    }

    /// As [`History::record`]. Of an impression is kept what the ranker that chose the video had expected of it
    /// ([`Item::frozen`](crate::pipeline::Item::frozen)): the personal head learns from what came of that.
    ///
    /// # Errors
    /// As [`History::record`].
    pub fn record_expected(
        &mut self,
        feedback: Feedback,
        block: Option<&Block>,
        expected: Option<f32>,
    ) -> Result<(), Error> {
        let mut event = StoredEvent {
            video: feedback.video,
            seconds: feedback.seconds,
            text: feedback.text,
            surface: feedback.surface,
            ..StoredEvent::new(feedback.kind, feedback.at_ms)
        };
        if let Some(reason) = event.reason_to_refuse() {
            return Err(Error::from(ErrorKind::RequestInvalid {
                what: "event".into(),
                reason: reason.into(),
            }));
        }
        if let Some(video) = &event.video {
            let known = block
                .and_then(|block| facts_of_block(block, video))
                .or_else(|| self.facts_of(video));
            if let Some(facts) = known {
                event.length_seconds = facts.length_seconds;
                event.channel = facts.channel;
                event.content = facts.content;
                event.title = facts.title;
                event.model = facts.model;
                event.expected = expected
                    .filter(|logit| event.kind == EventKind::Impression && event.model.is_some() && logit.is_finite());
            }
        }
        self.insert(event);
        Ok(())
    }

    fn facts_of(&self, video: &str) -> Option<StoredEvent> {
        self.events().rev().find(|e| e.video.as_deref() == Some(video)).cloned()
    }
}

/// An event that holds what `block` knows of `video`.
fn facts_of_block(block: &Block, video: &str) -> Option<StoredEvent> {
    let row = block.row_of(video)?;
    let model = block.vector(row).map(|vector| StoredModel {
        bundle_id: block.bundle_id().to_owned(),
        vector: StoredRow::new(vector),
        factor: block.factor(row).map(StoredRow::new),
    });
    Some(StoredEvent {
        length_seconds: block.length_seconds(row),
        channel: block.channel(row).map(str::to_owned),
        content: block.content(row).map(str::to_owned),
        title: block.title(row).map(str::to_owned),
        model,
        ..StoredEvent::new(EventKind::Impression, 0)
    })
}
