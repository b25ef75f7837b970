//! The history as the encoders read it.

use super::{History, StoredEvent};
use crate::bundle::ClientModel;
use crate::feature::PastEvent;
use crate::text::encode_text;
use crate::{EventKind, fraction_watched, relevant};

/// Text vectors of the searches of a history, which [`PastEvent`]s borrow.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchTexts {
    dim: usize,
    values: Vec<f32>,
}

impl SearchTexts {
    /// Encodes the searches among the latest events that count.
    #[must_use]
    pub fn new(history: &History, model: &ClientModel) -> SearchTexts {
        let spec = &model.spec;
        let dim = spec.text.dim as usize;
        let searches = history.events().filter_map(query);
        let mut values = Vec::new();
        for text in searches {
            let start = values.len();
            values.resize(start + dim, 0.0);
            encode_text(&spec.text, spec.seed, &model.folding, text, &mut values[start..]);
        }
        SearchTexts { dim, values }
    }
}

impl History {
    /// The events in order. Rows of another bundle than `model`, or of another width, are left out.
    #[must_use]
    pub fn past<'a>(&'a self, model: &ClientModel, texts: &'a SearchTexts) -> Vec<PastEvent<'a>> {
        let dims = model.dims();
        let mut searches = texts.values.chunks_exact(texts.dim.max(1));
        let past = self.events().map(|event| {
            let rows = event.model.as_ref().filter(|m| m.bundle_id == model.bundle_id);
            let watched = event.seconds.filter(|_| event.kind == EventKind::Watch);
            PastEvent {
                video: event.video.as_deref(),
                fraction: fraction_watched(watched, event.length_seconds),
                length_seconds: event.length_seconds,
                vector: rows.and_then(|m| m.vector.row(dims.vector)),
                factor: rows.and_then(|m| m.factor.as_ref()).and_then(|f| f.row(dims.factor)),
                text: query(event).and_then(|_| searches.next()),
                surface: event.surface.as_deref(),
                channel: event.channel.as_deref(),
                content: event.content.as_deref(),
                expected: event.expected.filter(|_| rows.is_some()),
                ..PastEvent::new(event.kind, event.at_ms)
            }
        });
        past.collect()
    }
}

impl History {
    /// Ids of the latest videos that the viewer found relevant up to `now_ms`, the latest first, each once, at most `most`:
    /// what mode [`Recent`](crate::request::Mode::Recent) declares. As the server reads the events of an account: liked or
    /// watched for half at once, and not sent away since.
    #[must_use]
    pub fn recent(&self, most: usize, now_ms: i64) -> Vec<&str> {
        let mut words: Vec<(&str, bool)> = Vec::new();
        let mut found: Vec<&str> = Vec::new();
        let past = || self.events().rev().filter(move |event| event.at_ms <= now_ms);
        for (event, video) in past().filter_map(|event| Some((event, event.video.as_deref()?))) {
            let wanted = match event.kind {
                EventKind::Like | EventKind::Share => true,
                EventKind::Dislike | EventKind::NotInterested => false,
                _ => continue,
            };
            if words.iter().all(|(known, _)| *known != video) {
                words.push((video, wanted));
            }
        }
        for (event, video) in past().filter_map(|event| Some((event, event.video.as_deref()?))) {
            let watched = event.seconds.filter(|_| event.kind == EventKind::Watch);
            let fraction = fraction_watched(watched, event.length_seconds);
            if found.len() < most
                && relevant(event.kind == EventKind::Like, fraction)
                && !words.contains(&(video, false))
                && !found.contains(&video)
            {
                found.push(video);
            }
        }
        found
    }
}

fn query(event: &StoredEvent) -> Option<&str> {
    event.text.as_deref().filter(|_| event.kind == EventKind::Search)
}
