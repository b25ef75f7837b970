//! What a page may choose about a slate.

use serde::Serialize;

use crate::diversity::{Limits, Method};
use crate::explore::Exploration;
use crate::head::HeadWeights;
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
    /// What counts as different.
    #[serde(skip_serializing_if = "Method::is_default")]
    pub method: Method,
    /// How much the slate's mix of channels follows that of what the viewer found relevant, 0..=1.
    #[serde(skip_serializing_if = "is_zero")]
    pub calibration: f32,
    /// Most videos of one channel, 1..=[`MAX_SLATE`]; `None`: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_channel: Option<usize>,
    /// Most videos with one tag, 1..=[`MAX_SLATE`]; `None`: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_tag: Option<usize>,
    /// What each further video of a channel or tag loses of its relevance, 0..=1; see [`Limits::decay`].
    #[serde(skip_serializing_if = "is_zero")]
    pub decay: f32,
    /// From familiar, 0, to exploring, 1: a fifth of the places.
    pub explore: f32,
    /// Id of the video that plays now.
    pub watching: Option<String>,
    /// Seed of what is drawn; only exploration draws.
    pub seed: u64,
    /// How the videos are drawn that exploring shows.
    #[serde(skip_serializing_if = "Exploration::is_default")]
    pub exploration: Exploration,
    /// How much of what the personal head learnt counts, 0..=1.
    #[serde(skip_serializing_if = "is_zero")]
    pub personal: f32,
    /// How much fatigue takes from a video that was shown and not played, 0..=1.
    #[serde(skip_serializing_if = "is_zero")]
    pub fatigue: f32,
    /// How much each of the ranker's heads counts in the order; `None`, of all or of one: as the bundle weighs them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_weights: Option<HeadWeights>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            size: 12,
            diversity: 0.3,
            method: Method::default(),
            calibration: 0.0,
            per_channel: None,
            per_tag: None,
            decay: 0.0,
            explore: 0.0,
            watching: None,
            seed: 0,
            exploration: Exploration::default(),
            personal: 0.0,
            fatigue: 0.0,
            head_weights: None,
        }
    }
}

record!(json Options {
    size = Options::default().size,
    diversity = Options::default().diversity,
    method = Method::default(),
    calibration = 0.0 => silent,
    per_channel as "perChannel",
    per_tag as "perTag",
    decay = 0.0 => silent,
    explore = Options::default().explore,
    watching,
    seed = Options::default().seed,
    exploration = Exploration::default(),
    personal = 0.0 => silent,
    fatigue = 0.0 => silent,
    head_weights as "headWeights",
});

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &f32) -> bool {
    *value == 0.0
}

impl Options {
    pub(super) const fn limits(&self) -> Limits {
        Limits {
            per_channel: self.per_channel,
            per_tag: self.per_tag,
            decay: self.decay,
        }
    }

    /// Whether the viewer's encounters count beyond what the ranker makes of them.
    pub(super) const fn learns(&self) -> bool {
        self.asks_the_head() || self.fatigue > 0.0
    }

    /// Whether the personal head has a say in the slate.
    pub(super) const fn asks_the_head(&self) -> bool {
        let thompson = self.explore > 0.0 && matches!(self.exploration, Exploration::Thompson);
        self.personal > 0.0 || thompson
    }

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
        for (what, most) in [("perChannel", self.per_channel), ("perTag", self.per_tag)] {
            if let Some(most) = most.filter(|most| !(1..=MAX_SLATE).contains(most)) {
                return invalid(what, format!("is {most}, needed is 1..={MAX_SLATE}"));
            }
        }
        for (what, value) in [
            ("diversity", self.diversity),
            ("calibration", self.calibration),
            ("decay", self.decay),
            ("explore", self.explore),
            ("personal", self.personal),
            ("fatigue", self.fatigue),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return invalid(what, format!("is {}, needed is 0..=1", decimal::text(value)));
            }
        }
        Ok(())
    }
}
