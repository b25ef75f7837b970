//! What an impression earned: the one definition of each online metric and of its offline estimate.
//!
//! A metric is the mean of one of these over impressions: click-through rate, share of completed videos, seconds
//! watched, explicit feedback. The server counts them from events (`GET /v1/metrics/online`), `evaluate` estimates them
//! for a policy that was never served (off-policy).

use crate::encounter::Outcome;

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

    /// What an impression with this outcome earned, of a video of this length in seconds; `None` where nobody can tell
    /// (a watch of unknown seconds or length).
    ///
    /// ```
    /// use upnext_core::encounter::Outcome;
    /// use upnext_core::reward::Reward;
    /// let played = Outcome { shown: true, watched: true, fraction: Some(0.25), ..Outcome::default() };
    /// assert_eq!(Reward::Click.of(&played, Some(200.0)), Some(1.0));
    /// assert_eq!(Reward::Completed.of(&played, Some(200.0)), Some(0.0));
    /// assert_eq!(Reward::WatchSeconds.of(&played, Some(200.0)), Some(50.0));
    /// ```
    #[must_use]
    pub fn of(self, outcome: &Outcome, length_seconds: Option<f32>) -> Option<f64> {
        let flag = |set: bool| f64::from(u8::from(set));
        // What was not played was watched for no second.
        let fraction = if outcome.watched { outcome.fraction } else { Some(0.0) };
        match self {
            Reward::Relevant => outcome.label().map(flag),
            Reward::Click => Some(flag(outcome.watched)),
            Reward::Completed => fraction.map(|f| flag(f >= COMPLETED_FRACTION)),
            Reward::WatchSeconds => match fraction {
                Some(0.0) => Some(0.0),
                Some(f) => length_seconds.map(|length| f64::from(f * length)),
                None => None,
            },
            Reward::Liked => Some(flag(outcome.liked)),
            Reward::Rejected => Some(flag(outcome.rejected)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventKind;

    fn earned(length_seconds: Option<f32>, events: &[(EventKind, Option<f32>)]) -> [Option<f64>; 6] {
        let mut outcome = Outcome {
            shown: true,
            ..Outcome::default()
        };
        events
            .iter()
            .for_each(|(kind, fraction)| outcome.absorb(*kind, *fraction, None));
        Reward::ALL.map(|reward| reward.of(&outcome, length_seconds))
    }

    #[test]
    fn each_metric_has_one_meaning() {
        let some = |values: [f64; 6]| values.map(Some);
        assert_eq!(earned(Some(200.0), &[]), some([0.0; 6]));
        assert_eq!(
            earned(Some(200.0), &[(EventKind::Watch, Some(0.25))]),
            some([0.0, 1.0, 0.0, 50.0, 0.0, 0.0])
        );
        assert_eq!(
            earned(Some(200.0), &[(EventKind::Watch, Some(0.95)), (EventKind::Like, None)]),
            some([1.0, 1.0, 1.0, f64::from(0.95_f32 * 200.0), 1.0, 0.0])
        );
        assert_eq!(
            earned(Some(200.0), &[(EventKind::NotInterested, None)]),
            some([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
        );
        // A length that is not known tells neither share nor seconds; that it was not played is known.
        assert_eq!(
            earned(None, &[(EventKind::Watch, None)]),
            [None, Some(1.0), None, None, Some(0.0), Some(0.0)]
        );
        assert_eq!(earned(None, &[]), some([0.0; 6]));
    }
}
