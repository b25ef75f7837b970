//! Encounters: what one viewer did with one video on one occasion, and the label of it.
//!
//! An impression opens one; later events of the same video join it until its next impression, for
//! [`ENCOUNTER_MS`] at most. Where there is no impression, the first event opens it.

use crate::feature::{PastEvent, before};
use crate::hash::hash64;
use crate::{EventKind, relevant};

/// Events of one video that are further apart belong to two encounters: longer than a film with a pause.
pub const ENCOUNTER_MS: i64 = 6 * 3_600_000;

/// How an encounter went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outcome {
    /// It was shown.
    pub shown: bool,
    /// It was played.
    pub watched: bool,
    /// Fraction watched, summed over its watches, 0..=1.
    pub fraction: Option<f32>,
    /// Liked.
    pub liked: bool,
    /// Disliked, or "not interested".
    pub rejected: bool,
    /// The source's own judgement, in a log without seconds.
    pub judged: Option<bool>,
}

impl Outcome {
    /// Takes in one event of the encounter.
    pub fn absorb(&mut self, kind: EventKind, fraction: Option<f32>, judged: Option<bool>) {
        match kind {
            EventKind::Impression => self.shown = true,
            EventKind::Watch => {
                self.watched = true;
                if let Some(more) = fraction.filter(|fraction| fraction.is_finite()) {
                    self.fraction = Some((self.fraction.unwrap_or(0.0) + more).clamp(0.0, 1.0));
                }
            }
            EventKind::Like => self.liked = true,
            EventKind::Dislike | EventKind::NotInterested => self.rejected = true,
            EventKind::Comment | EventKind::Share | EventKind::Search => {}
        }
        if let Some(judged) = judged {
            self.judged = Some(self.judged.unwrap_or(false) || judged);
        }
    }

    /// The label: `Some(true)` relevant, `Some(false)` negative, `None` where nobody can tell
    /// (a watch of unknown fraction, a comment without an impression).
    ///
    /// A like outweighs all; a dislike or "not interested" outweighs the time watched; the
    /// source's judgement counts where the fraction is unknown.
    ///
    /// ```
    /// use upnext_core::encounter::Outcome;
    /// let seen = Outcome { shown: true, ..Outcome::default() };
    /// assert_eq!(seen.label(), Some(false));
    /// assert_eq!(Outcome { watched: true, ..seen }.label(), None);
    /// assert_eq!(Outcome { watched: true, fraction: Some(0.5), ..seen }.label(), Some(true));
    /// ```
    #[must_use]
    pub fn label(&self) -> Option<bool> {
        let judged = self.judged.filter(|_| self.fraction.is_none());
        if relevant(self.liked, self.fraction.filter(|_| !self.rejected)) || (!self.rejected && judged == Some(true)) {
            return Some(true);
        }
        let untold = self.watched && self.fraction.is_none() && self.judged.is_none();
        let known = self.shown || self.fraction.is_some() || self.judged.is_some();
        (self.rejected || (known && !untold)).then_some(false)
    }

    /// Whether the label rests on the source's own judgement instead of seconds.
    #[must_use]
    pub fn by_source(&self) -> bool {
        self.fraction.is_none() && self.judged.is_some()
    }
}

/// An encounter of a history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Encounter {
    /// Seeded hash of the video's id.
    pub video: u64,
    /// Index of the event that opened it.
    pub opened: usize,
    /// Index of its first event that carries a vector, or else of the one that opened it.
    pub rows: usize,
    /// When it opened, Unix milliseconds.
    pub at_ms: i64,
    /// How it went.
    pub outcome: Outcome,
}

/// Encounters of the events strictly before `now_ms`, by their opening.
#[must_use]
pub fn encounters(seed: u64, history: &[PastEvent<'_>], now_ms: i64) -> Vec<Encounter> {
    let order = before(now_ms, history, usize::MAX, |event| {
        event.video.is_some() && event.kind != EventKind::Search
    });
    let mut found: Vec<Encounter> = Vec::new();
    // The latest encounter of each video, rising by its hash.
    let mut open: Vec<(u64, usize)> = Vec::new();
    for index in order {
        let Some(event) = history.get(index) else { continue };
        let video = hash64(seed, event.video.unwrap_or_default().as_bytes());
        let place = open.binary_search_by_key(&video, |(hash, _)| *hash);
        let current = place.ok().map(|at| open[at].1).filter(|at| found[*at].takes(event));
        let which = current.unwrap_or(found.len());
        if current.is_none() {
            let outcome = Outcome::default();
            found.push(Encounter {
                video,
                opened: index,
                rows: index,
                at_ms: event.at_ms,
                outcome,
            });
            match place {
                Ok(at) => open[at].1 = which,
                Err(at) => open.insert(at, (video, which)),
            }
        }
        let met = &mut found[which];
        met.outcome.absorb(event.kind, event.fraction, event.judged);
        if event.vector.is_some() && history[met.rows].vector.is_none() {
            met.rows = index;
        }
    }
    found
}

impl Encounter {
    /// Whether an event of the same video, not earlier, belongs to this encounter. An impression
    /// does only where a log wrote it after another event of the same instant.
    fn takes(&self, event: &PastEvent<'_>) -> bool {
        match event.kind {
            EventKind::Impression => !self.outcome.shown && self.at_ms == event.at_ms,
            _ => event.at_ms.saturating_sub(self.at_ms) <= ENCOUNTER_MS,
        }
    }
}

#[cfg(test)]
mod tests;
