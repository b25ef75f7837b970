//! Fatigue: a video that was shown again and again and never played is wanted less, for a while.
//!
//! Each such showing weighs 1 when it happens and half for every [`HALF_LIFE_DAYS`] since. With the sum of the weights `n`,
//! `RATE · log2(1 + n)` is taken from the logit of the order: the first showing costs [`RATE`], three cost twice that, seven
//! three times, and all of it comes back with time. A video that was played since starts again from 0. The falling
//! response to repeated showing of what is not taken up is known from news and advertising (Ma, Liu & Shen, *User fatigue in
//! online news recommendation*, WWW 2016); the logarithm and the figures here are ours.

use crate::block::Block;
use crate::encounter::Encounter;
use crate::feature::PastEvent;

/// Days in which the weight of a showing halves.
pub const HALF_LIFE_DAYS: f64 = 3.0;
/// What one fresh showing takes from the logit of the order.
pub const RATE: f64 = 0.5;

/// A video that was shown and not played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tired<'a> {
    /// Row in the block.
    pub row: usize,
    /// Id.
    pub video: &'a str,
    /// Sum of the weights of its showings.
    pub showings: f64,
}

/// What so many weighted showings take from the logit of the order, 0 or more.
///
/// ```
/// use upnext_core::fatigue::{RATE, toll};
/// assert_eq!(toll(0.0), 0.0);
/// assert!((toll(3.0) - 2.0 * RATE).abs() < 1e-12);
/// ```
#[must_use]
pub fn toll(showings: f64) -> f64 {
    RATE * core::f64::consts::LOG2_E * libm::log(1.0 + showings.max(0.0))
}

/// Candidates of `block` that were shown before `now_ms` and not played since, by row. `met` are the encounters of `history`.
#[must_use]
pub fn tired<'a>(block: &Block, history: &[PastEvent<'a>], met: &[Encounter], now_ms: i64) -> Vec<Tired<'a>> {
    let mut tired: Vec<Tired<'a>> = Vec::new();
    for met in met {
        let video = history.get(met.opened).and_then(|event| event.video);
        let Some((video, row)) = video.and_then(|video| Some((video, block.row_of(video)?))) else {
            continue;
        };
        let outcome = &met.outcome;
        let played = outcome.watched || outcome.liked || outcome.fraction.is_some() || outcome.judged.is_some();
        let place = tired.binary_search_by_key(&row, |tired| tired.row);
        match (place, played) {
            (Ok(at), true) => {
                tired.remove(at);
            }
            (Err(_), true) => {}
            (place, false) if outcome.shown => {
                let at = place.unwrap_or_else(|at| {
                    tired.insert(
                        at,
                        Tired {
                            row,
                            video,
                            showings: 0.0,
                        },
                    );
                    at
                });
                let days = (now_ms as f64 - met.at_ms as f64) / 86_400_000.0;
                tired[at].showings += libm::exp2(-days / HALF_LIFE_DAYS);
            }
            _ => {}
        }
    }
    tired
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::EventKind;
    use crate::encounter::encounters;
    use crate::fixture::{NOW, block};
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;

    fn event(kind: EventKind, hours_ago: i64) -> PastEvent<'static> {
        PastEvent {
            video: Some("v001"),
            ..PastEvent::new(kind, NOW - hours_ago * HOUR)
        }
    }

    /// What is taken from the order of `v001` after these events.
    fn taken(events: &[PastEvent<'_>], now_ms: i64) -> f64 {
        let block = block(3);
        let tired = tired(&block, events, &encounters(7, events, now_ms), now_ms);
        assert!(tired.iter().all(|tired| block.id(tired.row) == tired.video));
        tired.first().map_or(0.0, |tired| toll(tired.showings))
    }

    #[test]
    fn what_was_played_since_is_as_new_and_what_was_not_shown_too() {
        use EventKind::{Impression, Search, Watch};
        assert_eq!(taken(&[], NOW), 0.0);
        assert_eq!(taken(&[event(Watch, 9)], NOW), 0.0);
        let shown = [event(Impression, 90), event(Impression, 50)];
        assert!(taken(&shown, NOW) > 0.0);
        let played = [event(Impression, 90), event(Impression, 50), event(Watch, 50)];
        assert_eq!(taken(&played, NOW), 0.0);
        let again = [event(Impression, 90), event(Watch, 90), event(Impression, 50)];
        assert_eq!(taken(&again, NOW), taken(&[event(Impression, 50)], NOW));
        let search = PastEvent {
            video: None,
            ..event(Search, 2)
        };
        assert_eq!(taken(&[search], NOW), 0.0);
        let other = PastEvent {
            video: Some("nowhere"),
            ..event(Impression, 2)
        };
        assert_eq!(taken(&[other], NOW), 0.0);
    }

    #[test]
    fn half_of_a_showing_is_left_after_a_half_life() {
        let hours = (24.0 * HALF_LIFE_DAYS) as i64;
        let found = taken(&[event(EventKind::Impression, hours)], NOW);
        assert!((found - toll(0.5)).abs() < 1e-12, "{found}");
    }

    proptest! {
        #[test]
        fn every_further_showing_takes_more_and_time_gives_it_back(
            mut hours in prop::collection::vec(1_i64..1000, 1..12), wait in 1_i64..10_000,
        ) {
            hours.sort_unstable_by(|a, b| b.cmp(a));
            hours.dedup();
            let events: Vec<PastEvent<'_>> = hours.iter().map(|hours| event(EventKind::Impression, *hours)).collect();
            let tolls: Vec<f64> = (0..=events.len()).map(|n| taken(&events[..n], NOW)).collect();
            prop_assert!(tolls.windows(2).all(|pair| pair[0] < pair[1]), "{tolls:?}");
            let later = taken(&events, NOW + wait * HOUR);
            prop_assert!(later < tolls[events.len()]);
            prop_assert!(taken(&events, NOW + 400 * 24 * HOUR) < 1e-6);
        }
    }
}
