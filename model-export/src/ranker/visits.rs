//! Visits: what a viewer does in one go.

use std::collections::HashMap;

use crate::label::Encounter;

/// Who met nothing for this long has left, and comes anew: half an hour, by which web analytics count sessions.
pub const VISIT_GAP_MS: i64 = 30 * 60 * 1000;

/// For the row of each encounter the encounter with which its visit began. `met` is in order of time; a visit lasts as long
/// as its viewer meets something at least every [`VISIT_GAP_MS`].
#[must_use]
pub fn beginnings(met: &[Encounter]) -> HashMap<u32, Encounter> {
    let mut open: HashMap<u32, (i64, Encounter)> = HashMap::new();
    let mut found = HashMap::with_capacity(met.len());
    for e in met {
        let (last, first) = open.entry(e.user).or_insert((e.at_ms, *e));
        if e.at_ms - *last > VISIT_GAP_MS {
            *first = *e;
        }
        *last = e.at_ms;
        found.insert(e.row, *first);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use upnext_core::encounter::Outcome;

    use super::*;

    fn met(times: &[(u32, i64)]) -> Vec<Encounter> {
        let mut sorted = times.to_vec();
        sorted.sort_by_key(|(_, at)| *at);
        let encounter = |(row, (user, at_ms)): (usize, &(u32, i64))| Encounter {
            user: *user,
            video: 0,
            row: row as u32,
            at_ms: *at_ms,
            outcome: Outcome::default(),
        };
        sorted.iter().enumerate().map(encounter).collect()
    }

    proptest! {
        /// Beside what is written down at once: the last own encounter that nothing of the half hour before it precedes.
        #[test]
        fn a_visit_begins_where_nothing_was_met_for_half_an_hour(
            times in prop::collection::vec((0_u32..3, 0_i64..40_000_000), 1..60),
        ) {
            let met = met(&times);
            let found = beginnings(&met);
            for (at, e) in met.iter().enumerate() {
                let own: Vec<&Encounter> = met[..=at].iter().filter(|o| o.user == e.user).collect();
                let fresh = |i: usize| i == 0 || own[i].at_ms - own[i - 1].at_ms > VISIT_GAP_MS;
                let first = (0..own.len()).rev().find(|i| fresh(*i)).map(|i| own[i].row);
                prop_assert_eq!(found.get(&e.row).map(|first| first.row), first);
            }
        }
    }
}
