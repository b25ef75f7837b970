//! The split by time, global: the past teaches, the future tests.

use std::ops::Range;

use crate::Error;
use crate::label::Encounter;
use crate::table::{Dataset, SplitInstants, utc};

/// Where an instant lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Teaches the collaborative factors.
    Factors,
    /// Trains towers and ranker.
    Train,
    /// Tests.
    Test,
}

impl Side {
    /// Its name in messages and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Side::Factors => "factors",
            Side::Train => "train",
            Side::Test => "test",
        }
    }
}

/// Two instants cut the log into three windows; each is half open, the cut belongs to the later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// End of the factors' window.
    pub factors_until_ms: i64,
    /// End of the train window, start of the test window.
    pub train_until_ms: i64,
}

impl Split {
    /// The split of `dataset.json`, or the 60 % and 80 % points of the log in time.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`] where the instants do not rise, [`Error::SplitEmpty`] for a window without
    /// interactions.
    pub fn of(data: &Dataset) -> Result<Split, Error> {
        let split = match data.meta.split {
            Some(SplitInstants {
                factors_until_ms,
                train_until_ms,
            }) => Split {
                factors_until_ms,
                train_until_ms,
            },
            None => Split::by_share(data),
        };
        if split.factors_until_ms >= split.train_until_ms && data.meta.split.is_some() {
            return Err(Error::ConfigInvalid {
                option: "dataset.json split".to_owned(),
                reason: format!(
                    "factors_until_ms ({}) must be below train_until_ms ({})",
                    split.factors_until_ms, split.train_until_ms
                ),
            });
        }
        for side in [Side::Factors, Side::Train, Side::Test] {
            if split.rows(data, side).is_empty() {
                return Err(split.empty(side, "interactions"));
            }
        }
        Ok(split)
    }

    fn by_share(data: &Dataset) -> Split {
        let at = &data.interactions.at_ms;
        let point = |tenths: usize| at.get(at.len() * tenths / 10).copied().unwrap_or(i64::MAX);
        Split {
            factors_until_ms: point(6),
            train_until_ms: point(8),
        }
    }

    /// The window of an instant.
    #[must_use]
    pub fn side(&self, at_ms: i64) -> Side {
        if at_ms < self.factors_until_ms {
            Side::Factors
        } else if at_ms < self.train_until_ms {
            Side::Train
        } else {
            Side::Test
        }
    }

    /// Whole days since the end of the train window; negative before it.
    #[must_use]
    pub fn day(&self, at_ms: i64) -> i64 {
        at_ms.saturating_sub(self.train_until_ms).div_euclid(86_400_000)
    }

    /// Interaction rows of a window.
    #[must_use]
    pub fn rows(&self, data: &Dataset, side: Side) -> Range<usize> {
        let factors = data.interactions.before(self.factors_until_ms);
        let train = data.interactions.before(self.train_until_ms).max(factors);
        match side {
            Side::Factors => 0..factors,
            Side::Train => factors..train,
            Side::Test => train..data.interactions.len(),
        }
    }

    /// Labelled impressions of a window, in order of time: what towers and ranker train and are tested on.
    pub fn examples<'a>(
        &'a self,
        encounters: &'a [Encounter],
        side: Side,
    ) -> impl Iterator<Item = (&'a Encounter, bool)> + 'a {
        encounters
            .iter()
            .filter(move |e| e.outcome.shown && self.side(e.at_ms) == side)
            .filter_map(|e| Some((e, e.label()?)))
    }

    /// The error for a window that lacks `what`.
    #[must_use]
    pub fn empty(&self, side: Side, what: &'static str) -> Error {
        let (from, until) = match side {
            Side::Factors => ("the beginning".to_owned(), utc(self.factors_until_ms)),
            Side::Train => (utc(self.factors_until_ms), utc(self.train_until_ms)),
            Side::Test => (utc(self.train_until_ms), "the end".to_owned()),
        };
        Error::SplitEmpty {
            side: side.as_str(),
            what,
            from,
            until,
        }
    }
}

#[cfg(test)]
mod tests;
