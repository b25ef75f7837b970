//! Visits: when somebody comes, and what they are shown.

use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};
use upnext_core::EventKind;

use super::affinity::{Moment, moment_at};
use super::people::{Person, normal};
use super::policy::{Choice, Policy, Shelf};
use super::reaction::react;
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
/// Share of the visits that begin with a search.
const SEARCHES: f64 = 0.15;
/// Milliseconds that a search takes.
pub(super) const SEARCH_MS: i64 = 6000;
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
    let mut shown: Vec<u32> = Vec::new();
    let Server { clips, shelf, policy } = *server;
    for Arrival { at_ms, moment, surface } in arrivals(options, person, rng) {
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
        if let Some(text) = query(person, visit.now_ms, rng) {
            visit.search(text);
        }
        for position in 0..places(rng) {
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

/// When somebody comes, and where they look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Arrival {
    /// Unix milliseconds.
    pub(super) at_ms: i64,
    /// The moment on their clock.
    pub(super) moment: Moment,
    /// Surface.
    pub(super) surface: &'static str,
}

/// All arrivals of a person, in order of time.
pub(super) fn arrivals(options: &Options, person: &Person, rng: &mut ChaCha8Rng) -> Vec<Arrival> {
    if person.activity <= 0.0 {
        return Vec::new();
    }
    let days = options.days - person.first_day;
    let count = Poisson::new(person.activity * f64::from(days)).map_or(1.0, |p: Poisson<f64>| p.sample(rng));
    let mut arrivals: Vec<Arrival> = (0..count.max(1.0) as u32)
        .filter_map(|_| arrival(options, person, rng))
        .collect();
    arrivals.sort_by_key(|arrival| arrival.at_ms);
    let end = options.day_ms(options.days);
    arrivals.retain(|arrival| arrival.at_ms < end);
    arrivals
}

/// How many videos a visit shows.
pub(super) fn places(rng: &mut ChaCha8Rng) -> u32 {
    rng.random_range(3..=SLATE)
}

/// What somebody searches for at an instant, if they do: a topic of theirs, in their language.
pub(super) fn query(person: &Person, at_ms: i64, rng: &mut ChaCha8Rng) -> Option<&'static str> {
    rng.random_bool(SEARCHES).then(|| {
        let topic = draw(rng, person.topics_at(at_ms).iter().map(|w| f64::from(*w)));
        LANGUAGES[person.language].topics[topic]
    })
}

/// An instant, its moment on the person's clock, and the surface.
fn arrival(options: &Options, person: &Person, rng: &mut ChaCha8Rng) -> Option<Arrival> {
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
    (at_ms >= super::START_MS).then_some(Arrival { at_ms, moment, surface })
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

    /// A search.
    fn search(&mut self, text: &str) {
        let event = Interaction {
            text: Some(text),
            ..self.event(NONE, EventKind::Search)
        };
        self.builder.interaction(&event);
        self.now_ms += SEARCH_MS;
    }

    /// Shows one video and lets the person do what they do.
    fn show(&mut self, video: u32, position: u32, propensity: f64, rng: &mut ChaCha8Rng) {
        let event = Interaction {
            position: Some(position),
            propensity: Some(propensity as f32),
            ..self.event(video, EventKind::Impression)
        };
        self.builder.interaction(&event);
        let shown_ms = self.now_ms;
        let reaction = react(self.person, &self.clips[video as usize], &self.moment, rng);
        for deed in reaction.deeds {
            self.now_ms = shown_ms + deed.after_ms;
            let event = Interaction {
                seconds: deed.seconds,
                text: deed.text,
                ..self.event(video, deed.kind)
            };
            self.builder.interaction(&event);
        }
        self.now_ms = shown_ms + reaction.lasts_ms;
    }
}
