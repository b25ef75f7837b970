//! Fresh uploads: what nobody can know yet, shown to a few so that somebody gets to know it.
//!
//! The budget is a share of every block ([`crate::candidates`]); a video leaves it after [`MOST_SHOWN`] accounts
//! were shown it, since by then it has had its chance, or after [`FRESH_MS`].

use std::cmp::Reverse;

use upnext_core::block::source::FRESH;

use super::{Ask, Candidate, by_place};
use crate::pulse::Pulse;

/// Age up to which a video is fresh, in milliseconds: two weeks.
pub const FRESH_MS: i64 = 14 * 86_400_000;
/// Accounts to whom a fresh video is shown before it has to stand on its own.
pub const MOST_SHOWN: u32 = 200;
/// Fresh videos that are weighed up: the newest.
const WEIGHED: usize = 2000;

/// Fresh videos of the declared languages: first those that the fewest were shown, the newest of them first.
#[must_use]
pub fn candidates(ask: &Ask<'_>, pulse: &Pulse) -> Vec<Candidate> {
    let speaks = ask.speaks();
    let is_offered = |row: u32| ask.allowed.contains(row as usize) && speaks(row as usize);
    let is_fresh = |at_ms: i64| at_ms <= ask.now_ms && at_ms > ask.now_ms - FRESH_MS;
    let videos = &ask.stock.catalogue.videos;
    let of_bundle = videos
        .newest()
        .iter()
        .filter_map(|row| Some((*row, videos.get(*row as usize)?.published_at_ms)))
        .skip_while(|(_, at_ms)| *at_ms > ask.now_ms)
        .take_while(|(_, at_ms)| is_fresh(*at_ms))
        .filter(|(row, _)| is_offered(*row))
        // In their order already: the newest of them are the first.
        .take(WEIGHED);
    let added = ask.stock.added_rows();
    let mut fresh: Vec<(u32, i64)> = added
        .map(|(row, added)| (row as u32, added.published_at_ms()))
        .filter(|(row, at_ms)| is_fresh(*at_ms) && is_offered(*row))
        .chain(of_bundle)
        .collect();
    fresh.sort_by_key(|(row, at_ms)| (Reverse(*at_ms), *row));
    fresh.truncate(WEIGHED);
    let shown = pulse.shown(fresh.iter().map(|(row, _)| ask.stock.id(*row as usize)));
    let mut fresh: Vec<(u32, i64, u32)> = (shown.into_iter().zip(fresh))
        .map(|(shown, (row, at_ms))| (shown, at_ms, row))
        .filter(|(shown, ..)| *shown < MOST_SHOWN)
        .collect();
    fresh.sort_by_key(|(shown, at_ms, row)| (*shown, Reverse(*at_ms), *row));
    let rows: Vec<u32> = fresh.into_iter().take(ask.size).map(|(_, _, row)| row).collect();
    by_place(&rows, FRESH)
}
