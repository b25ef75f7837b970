//! The ranker's signals: what viewer and candidate have to do with each other, one number each.
//! Training and device call this one function.

use crate::QuantRow;
use crate::viewer::ViewerState;

/// Names of the signals, in input order of the ranker.
pub const SIGNALS: [&str; 10] = [
    "tower",
    "cf",
    "prior",
    "log_popularity",
    "length",
    "length_known",
    "freshness",
    "freshness_known",
    "viewer_log_odds",
    "nearest_anchor",
];

/// Number of signals.
pub const SIGNAL_COUNT: usize = SIGNALS.len();

/// A candidate as its block gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<'a> {
    /// Id.
    pub id: &'a str,
    /// Item vector.
    pub vector: QuantRow<'a>,
    /// Collaborative factor, where it has one.
    pub factor: Option<QuantRow<'a>>,
    /// Smoothed log-odds of relevance of an impression of this video.
    pub prior: f32,
    /// `log1p` of relevant events.
    pub log_popularity: f32,
    /// Length in seconds.
    pub length_seconds: Option<f32>,
    /// Published at, Unix milliseconds.
    pub published_at_ms: Option<i64>,
}

/// The signals of one candidate for one viewer, in [`SIGNALS`] order.
#[must_use]
pub fn signals(viewer: &ViewerState, candidate: &Candidate<'_>) -> [f32; SIGNAL_COUNT] {
    let (length, length_known) = viewer.length.value(candidate.length_seconds);
    let (freshness, freshness_known) = freshness(viewer.now_ms, candidate.published_at_ms);
    [
        candidate.vector.dot(&viewer.user_vector),
        candidate.factor.map_or(0.0, |factor| factor.dot(&viewer.factor)),
        candidate.prior,
        candidate.log_popularity,
        length,
        length_known,
        freshness,
        freshness_known,
        viewer.log_odds,
        viewer.nearest_anchor(candidate.vector),
    ]
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
