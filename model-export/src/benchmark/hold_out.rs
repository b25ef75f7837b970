//! A part of train set aside, as test was set aside from the whole: what settings may be chosen by.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::data::{Data, Event, Protocol, cases};
use crate::factors::Ones;

/// A split of the train side of `data`: test is not looked at, but for how much of a user's it holds and how many
/// items a case is ranked against. Of each user the latest are held out, or any where times are not known; a user keeps at
/// least one.
#[must_use]
pub fn hold_out(data: &Data, seed: u64) -> Data {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
    let mut of_user: Vec<Vec<Event>> = vec![Vec::new(); data.users];
    for event in &data.events {
        of_user[event.user as usize].push(*event);
    }
    let per_case = data.test_len() as f64 / data.cases.len().max(1) as f64;
    let one_each = data.protocol == Protocol::Sampled || per_case < 1.5;
    let share = data.test_len() as f64 / (data.test_len() + data.train.len()).max(1) as f64;
    let (mut kept, mut held) = (Vec::new(), Vec::new());
    for events in &mut of_user {
        // Repeats of an item are one.
        events.sort_by_key(|e| e.item);
        events.dedup_by_key(|e| e.item);
        events.shuffle(&mut rng);
        if events.iter().all(|e| e.time.is_some()) {
            events.sort_by(|a, b| a.time.unwrap_or(0.0).total_cmp(&b.time.unwrap_or(0.0)));
        }
        let count = if one_each {
            1
        } else {
            (share * events.len() as f64).round() as usize
        };
        let keep = events.len() - count.min(events.len().saturating_sub(1));
        kept.extend_from_slice(&events[..keep]);
        held.extend(events[keep..].iter().map(|e| (e.user, e.item)));
    }
    let train = Ones::from_weighted(
        data.users,
        data.items,
        kept.iter().map(|e| (e.user, e.item, e.confidence)),
    );
    let test = Ones::from_pairs(data.users, data.items, held);
    let sample = (data.protocol == Protocol::Sampled).then(|| {
        let longest = data
            .cases
            .iter()
            .filter_map(|case| case.against.as_ref())
            .map(Vec::len)
            .max();
        longest.unwrap_or(99)
    });
    Data {
        users: data.users,
        items: data.items,
        cases: cases(&train, &test, sample, seed),
        events: kept,
        train,
        protocol: data.protocol,
        known: 0,
    }
}
