//! Training of the ranker: the heads on impressions, the order on what a server would offer.
//!
//! The two questions are not one. The *heads* are asked of what is shown, and are probabilities: relevant, liked, finished,
//! and the fraction watched, from one body with four outputs, by the weighted sum of their cross-entropies. The *order* of a
//! slate also has to guess what a viewer will meet at all among hundreds of candidates, which no impression can teach. There
//! only the places inside one offer count, so the loss is over whole offers: a softmax over the candidates, which is ListNet's
//! top-one loss (Cao et al., ICML 2007).

use std::ops::Range;

use burn::tensor::Device;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use upnext_core::head::Head;
use upnext_core::signal::SIGNALS;

use super::calibrate::Platt;
use super::config::RankerConfig;
use super::heads::{self, Places, Targets};
use super::network::{Learnt, Network};
use super::order::choices;
use super::rows::Rows;
use crate::Error;
use crate::group::Group;
use crate::towers::adam::Adam;
use crate::towers::graph::{cross_entropy, matrix};
use crate::towers::weights::RankerWeights;

/// Signals that tell the day. Within a train window of some days the age of every video grows with
/// the calendar, and a network learns from it which day it was; no such day comes back. On the
/// signals of KuaiRand an equal network in scikit-learn has a test AUC of 0.775 with them, 0.782
/// without. Held at zero in training, and zero in the weights.
const CALENDAR: [&str; 2] = ["freshness", "freshness_known"];

/// Fewer impressions are not held out to calibrate on.
const LEAST_HELD_OUT: usize = 200;

/// Which columns are held at zero.
fn held(width: usize, without: Option<Group>) -> Vec<bool> {
    let off = without.map_or(&[][..], Group::signals);
    (0..width)
        .map(|i| {
            SIGNALS
                .get(i)
                .is_some_and(|name| CALENDAR.contains(name) || off.contains(name))
        })
        .collect()
}

/// Mean and deviation of each column; a constant column has deviation 1.
fn moments(rows: &Rows) -> (Vec<f32>, Vec<f32>) {
    let (width, count) = (rows.width, rows.len().max(1) as f64);
    let (mut mean, mut square) = (vec![0.0_f64; width], vec![0.0_f64; width]);
    for row in rows.signals.chunks_exact(width.max(1)) {
        mean.iter_mut().zip(row).for_each(|(m, v)| *m += f64::from(*v) / count);
    }
    for row in rows.signals.chunks_exact(width.max(1)) {
        let offsets = square.iter_mut().zip(row).zip(&mean);
        offsets.for_each(|((s, v), m)| *s += (f64::from(*v) - m).powi(2) / count);
    }
    let deviation = |s: f64| if s > 1e-10 { s.sqrt() as f32 } else { 1.0 };
    (
        mean.iter().map(|m| *m as f32).collect(),
        square.into_iter().map(deviation).collect(),
    )
}

/// What the networks have in common.
pub(super) struct Training<'a> {
    pub(super) config: &'a RankerConfig,
    pub(super) device: Device,
    mean: Vec<f32>,
    std: Vec<f32>,
    pub(super) held: Vec<bool>,
}

/// A trained ranker.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranker {
    /// The weights; its logits are calibrated.
    pub weights: RankerWeights,
    /// How each head was calibrated, in the order of [`Head::ALL`]; `None` of a head that the log does not teach.
    pub calibration: [Option<Platt>; Head::ALL.len()],
}

impl Ranker {
    /// Which heads were taught.
    #[must_use]
    pub fn taught(&self) -> [bool; Head::ALL.len()] {
        self.calibration.map(|platt| platt.is_some())
    }
}

/// First impression of those that calibrate; all of them teach where they are too few to be held out.
fn held_out(count: usize, config: &RankerConfig) -> usize {
    let held = (count as f64 * f64::from(config.hold_out)).round() as usize;
    if held < LEAST_HELD_OUT { count } else { count - held }
}

/// Rows that [`fit`] goes through, over all passes: what `progress` is told adds up to this.
#[must_use]
pub fn work(shown: &Rows, offered: &Rows, config: &RankerConfig) -> usize {
    let pointwise = |rows: usize| config.passes(rows.div_ceil(config.batch.max(1))) * rows;
    let choices = choices(offered);
    let order = if choices.is_empty() {
        pointwise(shown.len())
    } else {
        let rows: usize = choices.iter().map(|choice| choice.rows.len()).sum();
        config.passes(choices.len().div_ceil(config.offers.max(1))) * rows
    };
    let held_out = held_out(shown.len(), config);
    let calibrating = if held_out < shown.len() { pointwise(held_out) } else { 0 };
    calibrating + pointwise(shown.len()) + order
}

/// Trains on labelled rows of signals: impressions in the order of time, and offers of a server. `progress` is told the
/// rows of a step and the running loss.
///
/// # Errors
/// [`Error::TrainingDiverged`]; [`Error::ConfigInvalid`] without rows or for an option outside its range.
pub fn fit(
    shown: &Rows,
    offered: &Rows,
    config: &RankerConfig,
    device: &Device,
    mut progress: impl FnMut(u64, f64),
) -> Result<Ranker, Error> {
    config.check()?;
    if shown.is_empty() {
        return Err(Error::ConfigInvalid {
            option: "ranker".to_owned(),
            reason: "needs labelled impressions in the train window".to_owned(),
        });
    }
    let (mean, std) = moments(shown);
    let training = Training {
        config,
        device: device.clone().autodiff(),
        mean,
        std,
        held: held(shown.width, config.without),
    };
    let taught = heads::taught(shown, config.loss);
    let calibration = training.calibration(shown, taught, &mut progress)?;
    let mut each = training.each(shown, 0..shown.len(), taught, &mut progress)?;
    if let Some(last) = each.deep.last_mut() {
        for (head, (platt, taught)) in calibration.iter().zip(taught).enumerate() {
            match taught {
                true => platt.fold(last, head),
                // It says nothing, and not what its first weights happen to say.
                false => Platt { scale: 0.0, shift: 0.0 }.fold(last, head),
            }
        }
    }
    let order = training.among(shown, offered, &mut progress)?;
    let layers = each.deep.iter().zip(&order.deep).enumerate();
    Ok(Ranker {
        weights: RankerWeights {
            dense_layers: layers.map(|(i, (a, b))| a.beside(b, i == 0)).collect(),
            wide: (each.wide.chunks_exact(Head::ALL.len()))
                .zip(&order.wide)
                .flat_map(|(each, order)| each.iter().chain([order]))
                .copied()
                .collect(),
            mean: training.mean,
            std: training.std,
            clip: config.clip,
        },
        calibration: std::array::from_fn(|head| taught[head].then_some(calibration[head])),
    })
}

/// What a network learns from impressions.
pub(super) struct Lesson<'a> {
    pub(super) rows: &'a Rows,
    pub(super) places: Places,
    pub(super) targets: Targets,
}

impl Training<'_> {
    pub(super) const fn adam(&self) -> Adam {
        Adam {
            rate: self.config.rate,
            l2: self.config.l2,
        }
    }

    /// How the heads are calibrated: those that learnt from the earlier impressions alone, on the later ones.
    fn calibration(
        &self,
        rows: &Rows,
        taught: [bool; Head::ALL.len()],
        progress: &mut impl FnMut(u64, f64),
    ) -> Result<[Platt; Head::ALL.len()], Error> {
        let held_out = held_out(rows.len(), self.config);
        if held_out == rows.len() {
            return Ok([Platt::NONE; Head::ALL.len()]);
        }
        let early = self.each(rows, 0..held_out, taught, progress)?;
        let said: Vec<Vec<f32>> = (held_out..rows.len())
            .map(|row| early.outputs(&self.standardised(rows.row(row)).collect::<Vec<f32>>()))
            .collect();
        Ok(Head::ALL.map(|head| {
            let own = (held_out..rows.len()).zip(&said);
            let own = own.filter_map(|(row, said)| Some((said[head as usize], heads::target(rows, row, head)?)));
            Platt::fit(&own.collect::<Vec<(f32, f32)>>())
        }))
    }

    /// The heads of each impression, on these rows, without the place at which it was shown.
    fn each(
        &self,
        rows: &Rows,
        which: Range<usize>,
        taught: [bool; Head::ALL.len()],
        progress: &mut impl FnMut(u64, f64),
    ) -> Result<Learnt, Error> {
        let [first, second] = self.config.hidden;
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        let lesson = Lesson {
            rows,
            places: Places::of(rows),
            targets: Targets::heads(rows, self.config.loss, taught),
        };
        let widths = [
            rows.width + lesson.places.width(),
            first,
            second,
            lesson.targets.outputs,
        ];
        let network = Network::deep(&widths, self.adam(), &mut rng);
        let mut learnt = self.pointwise(&lesson, which, network, &mut rng, progress)?;
        if let Some(first) = learnt.deep.first_mut() {
            lesson.places.cut(first);
        }
        learnt.wide.truncate(rows.width * lesson.targets.outputs);
        Ok(learnt)
    }

    /// The loss of [`Targets`], row by row.
    pub(super) fn pointwise(
        &self,
        lesson: &Lesson<'_>,
        which: Range<usize>,
        mut network: Network,
        rng: &mut ChaCha8Rng,
        progress: &mut impl FnMut(u64, f64),
    ) -> Result<Learnt, Error> {
        let Lesson { rows, places, targets } = lesson;
        let batch = self.config.batch;
        let mut order: Vec<usize> = which.collect();
        for epoch in 0..self.config.passes(order.len().div_ceil(batch)) {
            order.shuffle(rng);
            let (mut sum, mut seen) = (0.0, 0);
            for batch in order.chunks(batch) {
                let inputs = |row: &usize| {
                    let place = places.row(*row).iter().copied();
                    self.standardised(rows.row(*row)).chain(place)
                };
                let x: Vec<f32> = batch.iter().flat_map(inputs).collect();
                let (labels, weights, total) = targets.of(batch);
                let (n, outputs) = (batch.len(), targets.outputs);
                let value = network.step(x, n, &self.device, epoch, |logits| {
                    let labels = matrix(labels, n, outputs, &self.device);
                    let weights = matrix(weights, n, outputs, &self.device);
                    // A row weighs the same whatever of it is known.
                    cross_entropy(logits, labels, weights).mul_scalar(total / n as f32)
                })?;
                sum += value * n as f64;
                seen += n;
                progress(n as u64, sum / seen as f64);
            }
        }
        let held = (self.held.iter().copied()).chain(std::iter::repeat_n(false, places.width()));
        Ok(network.finish(&held.collect::<Vec<bool>>()))
    }

    /// A row of signals as the network takes it.
    pub(super) fn standardised<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let columns = row.iter().zip(&self.mean).zip(&self.std).zip(&self.held);
        let clip = self.config.clip;
        columns.map(move |(((v, m), d), held)| match held {
            true => 0.0,
            false => ((v - m) / d).max(-clip).min(clip),
        })
    }
}
