//! The viewer as the ranker sees them: built once per slate from what is on the device.

use crate::feature::spec::{FeatureSpec, Standardise};
use crate::feature::{EncodedUser, PastEvent, UserLayout, before};
use crate::hash::hash64;
use crate::{Context, EventKind, QuantRow};

/// Most relevant videos of the past that a candidate is compared with: the latest.
pub const MAX_ANCHORS: usize = 64;

/// What the signals need of a viewer at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewerState {
    pub(crate) now_ms: i64,
    pub(crate) user_vector: Vec<f32>,
    pub(crate) factor: Vec<f32>,
    pub(crate) cold: bool,
    pub(crate) log_odds: f32,
    pub(crate) length: Standardise,
    /// `(hash of the id, times watched)`, rising by hash.
    seen: Vec<(u64, u32)>,
    seed: u64,
    anchors: Vec<i8>,
    anchor_norms: Vec<f32>,
    vector_dim: usize,
}

impl ViewerState {
    /// The state at `context.now_ms`; only events strictly before it are read.
    /// `encoded` and `user_vector` are what encoder and user tower made of the same viewer.
    #[must_use]
    pub fn new(
        spec: &FeatureSpec,
        context: &Context,
        history: &[PastEvent<'_>],
        encoded: &EncodedUser,
        user_vector: &[f32],
    ) -> ViewerState {
        let cold = encoded.dense.get(UserLayout::new(spec).cold_at) != Some(&0.0);
        let mut state = ViewerState {
            now_ms: context.now_ms,
            user_vector: user_vector.to_vec(),
            factor: encoded.factor.clone(),
            cold,
            log_odds: 0.0,
            length: spec.item.length,
            seen: Vec::new(),
            seed: spec.seed,
            anchors: Vec::new(),
            anchor_norms: Vec::new(),
            vector_dim: spec.vector_dim as usize,
        };
        let (mut relevant, mut other) = (1.0_f32, 1.0_f32);
        let order = before(context.now_ms, history, usize::MAX, |event| event.video.is_some());
        for event in order.iter().filter_map(|at| history.get(*at)) {
            match (event.relevant(), event.kind) {
                (true, _) => relevant += 1.0,
                (false, EventKind::Watch | EventKind::Dislike | EventKind::NotInterested) => other += 1.0,
                _ => {}
            }
            if let (EventKind::Watch, Some(video)) = (event.kind, event.video) {
                state.count(video);
            }
        }
        state.log_odds = libm::logf(relevant / other);
        for event in order
            .iter()
            .rev()
            .filter_map(|at| history.get(*at))
            .filter(|event| event.relevant())
        {
            if let Some(row) = event.vector {
                state.anchor(row);
            }
        }
        state
    }

    /// How often the video was watched before.
    #[must_use]
    pub fn times_seen(&self, video: &str) -> u32 {
        let hash = hash64(self.seed, video.as_bytes());
        match self.seen.binary_search_by_key(&hash, |(hash, _)| *hash) {
            Ok(at) => self.seen[at].1,
            Err(_) => 0,
        }
    }

    /// Largest cosine between the row and a liked or finished video of the past; 0 without one.
    #[must_use]
    pub fn nearest_anchor(&self, row: QuantRow<'_>) -> f32 {
        let norm = norm(row.values);
        let anchors = self
            .anchors
            .chunks_exact(self.vector_dim.max(1))
            .zip(&self.anchor_norms);
        let cosines = anchors.map(|(anchor, length)| {
            let dot = QuantRow {
                scale: 1.0,
                values: anchor,
            }
            .level_dot(row) as f32;
            if norm > 0.0 { dot / (norm * length) } else { 0.0 }
        });
        cosines.reduce(f32::max).unwrap_or(0.0)
    }

    fn count(&mut self, video: &str) {
        let hash = hash64(self.seed, video.as_bytes());
        match self.seen.binary_search_by_key(&hash, |(hash, _)| *hash) {
            Ok(at) => self.seen[at].1 += 1,
            Err(at) => self.seen.insert(at, (hash, 1)),
        }
    }

    fn anchor(&mut self, row: QuantRow<'_>) {
        let norm = norm(row.values);
        if norm > 0.0 && row.values.len() == self.vector_dim && self.anchor_norms.len() < MAX_ANCHORS {
            self.anchors.extend_from_slice(row.values);
            self.anchor_norms.push(norm);
        }
    }
}

/// Length of a row in levels; the scale cancels in a cosine.
fn norm(levels: &[i8]) -> f32 {
    let row = QuantRow {
        scale: 1.0,
        values: levels,
    };
    (row.level_dot(row) as f32).sqrt()
}
