//! An audience that whoever serves it can ask: who comes when, and what they do with what they are shown.
//!
//! The people, the videos and the visits are those of [`simulate`](super::simulate). What somebody does with a video at a visit
//! follows from the seed, the visit and the video alone: two ways to serve the same people differ by what they show, and
//! by nothing that chance adds.

use jiff::Timestamp;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use upnext_core::history::Feedback;
use upnext_core::{EventKind, RELEVANT_FRACTION, fraction_watched};

use super::affinity::probability;
use super::question::{Answer, Published, Question, Shown, VideoBody, Viewer, Visit};
use super::reaction::react;
use super::visit::{Arrival, SEARCH_MS, arrivals, places, query};
use super::words::LANGUAGES;
use super::{Options, World, simulate};
use crate::Error;
use crate::evaluate::gini;
use crate::table::{Dataset, Grouped, NONE};

/// Sets the numbers of reactions apart from those of the world.
const REACTIONS: u64 = 0x7265_6163_7469_6f6e;

/// People who come, and what they would do.
#[derive(Debug)]
pub struct Audience {
    options: Options,
    data: Dataset,
    world: World,
    /// Rows of the log by user.
    log: Grouped,
    /// In order of time.
    visits: Vec<Coming>,
}

#[derive(Debug, Clone, Copy)]
struct Coming {
    user: u32,
    arrival: Arrival,
    shows: u32,
    search: Option<&'static str>,
}

impl Audience {
    /// The audience of a world.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`] for a size out of range.
    pub fn new(options: &Options) -> Result<Audience, Error> {
        let (data, world) = simulate(options)?;
        let mut visits = Vec::new();
        for (row, person) in world.people.iter().enumerate() {
            // The days of the log: they go on as they were.
            let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
            rng.set_stream(1 + row as u64);
            for (number, arrival) in arrivals(options, person, &mut rng).into_iter().enumerate() {
                let mut rng = ChaCha8Rng::seed_from_u64(options.seed ^ REACTIONS);
                rng.set_stream(((number as u64) << 32) | row as u64);
                visits.push(Coming {
                    user: row as u32,
                    search: query(person, arrival.at_ms, &mut rng),
                    shows: places(&mut rng),
                    arrival,
                });
            }
        }
        visits.sort_by_key(|coming| (coming.arrival.at_ms, coming.user));
        Ok(Audience {
            options: *options,
            log: data.rows_by_user(i64::MAX),
            data,
            world,
            visits,
        })
    }

    /// Answers; `None` where the question names a viewer, a visit or a video that is not there, or not yet.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Option<Answer> {
        Some(match question {
            Question::Window => Answer::Window {
                from: self.options.day_ms(0),
                until: self.options.day_ms(self.options.days),
            },
            Question::Viewers => Answer::Viewers {
                viewers: self.viewers(),
            },
            Question::Videos { from, until } => Answer::Videos {
                videos: self.videos(*from, *until),
            },
            Question::Visits { from, until } => Answer::Visits {
                visits: self.visits(*from, *until),
            },
            Question::Past { viewer, until } => self.past(self.data.users.ids.row(viewer)?, *until),
            Question::Shown { visit, videos } => {
                let rows: Option<Vec<u32>> = videos.iter().map(|id| self.data.videos.ids.row(id)).collect();
                Answer::Shown(self.shown(*visit, &rows?)?)
            }
            Question::Gini { exposures } => Answer::Gini { gini: gini(exposures) },
        })
    }

    fn viewers(&self) -> Vec<Viewer> {
        let people = self.world.people.iter().enumerate();
        let active = people.filter(|(_, person)| person.activity > 0.0);
        let viewer = |(row, person): (usize, &super::Person)| Viewer {
            id: self.data.users.ids.name(row as u32).to_owned(),
            profile: self.data.profile(row as u32, None),
            languages: match person.language {
                0 => vec![LANGUAGES[0].tag],
                own => vec![LANGUAGES[own].tag, LANGUAGES[0].tag],
            },
            drifts: person.drift.map(|drift| drift.from_ms),
        };
        active.map(viewer).collect()
    }

    fn videos(&self, from: i64, until: i64) -> Vec<Published> {
        let (table, clips) = (&self.data.videos, &self.world.clips);
        let mut rows: Vec<usize> = (0..clips.len())
            .filter(|row| (from..until).contains(&clips[*row].published_at_ms))
            .collect();
        rows.sort_by_key(|row| (clips[*row].published_at_ms, *row));
        let published = rows.into_iter().map(|row| Published {
            id: table.ids.name(row as u32).to_owned(),
            video: VideoBody {
                title: table.title[row].as_deref().map(str::to_owned),
                tags: texts(table.tags.get(row)),
                length_seconds: table.length_seconds[row],
                language: table.language.get(row).map(str::to_owned),
                rating: table.rating.get(row).map(str::to_owned),
                channel: table.channel.get(row).map(str::to_owned),
                published_at: clips[row].published_at_ms,
                regions: texts(table.regions.get(row)),
            },
        });
        published.collect()
    }

    fn visits(&self, from: i64, until: i64) -> Vec<Visit> {
        let window = self.visits.iter().enumerate();
        let window = window.filter(|(_, coming)| (from..until).contains(&coming.arrival.at_ms));
        let visit = |(visit, coming): (usize, &Coming)| Visit {
            visit,
            viewer: self.data.users.ids.name(coming.user).to_owned(),
            at: coming.arrival.at_ms,
            device: coming.arrival.moment.device,
            surface: coming.arrival.surface,
            utc_offset_minutes: self.offset_minutes(coming),
            shows: coming.shows,
            search: coming.search,
        };
        window.map(visit).collect()
    }

    /// A device knows its clock, whatever its owner told.
    fn offset_minutes(&self, coming: &Coming) -> i32 {
        let zone = &self.world.people[coming.user as usize].zone;
        let at = Timestamp::from_millisecond(coming.arrival.at_ms);
        at.map_or(0, |at| zone.to_offset(at).seconds() / 60)
    }

    fn past(&self, user: u32, until: i64) -> Answer {
        let table = &self.data.interactions;
        let rows = self.log.get(user).iter().map(|row| *row as usize);
        let events = rows.take_while(|row| table.at_ms[*row] < until).map(|row| Feedback {
            kind: table.kind[row],
            at_ms: table.at_ms[row],
            video: (table.video[row] != NONE).then(|| self.data.videos.ids.name(table.video[row]).to_owned()),
            seconds: table.seconds[row],
            text: table.text.get(row).map(str::to_owned),
            surface: table.surface.get(row).map(str::to_owned),
        });
        let events: Vec<Feedback> = events.collect();
        let done = self.done(&events);
        Answer::Past { events, done }
    }

    /// Shows these rows of the videos; `None` for a visit that is not, or a video that is not published then.
    fn shown(&self, visit: usize, rows: &[u32]) -> Option<Shown> {
        let coming = self.visits.get(visit)?;
        let person = &self.world.people[coming.user as usize];
        let Arrival { at_ms, moment, surface } = coming.arrival;
        let clips: Vec<_> = rows.iter().map(|row| &self.world.clips[*row as usize]).collect();
        if clips.iter().any(|clip| clip.published_at_ms > at_ms) {
            return None;
        }
        let event = |kind, at_ms, video: Option<u32>| Feedback {
            kind,
            at_ms,
            video: video.map(|row| self.data.videos.ids.name(row).to_owned()),
            seconds: None,
            text: None,
            surface: Some(surface.to_owned()),
        };
        let (mut events, mut now_ms) = (Vec::new(), at_ms);
        if let Some(text) = coming.search {
            events.push(Feedback {
                text: Some(text.to_owned()),
                ..event(EventKind::Search, now_ms, None)
            });
            now_ms += SEARCH_MS;
        }
        // A slate is seen at once, then looked through.
        events.extend(rows.iter().map(|row| event(EventKind::Impression, now_ms, Some(*row))));
        for (row, clip) in rows.iter().zip(&clips) {
            let mut rng = ChaCha8Rng::seed_from_u64(self.options.seed ^ REACTIONS);
            rng.set_stream((1 << 63) | ((visit as u64) << 24) | u64::from(*row));
            let reaction = react(person, clip, &moment, &mut rng);
            events.extend(reaction.deeds.iter().map(|deed| Feedback {
                seconds: deed.seconds,
                text: deed.text.map(str::to_owned),
                ..event(deed.kind, now_ms + deed.after_ms, Some(*row))
            }));
            now_ms += reaction.lasts_ms;
        }
        Some(Shown {
            chances: clips.iter().map(|clip| probability(person, clip, &moment)).collect(),
            done: self.done(&events),
            events,
            until: now_ms,
        })
    }

    fn done(&self, events: &[Feedback]) -> Vec<String> {
        let is_done = |event: &&Feedback| {
            let row = event.video.as_deref().and_then(|id| self.data.videos.ids.row(id));
            let length = row.and_then(|row| self.data.length_of(row));
            match event.kind {
                EventKind::Watch => fraction_watched(event.seconds, length).is_some_and(|f| f >= RELEVANT_FRACTION),
                EventKind::Dislike | EventKind::NotInterested => true,
                _ => false,
            }
        };
        let mut done: Vec<String> = events.iter().filter(is_done).filter_map(|e| e.video.clone()).collect();
        done.sort_unstable();
        done.dedup();
        done
    }
}

fn texts<'a>(list: impl Iterator<Item = &'a str>) -> Vec<String> {
    list.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
