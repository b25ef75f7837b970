//! Visits: when somebody comes, what they are shown, and what they do.

use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};
use upnext_core::EventKind;

use super::affinity::{Moment, moment_at, probability};
use super::people::{Person, normal};
use super::policy::{Choice, Policy, Shelf};
use super::videos::Clip;
use super::words::LANGUAGES;
use super::{Options, draw};
use crate::table::{Builder, Interaction, NONE};

/// How people come: share, hour from, hours, device, surface. On Sundays many sit at the television.
const HABITS: [(f64, f64, f64, &str, &str); 5] = [
    (0.34, 22.0, 4.5, "phone", "feed"),
    (0.22, 7.0, 2.5, "phone", "home"),
    (0.14, 12.0, 2.0, "desktop", "home"),
    (0.15, 18.0, 4.0, "tablet", "up-next"),
    (0.15, 19.0, 4.0, "tv", "up-next"),
];
/// Share of Sunday visits that are at the television.
const SUNDAY_TV: f64 = 0.6;
/// Videos shown on a visit at most.
const SLATE: u32 = 8;
/// Videos that are not shown again while they are among the latest so many, or a quarter of the catalogue.
const REMEMBERED: usize = 60;

/// The world's own name of a kind of device; `None` for one that nobody there has.
pub(crate) fn device(name: &str) -> Option<&'static str> {
    let devices = HABITS.iter().map(|(.., device, _)| *device);
    devices.into_iter().find(|device| *device == name)
}

/// Who shows what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server<'a> {
    pub(super) clips: &'a [Clip],
    pub(super) shelf: &'a Shelf,
    pub(super) policy: &'a Policy,
}

/// The latest of the `shown`, which are not shown again yet.
pub(crate) fn remembered<'a>(clips: &[Clip], shown: &'a [u32]) -> &'a [u32] {
    &shown[shown.len().saturating_sub(REMEMBERED.min(clips.len() / 4))..]
}

/// All visits of one person, into the log.
pub(super) fn live(
    builder: &mut Builder,
    options: &Options,
    server: &Server<'_>,
    (row, person): (u32, &Person),
    rng: &mut ChaCha8Rng,
) {
    if person.activity <= 0.0 {
        return;
    }
    let days = options.days - person.first_day;
    let count = Poisson::new(person.activity * f64::from(days)).map_or(1.0, |p: Poisson<f64>| p.sample(rng));
    let mut starts: Vec<(i64, Moment, &'static str)> = (0..count.max(1.0) as u32)
        .filter_map(|_| start(options, person, rng))
        .collect();
    starts.sort_by_key(|(at_ms, ..)| *at_ms);
    let end = options.day_ms(options.days);
    let mut shown: Vec<u32> = Vec::new();
    let Server { clips, shelf, policy } = *server;
    for (at_ms, moment, surface) in starts.into_iter().filter(|(at_ms, ..)| *at_ms < end) {
        let mut visit = Visit {
            builder,
            clips,
            user: row,
            person,
            moment,
            surface,
            now_ms: at_ms,
            // Half of the visits are on the way: a place near home, as far as the device tells.
            place: rng.random_bool(0.5).then(|| {
                (
                    person.city.latitude + normal(rng, 0.0, 0.3) as f32,
                    person.city.longitude + normal(rng, 0.0, 0.3) as f32,
                )
            }),
        };
        if rng.random_bool(0.15) {
            visit.search(rng);
        }
        for position in 0..rng.random_range(3..=SLATE) {
            let choice = Choice {
                clips,
                person,
                now_ms: visit.now_ms,
                shown: remembered(clips, &shown),
            };
            let Some(video) = shelf.pick(policy, &choice, rng) else {
                continue;
            };
            let propensity = shelf.propensity(policy, &choice, video);
            shown.push(video);
            visit.show(video, position, propensity, rng);
        }
    }
}

/// An instant, its moment on the person's clock, and the surface.
fn start(options: &Options, person: &Person, rng: &mut ChaCha8Rng) -> Option<(i64, Moment, &'static str)> {
    let day = rng.random_range(person.first_day..options.days);
    let first = Timestamp::from_millisecond(options.day_ms(day))
        .ok()?
        .to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let weekday = first.weekday().to_monday_zero_offset() as u8;
    let tv = weekday == 6 && rng.random_bool(SUNDAY_TV);
    let habit = if tv {
        HABITS.len() - 1
    } else {
        draw(rng, HABITS.iter().map(|h| h.0))
    };
    let (_, from, hours, device, surface) = HABITS[habit];
    let minutes = ((from + rng.random::<f64>() * hours) * 60.0) as i64;
    let local: DateTime = first.datetime().checked_add(minutes.minutes()).ok()?;
    let at = person.zone.to_timestamp(local).ok()?;
    // The clock says what the moment is: after midnight it is another weekday, and the zone may have skipped an hour.
    let moment = moment_at(person, at.as_millisecond(), device)?;
    // Seconds make instants differ; the log's first instant is the first day's.
    let at_ms = at.as_millisecond() + rng.random_range(0..60_000);
    (at_ms >= super::START_MS).then_some((at_ms, moment, surface))
}

struct Visit<'a> {
    builder: &'a mut Builder,
    clips: &'a [Clip],
    user: u32,
    person: &'a Person,
    moment: Moment,
    surface: &'static str,
    now_ms: i64,
    place: Option<(f32, f32)>,
}

impl Visit<'_> {
    fn event(&self, video: u32, kind: EventKind) -> Interaction<'static> {
        Interaction {
            latitude: self.place.map(|p| p.0),
            longitude: self.place.map(|p| p.1),
            device: Some(self.moment.device),
            surface: Some(self.surface),
            ..Interaction::new(self.user, video, kind, self.now_ms)
        }
    }

    fn pass(&mut self, seconds: f64) {
        self.now_ms += (seconds * 1e3) as i64;
    }

    /// A search for a topic of theirs, in their language.
    fn search(&mut self, rng: &mut ChaCha8Rng) {
        let topic = draw(rng, self.person.topics_at(self.now_ms).iter().map(|w| f64::from(*w)));
        let text = LANGUAGES[self.person.language].topics[topic];
        let event = Interaction {
            text: Some(text),
            ..self.event(NONE, EventKind::Search)
        };
        self.builder.interaction(&event);
        self.pass(6.0);
    }

    /// Shows one video and lets the person do what they do.
    fn show(&mut self, video: u32, position: u32, propensity: f64, rng: &mut ChaCha8Rng) {
        let clip = &self.clips[video as usize];
        let relevant = rng.random_bool(probability(self.person, clip, &self.moment).clamp(0.0, 1.0));
        let event = Interaction {
            position: Some(position),
            propensity: Some(propensity as f32),
            ..self.event(video, EventKind::Impression)
        };
        self.builder.interaction(&event);
        self.pass(1.0 + rng.random::<f64>());
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
            let event = Interaction {
                seconds: Some(seconds),
                ..self.event(video, EventKind::Watch)
            };
            self.builder.interaction(&event);
            self.pass(f64::from(seconds));
        }
        let say = |visit: &mut Self, kind, text: Option<&'static str>| {
            let event = Interaction {
                text,
                ..visit.event(video, kind)
            };
            visit.builder.interaction(&event);
            visit.pass(2.0);
        };
        let words = &LANGUAGES[self.person.language];
        if liked {
            say(self, EventKind::Like, None);
        }
        if relevant && rng.random_bool(0.04) {
            say(self, EventKind::Comment, Some(words.praise[rng.random_range(0..2)]));
        }
        if relevant && rng.random_bool(0.03) {
            say(self, EventKind::Share, None);
        }
        if !relevant && rng.random_bool(0.02) {
            say(self, EventKind::Dislike, None);
        } else if !relevant && rng.random_bool(0.015) {
            say(self, EventKind::NotInterested, None);
        } else if !relevant && rng.random_bool(0.008) {
            say(self, EventKind::Comment, Some(words.complaint));
        }
    }
}
