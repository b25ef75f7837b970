//! Rows of the ranker: the core's signals of a user at a moment and the video that they were shown.

use upnext_core::QuantRow;
use upnext_core::signal::{Candidate, SIGNAL_COUNT, signals};
use upnext_core::viewer::ViewerState;

use crate::Error;
use crate::label::Encounter;
use crate::moments::Moments;
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

/// What the signals are computed from, beside the moments.
#[derive(Debug, Clone, Copy)]
pub struct RowSource<'a> {
    /// Moments.
    pub moments: Moments<'a>,
    /// User tower.
    pub tower: &'a UserTowerWeights,
    /// Item vectors that belong to it.
    pub vectors: &'a QuantRows,
    /// Prior of each video.
    pub prior: &'a [f32],
}

/// Signals of labelled impressions, in their order, on all cores. `effect` is what a row may know
/// of its video's effect; `progress` is told of every row.
///
/// # Errors
/// [`Error::Core`] where an encoder refuses its input.
pub fn signals_of(
    source: &RowSource<'_>,
    impressions: &[(&Encounter, bool)],
    effect: impl Fn(&Encounter) -> f32 + Sync,
    progress: impl Fn() + Sync,
) -> Result<Rows, Error> {
    let encounters: Vec<&Encounter> = impressions.iter().map(|(e, _)| *e).collect();
    let rows = source.moments.map(&encounters, source.vectors, |moment| {
        let encoded = &moment.encoded;
        let vector = source.tower.forward(&encoded.categorical, &encoded.dense);
        let viewer = ViewerState::new(source.moments.spec, &moment.context, moment.past, encoded, &vector);
        let e = moment.encounter;
        let row = signals(&viewer, &candidate(source, e, effect(e)));
        progress();
        Ok(row)
    })?;
    Ok(Rows {
        width: SIGNAL_COUNT,
        signals: rows.concat(),
        relevant: impressions.iter().map(|(_, relevant)| *relevant).collect(),
    })
}

/// The shown video as a block would bring it.
fn candidate<'a>(source: &RowSource<'a>, e: &Encounter, effect: f32) -> Candidate<'a> {
    let nothing = QuantRow {
        scale: 0.0,
        values: &[],
    };
    let (data, video) = (source.moments.data, e.video as usize);
    Candidate {
        vector: source.vectors.row(e.video).unwrap_or(nothing),
        factor: source.moments.factors.row(e.video),
        prior: source.prior.get(video).copied().unwrap_or(0.0),
        effect,
        length_seconds: data.length_of(e.video),
        published_at_ms: data.videos.published_at_ms.get(video).copied().flatten(),
    }
}
