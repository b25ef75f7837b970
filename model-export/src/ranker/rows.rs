//! Rows of the ranker: the core's signals of a user at a moment and the video that they were shown.

use rayon::prelude::*;
use upnext_core::feature::UserEncoder;
use upnext_core::feature::spec::FeatureSpec;
use upnext_core::fold_in::Gram;
use upnext_core::signal::{Candidate, SIGNAL_COUNT, signals};
use upnext_core::viewer::ViewerState;

use crate::Error;
use crate::label::Encounter;
use crate::moments::{Pasts, before};
use crate::table::Dataset;
use crate::towers::QuantRows;
use crate::towers::weights::UserTowerWeights;

/// Signals and labels, row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Signals per row.
    pub width: usize,
    /// Row-major.
    pub signals: Vec<f32>,
    /// Labels.
    pub relevant: Vec<bool>,
}

impl Rows {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.relevant.len()
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.relevant.is_empty()
    }

    /// Signals of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.signals[row * self.width..(row + 1) * self.width]
    }
}

/// What signals are computed from.
#[derive(Clone, Copy)]
pub struct RowSource<'a> {
    /// Tables.
    pub data: &'a Dataset,
    /// Feature spec.
    pub spec: &'a FeatureSpec,
    /// Gram matrix of the item factors.
    pub gram: &'a Gram,
    /// Pasts of the users.
    pub pasts: &'a Pasts<'a>,
    /// User tower.
    pub tower: &'a UserTowerWeights,
    /// Item vectors that belong to it.
    pub vectors: &'a QuantRows,
    /// Item factors.
    pub factors: &'a QuantRows,
    /// Prior of each video.
    pub prior: &'a [f32],
}

/// Signals of labelled impressions, in their order, on all cores. `effect` is what a row may know
/// of its video's effect.
///
/// # Errors
/// [`Error::Core`] where an encoder refuses its input.
pub fn signals_of(
    source: &RowSource<'_>,
    impressions: &[(&Encounter, bool)],
    effect: impl Fn(&Encounter) -> f32 + Sync,
    progress: impl Fn(u64) + Sync,
) -> Result<Rows, Error> {
    let encoder = UserEncoder::new(source.spec, source.gram)?;
    // Users side by side, so that a past is collected once.
    let mut order: Vec<usize> = (0..impressions.len()).collect();
    order.sort_by_key(|i| impressions[*i].0.user);
    let by_user: Vec<&[usize]> = order
        .chunk_by(|a, b| impressions[*a].0.user == impressions[*b].0.user)
        .collect();
    let of_user = |of_user: &&[usize]| -> Result<Vec<(usize, [f32; SIGNAL_COUNT])>, Error> {
        let Some(user) = of_user.first().map(|i| impressions[*i].0.user) else {
            return Ok(Vec::new());
        };
        let events = source.pasts.of(user, Some(source.vectors), source.factors);
        let rows = of_user.iter().map(|i| {
            let e = impressions[*i].0;
            let (row, context) = (e.row as usize, source.data.context(e.row as usize));
            let past = before(&events, context.now_ms);
            let encoded = encoder.encode(&source.data.profile(user, Some(row)), &context, past)?;
            let vector = source.tower.forward(&encoded.categorical, &encoded.dense);
            let viewer = ViewerState::new(source.spec, &context, past, &encoded, &vector);
            Ok((*i, signals(&viewer, &candidate(source, e, effect(e)))))
        });
        let rows = rows.collect();
        progress(of_user.len() as u64);
        rows
    };
    let found: Result<Vec<Vec<_>>, Error> = by_user.par_iter().map(of_user).collect();
    let mut rows = Rows {
        width: SIGNAL_COUNT,
        signals: vec![0.0; impressions.len() * SIGNAL_COUNT],
        relevant: impressions.iter().map(|(_, relevant)| *relevant).collect(),
    };
    for (i, signals) in found?.into_iter().flatten() {
        rows.signals[i * SIGNAL_COUNT..(i + 1) * SIGNAL_COUNT].copy_from_slice(&signals);
    }
    Ok(rows)
}

/// The shown video as a block would bring it.
fn candidate<'a>(source: &RowSource<'a>, e: &Encounter, effect: f32) -> Candidate<'a> {
    let nothing = upnext_core::QuantRow {
        scale: 0.0,
        values: &[],
    };
    Candidate {
        vector: source.vectors.row(e.video).unwrap_or(nothing),
        factor: source.factors.row(e.video),
        prior: source.prior.get(e.video as usize).copied().unwrap_or(0.0),
        effect,
        length_seconds: source.data.length_of(e.video),
        published_at_ms: source
            .data
            .videos
            .published_at_ms
            .get(e.video as usize)
            .copied()
            .flatten(),
    }
}
