//! What happens now: how often each video was shown, and how many found it relevant of late.
//!
//! Each account counts once for a video. The weight of a find halves every [`HALF_LIFE_MS`]; since all weights
//! shrink alike, each is kept as of one fixed instant and never touched again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use upnext_core::EventKind;

/// Time in which a find comes to count half, in milliseconds: two days.
pub const HALF_LIFE_MS: f64 = 2.0 * 86_400_000.0;
/// Fewest accounts that found a video relevant before it is called popular: one person's taste is nobody's business.
pub const LEAST_ACCOUNTS: u32 = 3;
/// Longest list of popular videos.
const MOST_POPULAR: usize = 5000;
/// Age from which the list is made anew, in milliseconds.
const RENEW_MS: i64 = 5000;

/// An event that counts: the account's first of this kind with this video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// The video.
    pub video: String,
    /// True: found relevant. False: shown.
    pub relevant: bool,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

impl Beat {
    /// Whether events of this kind are counted: those that were relevant, and impressions.
    #[must_use]
    pub fn counts(kind: EventKind, relevant: bool) -> bool {
        relevant || kind == EventKind::Impression
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    shown: u32,
    accounts: u32,
    weight: f64,
}

/// Counts of all videos that anything happened to.
#[derive(Debug)]
pub struct Pulse {
    /// Instant as of which weights are kept.
    reference_ms: i64,
    counts: Mutex<BTreeMap<String, Count>>,
    popular: Mutex<(i64, Arc<Vec<String>>)>,
}

impl Pulse {
    /// Nothing has happened yet; weights are kept as of `now_ms`.
    #[must_use]
    pub fn new(now_ms: i64) -> Pulse {
        Pulse {
            reference_ms: now_ms,
            counts: Mutex::default(),
            popular: Mutex::new((i64::MIN, Arc::default())),
        }
    }

    /// Counts these.
    pub fn beat(&self, beats: impl IntoIterator<Item = Beat>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for beat in beats {
            let count = counts.entry(beat.video).or_default();
            if beat.relevant {
                count.accounts += 1;
                count.weight += ((beat.at_ms - self.reference_ms) as f64 / HALF_LIFE_MS).exp2();
            } else {
                count.shown += 1;
            }
        }
    }

    /// How many accounts were shown each of these videos.
    #[must_use]
    pub fn shown<'a>(&self, videos: impl IntoIterator<Item = &'a str>) -> Vec<u32> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = |video| counts.get(video).map_or(0, |count| count.shown);
        videos.into_iter().map(shown).collect()
    }

    /// Videos by falling weight, ties by id; some seconds old at most.
    #[must_use]
    pub fn popular(&self, now_ms: i64) -> Arc<Vec<String>> {
        let mut popular = self.popular.lock().unwrap_or_else(PoisonError::into_inner);
        if popular.0.saturating_add(RENEW_MS) <= now_ms {
            *popular = (now_ms, Arc::new(self.ranked()));
        }
        Arc::clone(&popular.1)
    }

    fn ranked(&self) -> Vec<String> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let liked = counts.iter().filter(|(_, count)| count.accounts >= LEAST_ACCOUNTS);
        let mut liked: Vec<(&String, f64)> = liked.map(|(video, count)| (video, count.weight)).collect();
        liked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        liked.truncate(MOST_POPULAR);
        liked.into_iter().map(|(video, _)| video.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(video: &str, at_ms: i64) -> Beat {
        Beat {
            video: video.to_owned(),
            relevant: true,
            at_ms,
        }
    }

    #[test]
    fn few_accounts_make_nothing_popular() {
        let pulse = Pulse::new(0);
        pulse.beat([found("a", 0), found("a", 0)]);
        assert!(pulse.popular(0).is_empty());
        pulse.beat([found("a", 0)]);
        assert!(pulse.popular(1).is_empty(), "a list lasts some seconds");
        assert_eq!(*pulse.popular(RENEW_MS), ["a"]);
    }

    proptest! {
        /// The order is that of the sums of halved finds, whatever instant they are counted from.
        #[test]
        fn the_order_is_that_of_decayed_sums(
            finds in prop::collection::vec((0_usize..4, 0_i64..40), 0..60),
            reference_days in -20_i64..60,
        ) {
            let day = 86_400_000;
            let pulse = Pulse::new(reference_days * day);
            pulse.beat(finds.iter().map(|(video, at)| found(&video.to_string(), at * day)));
            let sum = |video: usize| -> (usize, f64) {
                let ages = finds.iter().filter(|(v, _)| *v == video).map(|(_, at)| 40 - at);
                let weights: Vec<f64> = ages.map(|age| 0.5_f64.powf((age * day) as f64 / HALF_LIFE_MS)).collect();
                (weights.len(), weights.iter().sum())
            };
            let popular = pulse.popular(40 * day);
            let sums: Vec<(usize, f64)> = popular.iter().map(|id| sum(id.parse().unwrap_or(9))).collect();
            prop_assert!(sums.iter().all(|(accounts, _)| *accounts >= LEAST_ACCOUNTS as usize));
            prop_assert!(sums.windows(2).all(|w| w[0].1 >= w[1].1 * (1.0 - 1e-9)));
            let expected = (0..4).filter(|video| sum(*video).0 >= LEAST_ACCOUNTS as usize).count();
            prop_assert_eq!(popular.len(), expected);
        }
    }
}
