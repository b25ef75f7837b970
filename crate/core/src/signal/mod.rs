//! The ranker's signals: what viewer and candidate have to do with each other, one number each.
//! Training and device call this one function.

use crate::QuantRow;
use crate::viewer::ViewerState;

/// Names of the signals, in input order of the ranker.
pub const SIGNALS: [&str; 15] = [
    "tower",
    "cf",
    "anchor",
    "baseline",
    "prior",
    "effect",
    "length",
    "length_squared",
    "length_known",
    "viewer",
    "like_rate",
    "freshness",
    "freshness_known",
    "affinity",
    "trend",
];

/// Number of signals.
pub const SIGNAL_COUNT: usize = SIGNALS.len();

/// Where the affinity stands in [`SIGNALS`].
pub(crate) const AFFINITY: usize = 13;

/// A candidate as its block gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<'a> {
    /// Item vector.
    pub vector: QuantRow<'a>,
    /// Collaborative factor, where it has one.
    pub factor: Option<QuantRow<'a>>,
    /// [`video_prior`](crate::feature::video_prior).
    pub prior: f32,
    /// [`video_effect`](crate::feature::video_effect).
    pub effect: f32,
    /// [`Block::log_popularity`](crate::block::Block::log_popularity).
    pub trend: f32,
    /// Length in seconds.
    pub length_seconds: Option<f32>,
    /// Published at, Unix milliseconds.
    pub published_at_ms: Option<i64>,
}

/// The signals of one candidate for one viewer, in [`SIGNALS`] order:
///
/// - `tower`: user vector · item vector
/// - `cf`: cosine of the viewer's fold-in factor and the item factor, 0 for a cold viewer
/// - `anchor`: largest cosine to a liked or finished video of the past
/// - `baseline`: log-odds of relevance by surface and length
/// - `prior`, `effect`: the video's, before and within the train window
/// - `length`, `length_squared`: standardised logarithm of the seconds; `length_known`
/// - `viewer`: relevant encounters of the past against the expected, a log ratio
/// - `like_rate`: logarithm of likes per encounter
/// - `freshness`: log1p of the days since publication; `freshness_known`
/// - `affinity`: fold-in factor · item factor, what the factorisation expects of the pair; 0 for a cold viewer
/// - `trend`: how often the video was found relevant of late
#[inline(never)]
#[must_use]
pub fn signals(viewer: &ViewerState<'_>, candidate: &Candidate<'_>) -> [f32; SIGNAL_COUNT] {
    let (length, length_known) = length(candidate.length_seconds);
    let (freshness, freshness_known) = freshness(viewer.now_ms, candidate.published_at_ms);
    let [cosine, affinity] = viewer.of_factor(candidate.factor);
    [
        candidate.vector.dot(viewer.user_vector),
        cosine,
        viewer.nearest_anchor(candidate.vector),
        viewer.baseline(candidate.length_seconds),
        candidate.prior,
        candidate.effect,
        length,
        length * length,
        length_known,
        viewer.viewer,
        viewer.like_rate,
        freshness,
        freshness_known,
        affinity,
        candidate.trend,
    ]
}

/// `(ln(seconds) − 4) / 1.2` within −2.5..=2, and 1.0 for known.
pub(crate) fn length(seconds: Option<f32>) -> (f32, f32) {
    match seconds {
        Some(s) if s > 0.0 && s.is_finite() => (((libm::logf(s) - 4.0) / 1.2).clamp(-2.5, 2.0), 1.0),
        _ => (0.0, 0.0),
    }
}

/// `log1p` of the days since publication, and 1.0 for known. A date to come counts as now.
fn freshness(now_ms: i64, published_at_ms: Option<i64>) -> (f32, f32) {
    match published_at_ms {
        Some(at) => {
            let days = (now_ms as f64 - at as f64).max(0.0) / 86_400_000.0;
            (libm::log1pf(days as f32), 1.0)
        }
        None => (0.0, 0.0),
    }
}

#[cfg(test)]
mod tests;
