//! What a page may choose about a slate.

use serde::Serialize;

use crate::tree::{decimal, record};
use crate::{Error, ErrorKind};

/// Longest slate.
pub const MAX_SLATE: usize = 200;

/// How a slate is made.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Options {
    /// Videos in the slate, 1..=[`MAX_SLATE`].
    pub size: usize,
    /// 0: order of relevance alone; 1: the most different slate.
    pub diversity: f32,
    /// From familiar, 0, to exploring, 1: a fifth of the places.
    pub explore: f32,
    /// Id of the video that plays now.
    pub watching: Option<String>,
    /// Seed of what is drawn; only exploration draws.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            size: 12,
            diversity: 0.3,
            explore: 0.0,
            watching: None,
            seed: 0,
        }
    }
}

record!(json Options {
    size = Options::default().size,
    diversity = Options::default().diversity,
    explore = Options::default().explore,
    watching,
    seed = Options::default().seed,
});

impl Options {
    pub(super) fn check(&self) -> Result<(), Error> {
        let invalid = |what: &str, reason: String| {
            Err(Error::from(ErrorKind::RequestInvalid {
                what: what.into(),
                reason,
            }))
        };
        if !(1..=MAX_SLATE).contains(&self.size) {
            return invalid("size", format!("is {}, needed is 1..={MAX_SLATE}", self.size));
        }
        for (what, value) in [("diversity", self.diversity), ("explore", self.explore)] {
            if !(0.0..=1.0).contains(&value) {
                return invalid(what, format!("is {}, needed is 0..=1", decimal::text(value)));
            }
        }
        Ok(())
    }
}
