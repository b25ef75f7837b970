//! Rows of the ranker: the core's signals of a user at a moment and the video that they were shown.

use upnext_core::QuantRow;
use upnext_core::head::FURTHER;
use upnext_core::signal::{Candidate, SIGNAL_COUNT, signals};
use upnext_core::viewer::ViewerState;

use crate::Error;
use crate::label::Encounter;
use crate::moments::Moments;
use crate::towers::QuantRows;
use crate::towers::weights::UserTowerWeights;

/// What an impression told beside its label.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Told {
    /// Place at which it was shown, from 0. A row may know it while the ranker learns; a candidate has none.
    pub position: Option<u32>,
    /// Targets of the heads after relevance, in the order of [`Head::ALL`](upnext_core::head::Head::ALL).
    pub further: [Option<f32>; FURTHER],
}

/// Signals and labels, row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Signals per row.
    pub width: usize,
    /// Row-major.
    pub signals: Vec<f32>,
    /// Labels.
    pub relevant: Vec<bool>,
    /// What impressions told beside it.
    pub told: Vec<Told>,
    /// How many rows each choice has, in order: what was on offer together.
    pub sizes: Vec<usize>,
    /// What each choice weighs in the loss of the order; where there is none, all weigh alike.
    pub weights: Vec<f32>,
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

    /// Appends rows of the same width.
    pub fn extend(&mut self, other: Rows) {
        self.width = other.width;
        self.signals.extend(other.signals);
        self.relevant.extend(other.relevant);
        self.told.extend(other.told);
        self.sizes.extend(other.sizes);
        self.weights.extend(other.weights);
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

/// A video that a viewer may be offered at a moment, and what the row may know of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offer {
    /// Video row.
    pub video: u32,
    /// Its effect.
    pub effect: f32,
    /// Its trend.
    pub trend: f32,
    /// The label.
    pub relevant: bool,
    /// What the impression told beside it; of an offer nothing.
    pub told: Told,
}

/// What was on offer together, to be chosen from.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The videos.
    pub offers: Vec<Offer>,
    /// What it weighs in the loss of the order.
    pub weight: f32,
}

impl From<Offer> for Choice {
    fn from(offer: Offer) -> Choice {
        Choice {
            offers: vec![offer],
            weight: 1.0,
        }
    }
}

/// Signals of what viewers may choose from at the moments of encounters, in their order, on all cores.
/// `progress` is told of every moment.
///
/// # Errors
/// [`Error::Core`] where an encoder refuses its input.
pub fn signals_of(
    source: &RowSource<'_>,
    encounters: &[&Encounter],
    choices: impl Fn(&Encounter) -> Vec<Choice> + Sync,
    progress: impl Fn() + Sync,
) -> Result<Rows, Error> {
    let moments = source.moments.map(encounters, source.vectors, |moment| {
        let encoded = &moment.encoded;
        let vector = source.tower.forward(&encoded.categorical, &encoded.dense);
        let viewer = ViewerState::new(source.moments.spec, &moment.context, moment.past, encoded, &vector);
        let mut rows = Rows {
            width: SIGNAL_COUNT,
            ..Rows::default()
        };
        for choice in choices(moment.encounter) {
            for offer in &choice.offers {
                rows.signals.extend(signals(&viewer, &candidate(source, offer)));
                rows.relevant.push(offer.relevant);
                rows.told.push(offer.told);
            }
            rows.sizes.push(choice.offers.len());
            rows.weights.push(choice.weight);
        }
        progress();
        Ok(rows)
    })?;
    let mut all = Rows {
        width: SIGNAL_COUNT,
        ..Rows::default()
    };
    moments.into_iter().for_each(|rows| all.extend(rows));
    Ok(all)
}

/// The offered video as a block would bring it.
fn candidate<'a>(source: &RowSource<'a>, offer: &Offer) -> Candidate<'a> {
    let nothing = QuantRow {
        scale: 0.0,
        values: &[],
    };
    let (data, video) = (source.moments.data, offer.video as usize);
    Candidate {
        vector: source.vectors.row(offer.video).unwrap_or(nothing),
        factor: source.moments.factors.row(offer.video),
        prior: source.prior.get(video).copied().unwrap_or(0.0),
        effect: offer.effect,
        trend: offer.trend,
        length_seconds: data.length_of(offer.video),
        published_at_ms: data.videos.published_at_ms.get(video).copied().flatten(),
    }
}
