//! What the head of what is watched foretells: a fraction of the length, or seconds.

use serde::{Deserialize, Serialize};
use upnext_core::bundle::Metrics;
use upnext_core::head::Head;
use upnext_core::reward::Reward;

use crate::label::Encounter;
use crate::table::Dataset;

/// Name of [`Watched::full_seconds`] among a bundle's figures.
pub const FULL_SECONDS: &str = "watched.full_seconds";

/// Share of the watches that are no longer than what counts as 1, where seconds are foretold.
const FULL_SHARE: f64 = 0.99;

/// What [`Head::Watched`] foretells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum WatchedUnit {
    /// The fraction of the length that is watched: short videos have it easy.
    Fraction,
    /// The seconds watched, as a share of a long watch: long videos have it easy.
    Seconds,
}

/// How a target of [`Head::Watched`] is made.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Watched {
    /// Seconds that count as 1, longer ones too; `None`: the fraction of the length is foretold.
    pub full_seconds: Option<f32>,
}

impl Watched {
    /// Of what was shown: the seconds that count as 1 are those which 99 of 100 watches do not pass. One watch of hours would
    /// else bend what is said of all others.
    #[must_use]
    pub fn of<'a>(unit: WatchedUnit, shown: impl Iterator<Item = &'a Encounter>, data: &Dataset) -> Watched {
        if unit == WatchedUnit::Fraction {
            return Watched::default();
        }
        let seconds = shown.filter_map(|e| e.earned(Reward::WatchSeconds, data));
        let mut seconds: Vec<f64> = seconds.filter(|s| *s > 0.0).collect();
        seconds.sort_by(f64::total_cmp);
        let at = (FULL_SHARE * seconds.len().saturating_sub(1) as f64).round() as usize;
        Watched {
            full_seconds: seconds.get(at).map(|s| *s as f32),
        }
    }

    /// As the figures of a bundle tell it.
    #[must_use]
    pub fn of_figures(figures: &Metrics) -> Watched {
        let told = figures.iter().find(|(name, _)| *name == FULL_SECONDS);
        Watched {
            full_seconds: told.map(|(_, seconds)| seconds as f32).filter(|seconds| *seconds > 0.0),
        }
    }

    /// What a head should have said of an encounter, 0..=1; `None` where nobody can tell.
    #[must_use]
    pub fn target(&self, head: Head, e: &Encounter, data: &Dataset) -> Option<f32> {
        match (head, self.full_seconds) {
            (Head::Watched, Some(full)) => {
                let seconds = e.earned(Reward::WatchSeconds, data)?;
                Some((seconds as f32 / full).min(1.0))
            }
            _ => head.target(&e.outcome),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::label::encounters;
    use crate::split::{Side, Split};

    #[test]
    fn seconds_are_a_share_of_a_long_watch_and_the_other_heads_stay() {
        let data = crate::evaluate::fixture::world(5);
        let split = Split::of(&data).unwrap();
        let met = encounters(&data, &split);
        let shown = || split.examples(&met, Side::Train).map(|(e, _)| e);
        let watched = Watched::of(WatchedUnit::Seconds, shown(), &data);
        let full = watched.full_seconds.unwrap();
        let mut longer = 0;
        for e in shown() {
            for head in Head::ALL.into_iter().filter(|head| *head != Head::Watched) {
                assert_eq!(watched.target(head, e, &data), head.target(&e.outcome));
            }
            let target = watched.target(Head::Watched, e, &data);
            match e.earned(Reward::WatchSeconds, &data) {
                None => assert_eq!(target, None),
                Some(seconds) => {
                    assert!((target.unwrap() - (seconds as f32 / full).min(1.0)).abs() < 1e-6);
                    longer += usize::from(seconds as f32 > full);
                }
            }
        }
        let played = shown().filter(|e| e.outcome.watched).count();
        assert!(longer > 0 && longer <= played / 50, "{longer} of {played}");
        let figures = std::collections::BTreeMap::from([(FULL_SECONDS.to_owned(), f64::from(full))]).into();
        assert_eq!(Watched::of_figures(&figures), watched);
        // A fraction is the core's.
        let fraction = Watched::of(WatchedUnit::Fraction, shown(), &data);
        assert_eq!(fraction, Watched::of_figures(&Metrics::default()));
        assert!(shown().all(|e| fraction.target(Head::Watched, e, &data) == Head::Watched.target(&e.outcome)));
    }
}
