//! Labels: from events to encounters of a user with a video, each relevant or not.
//!
//! An **encounter** is what one user did with one video on one occasion. An impression opens one; later events
//! of the same pair join it until the next impression of that pair, for [`ENCOUNTER_MS`] at most, and never
//! across a boundary of the time split: a label must not know what happened after its window.
//! Where a log has no impressions, the first event opens the encounter.

use std::collections::HashMap;

pub use upnext_core::encounter::ENCOUNTER_MS;
use upnext_core::encounter::Outcome;
use upnext_core::{EventKind, fraction_watched};

use crate::split::Split;
use crate::table::{Dataset, NONE};

/// One occasion: who, what, when, and how it went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Encounter {
    /// User row.
    pub user: u32,
    /// Video row.
    pub video: u32,
    /// Interaction row that opened it: an impression where [`Encounter::shown`].
    pub row: u32,
    /// When it opened, Unix milliseconds. Features are as of this instant.
    pub at_ms: i64,
    /// An impression opened it.
    pub shown: bool,
    /// A watch joined it.
    pub watched: bool,
    /// Fraction watched, summed over its watches, 0..=1; unknown where seconds or length are.
    pub fraction: Option<f32>,
    /// Liked.
    pub liked: bool,
    /// Disliked, or "not interested".
    pub rejected: bool,
    /// The log's own judgement, for a log without seconds.
    pub judged: Option<bool>,
    /// Seconds so far; only while grouping.
    seconds: Option<f32>,
}

impl Encounter {
    /// The label, by the core's rules: [`Outcome::label`].
    #[must_use]
    pub fn label(&self) -> Option<bool> {
        Outcome {
            shown: self.shown,
            watched: self.watched,
            fraction: self.fraction,
            liked: self.liked,
            rejected: self.rejected,
            judged: self.judged,
        }
        .label()
    }
}

/// All encounters, in order of their opening (timestamp, row).
#[must_use]
pub fn encounters(data: &Dataset, split: &Split) -> Vec<Encounter> {
    let table = &data.interactions;
    let mut found: Vec<Encounter> = Vec::with_capacity(table.len());
    let mut open: HashMap<(u32, u32), u32> = HashMap::with_capacity(table.len() / 2);
    for row in 0..table.len() {
        let (user, video, kind, at_ms) = (table.user[row], table.video[row], table.kind[row], table.at_ms[row]);
        if video == NONE || kind == EventKind::Search {
            continue;
        }
        let current = open.get(&(user, video)).map(|index| *index as usize).filter(|index| {
            let e = &found[*index];
            at_ms - e.at_ms <= ENCOUNTER_MS && split.side(at_ms) == split.side(e.at_ms)
        });
        let index = match current {
            // A log may write the events of one instant in any order.
            Some(index) if kind != EventKind::Impression => index,
            Some(index) if !found[index].shown && found[index].at_ms == at_ms => index,
            _ => {
                open.insert((user, video), found.len() as u32);
                found.push(Encounter {
                    user,
                    video,
                    row: row as u32,
                    at_ms,
                    shown: false,
                    watched: false,
                    fraction: None,
                    liked: false,
                    rejected: false,
                    judged: None,
                    seconds: None,
                });
                found.len() - 1
            }
        };
        absorb(&mut found[index], data, row);
    }
    found
}

fn absorb(encounter: &mut Encounter, data: &Dataset, row: usize) {
    let table = &data.interactions;
    match table.kind[row] {
        EventKind::Impression => {
            encounter.shown = true;
            encounter.row = row as u32;
        }
        EventKind::Watch => {
            encounter.watched = true;
            if let Some(seconds) = table.seconds[row] {
                let total = encounter.seconds.unwrap_or(0.0) + seconds;
                encounter.seconds = Some(total);
                encounter.fraction = fraction_watched(Some(total), data.length_of(encounter.video));
            }
        }
        EventKind::Like => encounter.liked = true,
        EventKind::Dislike | EventKind::NotInterested => encounter.rejected = true,
        EventKind::Comment | EventKind::Share | EventKind::Search => {}
    }
    if let Some(judged) = table.relevant[row] {
        encounter.judged = Some(encounter.judged.unwrap_or(false) || judged);
    }
}

/// The distinct videos that each user found relevant before an instant: what the factors learn from.
#[derive(Debug, Clone, Default)]
pub struct Positives {
    ends: Vec<u32>,
    videos: Vec<u32>,
}

impl Positives {
    /// Collects relevant encounters that opened before `until_ms`; rows of a user in rising video order.
    #[must_use]
    pub fn collect(users: usize, encounters: &[Encounter], until_ms: i64) -> Positives {
        let mut pairs: Vec<(u32, u32)> = encounters
            .iter()
            .filter(|e| e.at_ms < until_ms && e.label() == Some(true))
            .map(|e| (e.user, e.video))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut ends = vec![0_u32; users + 1];
        for (user, _) in &pairs {
            ends[*user as usize + 1] += 1;
        }
        for i in 0..users {
            ends[i + 1] += ends[i];
        }
        Positives {
            ends,
            videos: pairs.into_iter().map(|(_, video)| video).collect(),
        }
    }

    /// Videos of one user.
    #[must_use]
    pub fn of(&self, user: u32) -> &[u32] {
        match (self.ends.get(user as usize), self.ends.get(user as usize + 1)) {
            (Some(start), Some(end)) => &self.videos[*start as usize..*end as usize],
            _ => &[],
        }
    }

    /// Number of users.
    #[must_use]
    pub fn users(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    /// Number of pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.videos.len()
    }

    /// True where there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.videos.is_empty()
    }
}

#[cfg(test)]
mod tests;
