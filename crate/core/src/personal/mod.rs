//! What the ranker gets wrong about this one viewer, learnt on the device from their own encounters.
//!
//! The ranker is the same for everybody and stays as it was trained. Beside it stands a Bayesian logistic regression
//! of the labels of the viewer's encounters, with the ranker's own logit of each as an offset: what it learns is the
//! residual alone, and where the ranker is right it learns nothing. Its weights drift (an Ornstein–Uhlenbeck process
//! whose resting state is the prior), so that an old taste is unlearnt as fast as a new one is learnt, and a viewer who
//! stays away is judged by the ranker again. Features, in order: 1, the video's length, the unit vector of the video.
//!
//! It is a function of the history and of *now*, computed for each slate: nothing else is stored, a wiped history is
//! a reset, and a receipt stays true. An encounter counts where the history holds the ranker's logit of the moment
//! at which the video was shown ([`StoredEvent::expected`](crate::history::StoredEvent)); the latest [`MAX_EVIDENCE`].
//!
//! It acts only where it has shown that it may: before each encounter is learnt from, it is foretold with the head and
//! without, and the sum of the differences of the two log losses, old ones fading, must be above [`Tuning::least_gain`]. Where
//! it loses it is off, goes on learning, and can come back (prequential comparison: Dawid, *Statistical theory: the
//! prequential approach*, 1984).

mod belief;
mod ensemble;
mod tuning;

#[cfg(test)]
mod tests;

pub use tuning::Tuning;

use belief::Belief;

use crate::encounter::Encounter;
use crate::feature::PastEvent;
use crate::{QuantRow, signal};

/// Most encounters that are learnt from: the latest.
pub const MAX_EVIDENCE: usize = 256;
/// Encounters that must have been learnt from before the head acts.
pub const LEAST_EVIDENCE: usize = 12;
/// Most that the head adds to a logit or takes from it.
pub const MAX_SHIFT: f32 = 2.0;
/// Prior variance of a viewer's own level, in logits squared.
const LEVEL_VARIANCE: f32 = 0.5;
/// Prior variance of the weight of the standardised length.
const LENGTH_VARIANCE: f32 = 0.1;
/// Features before the vector's.
const HEAD: usize = 2;

/// How the head stands against the ranker alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Encounters that were learnt from.
    pub evidence: usize,
    /// By how much it foretold them better than the ranker, in nats, old ones fading; negative where it was worse.
    pub gain: f64,
    /// The gain above which it acts, in nats.
    pub least_gain: f64,
}

impl Default for Standing {
    /// Of a head of today that has seen nothing.
    fn default() -> Standing {
        Standing {
            evidence: 0,
            gain: 0.0,
            least_gain: Tuning::CURRENT.least_gain,
        }
    }
}

impl Standing {
    /// Whether the head acts.
    #[must_use]
    pub fn acts(&self) -> bool {
        self.evidence >= LEAST_EVIDENCE && self.gain > self.least_gain
    }
}

/// The personal head of a viewer at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Personal {
    belief: Belief,
    /// The viewer's level alone: the ranker that it is compared with may know that too.
    level: Belief,
    standing: Standing,
    gain_kept: f64,
}

/// The two foretold logits of an encounter.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Foretold {
    /// The ranker's, moved by the viewer's level.
    alone: f64,
    /// With the head.
    with: f64,
}

impl Personal {
    /// A head that knows nothing, for vectors of this width.
    #[must_use]
    pub fn new(tuning: &Tuning, width: usize) -> Personal {
        let mut prior = vec![tuning.variance; HEAD + width];
        prior[0] = LEVEL_VARIANCE;
        prior[1] = LENGTH_VARIANCE;
        Personal {
            belief: Belief::new(prior, tuning.half_life_days),
            level: Belief::new(vec![LEVEL_VARIANCE], tuning.half_life_days),
            standing: Standing {
                least_gain: tuning.least_gain,
                ..Standing::default()
            },
            gain_kept: tuning.gain_kept,
        }
    }

    /// The head of this history at `now_ms`, for vectors of this width; `met` are the encounters of the history before it.
    #[must_use]
    pub fn of(tuning: &Tuning, width: usize, history: &[PastEvent<'_>], met: &[Encounter], now_ms: i64) -> Personal {
        let mut head = Personal::new(tuning, width);
        let evidence = met.iter().filter_map(|met| {
            let (opened, rows) = (history.get(met.opened)?, history.get(met.rows)?);
            let vector = rows.vector.filter(|row| row.values.len() == width)?;
            let expected = opened.expected.or(rows.expected).filter(|logit| logit.is_finite())?;
            let relevant = met.outcome.label()?;
            Some((met.at_ms, vector, rows.length_seconds, expected, relevant))
        });
        let evidence: Vec<_> = evidence.collect();
        for (at_ms, vector, length, expected, relevant) in &evidence[evidence.len().saturating_sub(MAX_EVIDENCE)..] {
            head.learn(*at_ms, &features(*vector, *length), *expected, *relevant);
        }
        head.belief.pass(now_ms);
        head
    }

    /// How it stands against the ranker alone.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// What it adds to the ranker's logits for a video: to that of relevance, with the viewer's level, and to that of
    /// the order, without. Zeros where it does not act.
    #[must_use]
    pub fn shift(&self, vector: QuantRow<'_>, length_seconds: Option<f32>) -> [f32; 2] {
        if !self.standing.acts() {
            return [0.0; 2];
        }
        let order = self.lesson(vector, length_seconds);
        [self.belief.mean()[0] + order, order]
    }

    /// What it would add to the ranker's logit of the order for a video, if it acted.
    #[must_use]
    pub fn lesson(&self, vector: QuantRow<'_>, length_seconds: Option<f32>) -> f32 {
        taste(self.belief.mean(), vector, length_seconds)
    }

    /// The order of `candidates` (vector, length, logit of the order by the ranker alone) in each of `samples` samples of what
    /// the head holds possible: their indexes, best first, ties by index. Empty where the head does not act.
    pub(crate) fn ensemble(&self, samples: usize, candidates: &[(QuantRow<'_>, Option<f32>, f32)]) -> Vec<Vec<usize>> {
        if !self.standing.acts() {
            return Vec::new();
        }
        let ranked = |weights: Vec<f32>| {
            let order =
                |(vector, length, order): &(QuantRow<'_>, Option<f32>, f32)| order + taste(&weights, *vector, *length);
            let orders: Vec<f32> = candidates.iter().map(order).collect();
            let mut places: Vec<usize> = (0..orders.len()).collect();
            places.sort_by(|a, b| orders[*b].total_cmp(&orders[*a]));
            places
        };
        self.belief.samples(samples).into_iter().map(ranked).collect()
    }

    /// Learns from one encounter, not earlier than those before; foretells it first.
    fn learn(&mut self, at_ms: i64, features: &[f32], expected: f32, relevant: bool) {
        self.belief.pass(at_ms);
        self.level.pass(at_ms);
        let Foretold { alone, with } = self.foretell(features, expected);
        let gain = loss(alone, relevant) - loss(with, relevant);
        self.standing.gain = self.gain_kept * self.standing.gain + gain;
        self.standing.evidence += 1;
        self.belief.learn(features, expected, relevant);
        self.level.learn(&features[..1], expected, relevant);
    }

    fn foretell(&self, features: &[f32], expected: f32) -> Foretold {
        let weights = self.belief.mean();
        let taste: f32 = weights[1..].iter().zip(&features[1..]).map(|(w, x)| w * x).sum();
        Foretold {
            alone: f64::from(expected + self.level.mean()[0]),
            with: f64::from(expected + weights[0] + clamp(taste)),
        }
    }
}

/// What these weights say of a video, without the viewer's level; within ±[`MAX_SHIFT`].
fn taste(weights: &[f32], vector: QuantRow<'_>, length_seconds: Option<f32>) -> f32 {
    let scale = unit(vector);
    let of_vector = QuantRow { scale, ..vector }.dot(&weights[HEAD..]);
    clamp(weights[1] * signal::length(length_seconds).0 + of_vector)
}

/// What the head weighs of a video: 1, the length as the ranker sees it, the unit vector; `2 + width` values.
///
/// ```
/// use upnext_core::QuantRow;
/// use upnext_core::personal::features;
/// let row = QuantRow { scale: 0.5, values: &[3, 4] };
/// assert_eq!(features(row, None)[2..], [0.6, 0.8]);
/// ```
#[must_use]
pub fn features(vector: QuantRow<'_>, length_seconds: Option<f32>) -> Vec<f32> {
    let mut features = vec![0.0; HEAD + vector.values.len()];
    features[0] = 1.0;
    features[1] = signal::length(length_seconds).0;
    let scale = unit(vector);
    QuantRow { scale, ..vector }.add_to(1.0, &mut features[HEAD..]);
    features
}

/// The scale that makes a row one long; 0 for a row of zeros.
fn unit(row: QuantRow<'_>) -> f32 {
    let squared = row.level_dot(row);
    if squared > 0 {
        1.0 / (squared as f32).sqrt()
    } else {
        0.0
    }
}

fn clamp(shift: f32) -> f32 {
    shift.clamp(-MAX_SHIFT, MAX_SHIFT)
}

/// Log loss of a logit, in nats.
fn loss(logit: f64, relevant: bool) -> f64 {
    let against = if relevant { -logit } else { logit };
    // ln(1 + eˣ), which overflows nowhere.
    against.max(0.0) + libm::log1p(libm::exp(-against.abs()))
}
