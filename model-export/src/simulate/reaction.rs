//! What somebody does with a video that they are shown: the one definition, for logs and for whoever asks.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use upnext_core::EventKind;

use super::affinity::{Moment, probability};
use super::people::Person;
use super::videos::Clip;
use super::words::LANGUAGES;

/// One thing that somebody does with a video.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deed {
    /// What.
    pub kind: EventKind,
    /// Milliseconds after the video was shown.
    pub after_ms: i64,
    /// Seconds watched, of a watch; above the length where it went round again.
    pub seconds: Option<f32>,
    /// Of a comment.
    pub text: Option<&'static str>,
}

/// All that somebody does with a video, in order; nothing where they pass it by.
#[derive(Debug, Clone, PartialEq)]
pub struct Reaction {
    /// What they do.
    pub deeds: Vec<Deed>,
    /// Milliseconds until they turn to the next one.
    pub lasts_ms: i64,
}

impl Reaction {
    fn pass(&mut self, seconds: f64) {
        self.lasts_ms += (seconds * 1e3) as i64;
    }

    fn say(&mut self, kind: EventKind, text: Option<&'static str>) {
        self.deeds.push(Deed {
            kind,
            after_ms: self.lasts_ms,
            seconds: None,
            text,
        });
        self.pass(2.0);
    }
}

/// What a person does with a clip at a moment: found relevant with its true chance, then watched, liked, commented on,
/// shared or rejected.
pub fn react(person: &Person, clip: &Clip, moment: &Moment, rng: &mut ChaCha8Rng) -> Reaction {
    let relevant = rng.random_bool(probability(person, clip, moment).clamp(0.0, 1.0));
    let mut reaction = Reaction {
        deeds: Vec::new(),
        lasts_ms: 0,
    };
    reaction.pass(1.0 + rng.random::<f64>());
    // Who likes a long film need not finish it today.
    let liked = relevant && rng.random_bool(0.15);
    let fraction = match (relevant, rng.random_bool(0.35)) {
        (true, _) if liked && rng.random_bool(0.1) => Some(rng.random_range(0.2..0.5)),
        (true, true) => Some(rng.random_range(0.98..1.6)),
        (true, false) => Some(rng.random_range(0.5..1.0)),
        (false, true) => None,
        (false, false) => Some(rng.random_range(0.01..0.48)),
    };
    if let Some(fraction) = fraction {
        let seconds = (f64::from(clip.length_seconds) * fraction) as f32;
        reaction.deeds.push(Deed {
            kind: EventKind::Watch,
            after_ms: reaction.lasts_ms,
            seconds: Some(seconds),
            text: None,
        });
        reaction.pass(f64::from(seconds));
    }
    let words = &LANGUAGES[person.language];
    if liked {
        reaction.say(EventKind::Like, None);
    }
    if relevant && rng.random_bool(0.04) {
        reaction.say(EventKind::Comment, Some(words.praise[rng.random_range(0..2)]));
    }
    if relevant && rng.random_bool(0.03) {
        reaction.say(EventKind::Share, None);
    }
    if !relevant && rng.random_bool(0.02) {
        reaction.say(EventKind::Dislike, None);
    } else if !relevant && rng.random_bool(0.015) {
        reaction.say(EventKind::NotInterested, None);
    } else if !relevant && rng.random_bool(0.008) {
        reaction.say(EventKind::Comment, Some(words.complaint));
    }
    reaction
}
