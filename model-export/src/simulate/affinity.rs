//! The true chance that a video is relevant to a person at a moment.

use jiff::Timestamp;

use super::people::Person;
use super::videos::Clip;
use super::words::TOPICS;

/// Local hour, weekday and device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// 0.0..24.0 on the person's clock.
    pub hour: f32,
    /// 0 = Monday … 6 = Sunday.
    pub weekday: u8,
    /// phone, tablet, desktop or tv.
    pub device: &'static str,
    /// The instant, Unix milliseconds.
    pub at_ms: i64,
}

/// The moment of an instant on a person's clock; `None` where the calendar ends.
#[must_use]
pub fn moment_at(person: &Person, at_ms: i64, device: &'static str) -> Option<Moment> {
    let clock = Timestamp::from_millisecond(at_ms)
        .ok()?
        .to_zoned_datetime(person.zone.clone());
    Some(Moment {
        hour: f32::from(clock.hour()) + f32::from(clock.minute()) / 60.0,
        weekday: clock.weekday().to_monday_zero_offset() as u8,
        device,
        at_ms,
    })
}

/// A moment that was planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// From 22:00 to 3:00 on a phone.
    NightPhone,
    /// Sunday at the television.
    SundayTv,
}

impl Planted {
    /// The planted moment that a moment is, if any.
    #[must_use]
    pub fn of(moment: &Moment) -> Option<Planted> {
        let night = moment.hour >= 22.0 || moment.hour < 3.0;
        match moment.device {
            "phone" if night => Some(Planted::NightPhone),
            "tv" if moment.weekday == 6 => Some(Planted::SundayTv),
            _ => None,
        }
    }
}

/// What a planted moment adds to the log-odds of a topic.
#[must_use]
pub fn moment_effect(planted: Planted, topic: usize) -> f64 {
    let wanted_at_night = ["comedy", "concerts", "games"];
    let wanted_on_sunday = ["films", "space", "football"];
    let name = TOPICS.get(topic).copied().unwrap_or_default();
    let (wanted, shunned) = match planted {
        Planted::NightPhone => (wanted_at_night, wanted_on_sunday),
        Planted::SundayTv => (wanted_on_sunday, wanted_at_night),
    };
    if wanted.contains(&name) {
        1.8
    } else if shunned.contains(&name) {
        -1.8
    } else {
        0.0
    }
}

/// Log-odds of relevance.
#[must_use]
pub fn log_odds(person: &Person, clip: &Clip, moment: &Moment) -> f64 {
    let dot = |f: &dyn Fn(usize) -> f64| {
        clip.topics
            .iter()
            .enumerate()
            .map(|(t, w)| f64::from(*w) * f(t))
            .sum::<f64>()
    };
    let topics = person.topics_at(moment.at_ms);
    let taste = 7.0 * (dot(&|t| f64::from(topics[t])) - 0.15);
    let context = Planted::of(moment).map_or(0.0, |planted| dot(&|t| moment_effect(planted, t)));
    let language = match (clip.language == person.language, clip.language == 0) {
        (true, _) => 0.2,
        (false, true) => -0.4,
        (false, false) => -1.5,
    };
    let length = -0.35 * (f64::from(clip.length_seconds).ln() - 5.0);
    taste + context + language + clip.quality + length - 0.8
}

/// Chance of relevance.
#[must_use]
pub fn probability(person: &Person, clip: &Clip, moment: &Moment) -> f64 {
    1.0 / (1.0 + (-log_odds(person, clip, moment)).exp())
}
