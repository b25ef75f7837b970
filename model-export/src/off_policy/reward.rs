//! What an impression earned. Each metric of a policy is the mean of one of these over impressions.

use crate::label::Encounter;
use crate::table::Dataset;

/// Share of its length from which a video counts as completed.
pub const COMPLETED_FRACTION: f32 = 0.9;

/// What is counted of an impression and of what followed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reward {
    /// 1 where it was relevant by the label: liked, or watched for half of its length.
    Relevant,
    /// 1 where it was played: the mean is the click-through rate.
    Click,
    /// 1 where it was watched for [`COMPLETED_FRACTION`] of its length.
    Completed,
    /// Seconds watched, loops counted once.
    WatchSeconds,
    /// 1 where it was liked.
    Liked,
    /// 1 where it was disliked, or "not interested".
    Rejected,
}

impl Reward {
    /// All, in the order of reports.
    pub const ALL: [Reward; 6] = [
        Reward::Relevant,
        Reward::Click,
        Reward::Completed,
        Reward::WatchSeconds,
        Reward::Liked,
        Reward::Rejected,
    ];

    /// The name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Reward::Relevant => "relevant",
            Reward::Click => "click_through",
            Reward::Completed => "completed",
            Reward::WatchSeconds => "watch_seconds",
            Reward::Liked => "liked",
            Reward::Rejected => "rejected",
        }
    }

    /// What an encounter earned; `None` where the log cannot tell (a watch of unknown seconds or length).
    #[must_use]
    pub fn of(self, encounter: &Encounter, data: &Dataset) -> Option<f64> {
        let outcome = &encounter.outcome;
        let flag = |set: bool| f64::from(u8::from(set));
        // What was not played was watched for no second.
        let fraction = if outcome.watched { outcome.fraction } else { Some(0.0) };
        match self {
            Reward::Relevant => encounter.label().map(flag),
            Reward::Click => Some(flag(outcome.watched)),
            Reward::Completed => fraction.map(|f| flag(f >= COMPLETED_FRACTION)),
            Reward::WatchSeconds => match fraction {
                Some(0.0) => Some(0.0),
                Some(f) => data.length_of(encounter.video).map(|length| f64::from(f * length)),
                None => None,
            },
            Reward::Liked => Some(flag(outcome.liked)),
            Reward::Rejected => Some(flag(outcome.rejected)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use upnext_core::EventKind;
    use upnext_core::encounter::Outcome;

    use super::*;
    use crate::table::{Builder, Meta, User, Video};

    #[test]
    fn each_metric_has_one_meaning() {
        let mut builder = Builder::new(Meta::default());
        builder.user(&User {
            id: "u",
            ..User::default()
        });
        builder.video(&Video {
            id: "known",
            length_seconds: Some(200.0),
            ..Video::default()
        });
        builder.video(&Video {
            id: "unknown",
            ..Video::default()
        });
        let data = builder.finish();
        let met = |video: u32, events: &[(EventKind, Option<f32>)]| {
            let mut outcome = Outcome {
                shown: true,
                ..Outcome::default()
            };
            events
                .iter()
                .for_each(|(kind, fraction)| outcome.absorb(*kind, *fraction, None));
            let encounter = Encounter {
                user: 0,
                video,
                row: 0,
                at_ms: 0,
                outcome,
            };
            Reward::ALL.map(|reward| reward.of(&encounter, &data))
        };
        let some = |values: [f64; 6]| values.map(Some);
        assert_eq!(met(0, &[]), some([0.0; 6]));
        assert_eq!(
            met(0, &[(EventKind::Watch, Some(0.25))]),
            some([0.0, 1.0, 0.0, 50.0, 0.0, 0.0])
        );
        assert_eq!(
            met(0, &[(EventKind::Watch, Some(0.95)), (EventKind::Like, None)]),
            some([1.0, 1.0, 1.0, f64::from(0.95_f32 * 200.0), 1.0, 0.0])
        );
        assert_eq!(
            met(0, &[(EventKind::NotInterested, None)]),
            some([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
        );
        // A length that is not known tells neither share nor seconds; that it was not played is known.
        assert_eq!(
            met(1, &[(EventKind::Watch, None)]),
            [None, Some(1.0), None, None, Some(0.0), Some(0.0)]
        );
        assert_eq!(met(1, &[]), some([0.0; 6]));
    }
}
