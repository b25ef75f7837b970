//! The viewer as the ranker sees them: built once per slate from what is on the device.

use crate::encounter::{Encounter, encounters};
use crate::feature::spec::{FeatureSpec, PriorSpec};
use crate::feature::{EncodedUser, PastEvent, observed_over_expected, sigmoid};
use crate::{Context, QuantRow};

/// Most relevant videos of the past that a candidate is compared with: the latest.
pub const MAX_ANCHORS: usize = 64;
/// Weight of an encounter that the source judged, against one with seconds.
const JUDGED_WEIGHT: f64 = 0.5;
/// Relevant encounters that the viewer's own ratio must outweigh.
const VIEWER_STRENGTH: f64 = 2.0;

/// What the signals need of a viewer at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewerState<'a> {
    pub(crate) now_ms: i64,
    pub(crate) user_vector: &'a [f32],
    factor: &'a [f32],
    /// Length of the factor; 0 for a cold viewer.
    factor_norm: f32,
    prior: &'a PriorSpec,
    surface_row: u32,
    pub(crate) viewer: f32,
    pub(crate) like_rate: f32,
    anchors: Vec<(QuantRow<'a>, f32)>,
}

impl<'a> ViewerState<'a> {
    /// The state at `context.now_ms`; only events strictly before it are read.
    /// `encoded` and `user_vector` are what encoder and user tower made of the same viewer.
    #[must_use]
    pub fn new(
        spec: &'a FeatureSpec,
        context: &Context,
        history: &[PastEvent<'a>],
        encoded: &'a EncodedUser,
        user_vector: &'a [f32],
    ) -> ViewerState<'a> {
        let met = encounters(spec.seed, history, context.now_ms);
        let (viewer, like_rate) = rates(spec, history, &met);
        ViewerState {
            now_ms: context.now_ms,
            user_vector,
            factor: &encoded.factor,
            factor_norm: encoded.factor.iter().map(|v| v * v).sum::<f32>().sqrt(),
            prior: &spec.prior,
            surface_row: spec.user.surface.row(spec.seed, context.surface.as_deref()),
            viewer,
            like_rate,
            anchors: anchors(history, &met),
        }
    }

    /// Log-odds of relevance of an impression here and now of a video of this length.
    #[must_use]
    pub fn baseline(&self, length_seconds: Option<f32>) -> f32 {
        self.prior.log_odds(self.surface_row, length_seconds)
    }

    /// Cosine and inner product of the viewer's and a video's collaborative factor; zeros where either has none.
    #[must_use]
    pub fn of_factor(&self, factor: Option<QuantRow<'_>>) -> [f32; 2] {
        let Some(row) = factor.filter(|row| row.scale > 0.0 && self.factor_norm > 0.0) else {
            return [0.0; 2];
        };
        // The row's scale cancels in the cosine.
        let product = QuantRow { scale: 1.0, ..row }.dot(self.factor);
        let length = norm(row) * self.factor_norm;
        let cosine = if length > 0.0 { product / length } else { 0.0 };
        [cosine, row.scale * product]
    }

    /// Largest cosine between the row and a liked or finished video of the past; 0 without one.
    #[must_use]
    pub fn nearest_anchor(&self, row: QuantRow<'_>) -> f32 {
        if self.anchors.is_empty() {
            return 0.0;
        }
        let length = norm(row);
        if length == 0.0 {
            return 0.0;
        }
        let mut most = f32::NEG_INFINITY;
        for (anchor, norm) in &self.anchors {
            let cosine = anchor.level_dot(row) as f32 / (norm * length);
            if cosine > most {
                most = cosine;
            }
        }
        most
    }
}

/// The viewer's relevant encounters against what their surfaces and lengths let expect, and
/// their likes per encounter; both logarithms.
fn rates(spec: &FeatureSpec, history: &[PastEvent<'_>], met: &[Encounter]) -> (f32, f32) {
    let (mut observed, mut expected) = (0.0, 0.0);
    let (mut likes, mut count) = (0.0, 0.0);
    for Encounter { opened, outcome, .. } in met {
        let (Some(event), Some(label)) = (history.get(*opened), outcome.label()) else {
            continue;
        };
        let (weight, usual) = match outcome.by_source() {
            true => (JUDGED_WEIGHT, spec.prior.stand_in(event.length_seconds)),
            false => {
                let surface = spec.user.surface.row(spec.seed, event.surface);
                (
                    1.0,
                    sigmoid(f64::from(spec.prior.log_odds(surface, event.length_seconds))),
                )
            }
        };
        observed += if label { weight } else { 0.0 };
        expected += weight * usual;
        likes += if outcome.liked { 1.0 } else { 0.0 };
        count += 1.0;
    }
    let viewer = observed_over_expected(observed, expected, VIEWER_STRENGTH);
    (viewer as f32, libm::log((likes + 0.5) / (count + 20.0)) as f32)
}

/// Vectors and level lengths of the latest relevant videos, latest first, each once.
fn anchors<'a>(history: &[PastEvent<'a>], met: &[Encounter]) -> Vec<(QuantRow<'a>, f32)> {
    let mut videos: Vec<u64> = Vec::new();
    let mut anchors = Vec::new();
    for met in met.iter().rev().filter(|met| met.outcome.label() == Some(true)) {
        let row = history.get(met.rows).and_then(|event| event.vector);
        let Some((row, length)) = row.map(|row| (row, norm(row))).filter(|(_, length)| *length > 0.0) else {
            continue;
        };
        if anchors.len() < MAX_ANCHORS && !videos.contains(&met.video) {
            videos.push(met.video);
            anchors.push((row, length));
        }
    }
    anchors
}

/// Length of a row in levels.
fn norm(row: QuantRow<'_>) -> f32 {
    (row.level_dot(row) as f32).sqrt()
}
