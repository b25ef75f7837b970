//! Weeks, and what happened in one.

use super::METRICS;
use crate::encounter::{ENCOUNTER_MS, encounters};
use crate::feature::PastEvent;
use crate::history::History;
use crate::reward::Reward;
use crate::{EventKind, fraction_watched};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3_600_000;
/// Milliseconds of a week.
pub const WEEK_MS: i64 = 7 * DAY_MS;
/// Monday, 29 December 1969, 00:00 UTC: the first week began there.
const FIRST_MS: i64 = -3 * DAY_MS;
/// Last week that has a number, in 2161: numbers are of four digits.
pub const LAST_WEEK: u32 = 9_999;
/// From so many videos on the next bucket of [`Metric::Completed`](super::Metric::Completed).
const COMPLETED_EDGES: [f64; 4] = [1.0, 2.0, 5.0, 10.0];
/// From so many seconds on the next bucket of [`Metric::Watched`](super::Metric::Watched), after the one of those who watched nothing.
const WATCHED_EDGES: [f64; 4] = [600.0, 1_800.0, 7_200.0, 36_000.0];

/// The week, Monday to Sunday by UTC, of an instant in Unix milliseconds; weeks before the first are it.
///
/// ```
/// use upnext_core::disclosure::week::{starts_at, week_of};
/// // 1 January 1970, a Thursday, and the Monday after.
/// assert_eq!((week_of(0), week_of(4 * 24 * 3_600_000)), (0, 1));
/// assert_eq!(week_of(starts_at(2_951) - 1), 2_950);
/// ```
#[must_use]
pub fn week_of(at_ms: i64) -> u32 {
    let week = at_ms.saturating_sub(FIRST_MS).div_euclid(WEEK_MS);
    week.clamp(0, i64::from(LAST_WEEK)) as u32
}

/// When a week begins, Unix milliseconds.
#[must_use]
pub fn starts_at(week: u32) -> i64 {
    FIRST_MS + i64::from(week) * WEEK_MS
}

/// The latest week of which all is known: it is over, and so are its last encounters. `None` before there was one.
#[must_use]
pub fn latest_over(now_ms: i64) -> Option<u32> {
    week_of(now_ms.saturating_sub(ENCOUNTER_MS)).checked_sub(1)
}

/// The bucket of each metric, by [`Metric::ALL`](super::Metric::ALL), for what was done in a week, by [`Reward`]s of the encounters that began in it. An
/// encounter that was never shown counts too: the week is the viewer's, whoever chose the video.
#[must_use]
pub fn truth(history: &History, week: u32) -> [u32; METRICS] {
    let past: Vec<PastEvent<'_>> = history
        .events()
        .map(|event| {
            let watched = event.seconds.filter(|_| event.kind == EventKind::Watch);
            PastEvent {
                video: event.video.as_deref(),
                fraction: fraction_watched(watched, event.length_seconds),
                length_seconds: event.length_seconds,
                ..PastEvent::new(event.kind, event.at_ms)
            }
        })
        .collect();
    // By the reward's own number.
    let mut sums = [0.0_f64; Reward::ALL.len()];
    // The seed only names videos for as long as this takes.
    for met in encounters(0, &past, i64::MAX) {
        if week_of(met.at_ms) == week {
            let length = past.get(met.opened).and_then(|event| event.length_seconds);
            for reward in Reward::ALL {
                sums[reward as usize] += reward.of(&met.outcome, length).unwrap_or(0.0);
            }
        }
    }
    let sum = |reward: Reward| sums[reward as usize];
    let any = |reward| u32::from(sum(reward) > 0.0);
    [
        any(Reward::Click),
        above(&COMPLETED_EDGES, sum(Reward::Completed)),
        any(Reward::WatchSeconds) + above(&WATCHED_EDGES, sum(Reward::WatchSeconds)),
        any(Reward::Liked) + 2 * any(Reward::Rejected),
    ]
}

/// How many edges a value reaches.
fn above(edges: &[f64], value: f64) -> u32 {
    edges.iter().filter(|edge| value >= **edge).count() as u32
}
