//! Labels: from events to encounters of a user with a video, each relevant or not.
//!
//! An **encounter** is what one user did with one video on one occasion. An impression opens one; later events
//! of the same pair join it until the next impression of that pair, for [`ENCOUNTER_MS`] at most, and never
//! across a boundary of the time split: a label must not know what happened after its window.
//! Where a log has no impressions, the first event opens the encounter.

use std::collections::HashMap;

pub use upnext_core::encounter::ENCOUNTER_MS;
use upnext_core::encounter::Outcome;
use upnext_core::reward::Reward;
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
    /// Interaction row that opened it: an impression where [`Outcome::shown`].
    pub row: u32,
    /// When it opened, Unix milliseconds. Features are as of this instant.
    pub at_ms: i64,
    /// How it went, by the core's rules.
    pub outcome: Outcome,
}

impl Encounter {
    /// The label, by the core's rules: [`Outcome::label`].
    #[must_use]
    pub fn label(&self) -> Option<bool> {
        self.outcome.label()
    }

    /// What it earned, by the core's rules: [`Reward::of`].
    #[must_use]
    pub fn earned(&self, reward: Reward, data: &Dataset) -> Option<f64> {
        reward.of(&self.outcome, data.length_of(self.video))
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
            Some(index) if !found[index].outcome.shown && found[index].at_ms == at_ms => index,
            _ => {
                open.insert((user, video), found.len() as u32);
                found.push(Encounter {
                    user,
                    video,
                    row: row as u32,
                    at_ms,
                    outcome: Outcome::default(),
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
    if table.kind[row] == EventKind::Impression {
        encounter.row = row as u32;
    }
    let fraction = fraction_watched(table.seconds[row], data.length_of(encounter.video));
    encounter.outcome.absorb(table.kind[row], fraction, table.relevant[row]);
}

#[cfg(test)]
mod tests;
