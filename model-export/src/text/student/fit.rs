//! Training the student: its vector's cosine to the teacher's, by Adam, until texts that it does not learn from no
//! longer gain.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;
use upnext_core::feature::spec::TextSpec;
use upnext_core::text::{Folding, LevelRows, Student, grams};

use crate::Error;
use crate::linear::{Kernel, add_scaled, dot, with_simd};
use crate::text::TextVectors;
use crate::towers::adam::{Adam, Moments, TrainedTable};
use crate::towers::weights::EmbeddingWeights;

/// Epochs without a gain after which training ends.
const PATIENCE: usize = 4;

/// How the student is made and trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StudentConfig {
    /// Buckets of n-grams: rows of the table.
    pub buckets: u32,
    /// Width of the table's rows.
    pub width: usize,
    /// Shortest n-gram, in characters.
    pub min_n: u32,
    /// Longest n-gram, in characters.
    pub max_n: u32,
    /// Most passes over the texts.
    pub epochs: usize,
    /// Texts of one step.
    pub batch: usize,
    /// Adam's step size at the start; it falls to a tenth over the epochs.
    pub rate: f32,
    /// Share of a text's n-grams that a step leaves out.
    pub dropout: f32,
    /// Seed of the hash and of everything random.
    pub seed: u64,
}

impl Default for StudentConfig {
    fn default() -> StudentConfig {
        StudentConfig {
            buckets: 3584,
            width: 104,
            min_n: 2,
            max_n: 4,
            epochs: 8,
            batch: 256,
            rate: 0.01,
            dropout: 0.0,
            seed: 1,
        }
    }
}

impl StudentConfig {
    fn check(&self) -> Result<(), Error> {
        let good = [
            ("--buckets", (1..=1 << 20).contains(&self.buckets), "1 to 1,048,576"),
            ("--width", (1..=4096).contains(&self.width), "1 to 4096"),
            ("--min-n", self.min_n >= 1 && self.min_n <= self.max_n, "1 to --max-n"),
            ("--max-n", self.max_n <= 16, "up to 16"),
            ("--epochs", self.epochs > 0, "1 or more"),
            ("--batch", self.batch > 0, "1 or more"),
            ("--rate", self.rate > 0.0 && self.rate.is_finite(), "above 0"),
            ("--dropout", (0.0..1.0).contains(&self.dropout), "0 to below 1"),
        ];
        match good.iter().find(|(_, good, _)| !good) {
            None => Ok(()),
            Some((option, _, range)) => Err(Error::ConfigInvalid {
                option: (*option).to_owned(),
                reason: format!("may be {range}"),
            }),
        }
    }

    fn spec(&self) -> TextSpec {
        TextSpec {
            dim: self.buckets,
            min_n: self.min_n,
            max_n: self.max_n,
        }
    }
}

/// Texts with the teacher's vectors.
#[derive(Debug, Clone, Copy)]
pub struct Lesson<'a> {
    /// The texts.
    pub texts: &'a [&'a str],
    /// The teacher's vector of each.
    pub vectors: &'a TextVectors,
}

/// How training went.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Fitted {
    /// Mean of one minus the cosine over each epoch, n-grams left out.
    pub loss: Vec<f64>,
    /// Mean cosine of the texts that are not learnt from, after each epoch, in f32.
    pub held_cosine: Vec<f64>,
    /// The epoch whose weights were taken, from 1.
    pub epoch: usize,
}

/// Trains a student on `lesson`; `held` says when to stop. `progress` is told of texts done and of the running loss.
///
/// # Errors
/// [`Error::ConfigInvalid`] for an option out of range or without a text, [`Error::TrainingDiverged`].
pub fn fit(
    lesson: Lesson<'_>,
    held: Lesson<'_>,
    config: &StudentConfig,
    mut progress: impl FnMut(u64, f64),
) -> Result<(Student, Fitted), Error> {
    config.check()?;
    if lesson.texts.is_empty() || held.texts.is_empty() {
        return Err(Error::ConfigInvalid {
            option: "--texts".to_owned(),
            reason: "too few texts: some are learnt from, others are held out".to_owned(),
        });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let (learnt, held_out) = (examples(lesson, config), examples(held, config));
    let mut weights = Weights::new(config, lesson.vectors.dim, &mut rng);
    let (mut best, mut best_cosine, mut fitted) = (weights.freeze(config), f64::NEG_INFINITY, Fitted::default());
    let mut order: Vec<usize> = (0..learnt.len()).collect();
    let mut step = 0;
    for epoch in 1..=config.epochs {
        order.shuffle(&mut rng);
        let faded = 1.0 - 0.9 * (epoch - 1) as f32 / config.epochs as f32;
        let adam = Adam {
            rate: config.rate * faded,
            l2: 0.0,
        };
        let (mut sum, mut seen) = (0.0, 0);
        for batch in order.chunks(config.batch) {
            step += 1;
            let some: Vec<Example<'_>> = batch
                .iter()
                .map(|i| learnt[*i].thinned(config.dropout, &mut rng))
                .collect();
            sum += weights.learn(&some, &adam, step);
            seen += batch.len();
            if !f64::is_finite(sum) {
                return Err(Error::TrainingDiverged {
                    step: "the student's training",
                    at: format!("epoch {epoch}, step {step}"),
                });
            }
            progress(batch.len() as u64, sum / seen as f64);
        }
        let cosine = weights.mean_cosine(&held_out);
        fitted.loss.push(sum / seen as f64);
        fitted.held_cosine.push(cosine);
        if cosine > best_cosine {
            (best, best_cosine, fitted.epoch) = (weights.freeze(config), cosine, epoch);
        } else if epoch >= fitted.epoch + PATIENCE {
            break;
        }
    }
    let best = best.ok_or_else(|| Error::ConfigInvalid {
        option: "--width".to_owned(),
        reason: "table and map do not fit".to_owned(),
    })?;
    Ok((best, fitted))
}

/// One text as n-grams, with the teacher's vector.
#[derive(Debug, Clone)]
struct Example<'a> {
    grams: Vec<(u32, f32)>,
    target: &'a [f32],
}

impl Example<'_> {
    fn thinned(&self, dropout: f32, rng: &mut ChaCha8Rng) -> Self {
        let grams = self.grams.iter().copied();
        Example {
            grams: grams
                .filter(|_| dropout == 0.0 || rng.random::<f32>() >= dropout)
                .collect(),
            target: self.target,
        }
    }
}

/// Texts without a word teach nothing, and neither does a teacher's vector of zeros.
fn examples<'a>(lesson: Lesson<'a>, config: &StudentConfig) -> Vec<Example<'a>> {
    let spec = config.spec();
    let texts = lesson.texts.par_iter().enumerate().map(|(i, text)| Example {
        grams: grams(&spec, config.seed, Folding::current(), text),
        target: lesson.vectors.row(i),
    });
    let some = |example: &Example<'_>| !example.grams.is_empty() && example.target.iter().any(|v| *v != 0.0);
    texts.filter(some).collect()
}

/// Weights under training.
struct Weights {
    table: TrainedTable,
    /// `dim × width`, row-major.
    map: Vec<f32>,
    moments: Moments,
    width: usize,
}

impl Weights {
    fn new(config: &StudentConfig, dim: usize, rng: &mut ChaCha8Rng) -> Weights {
        let width = config.width;
        let mut uniform =
            |count: usize, most: f32| -> Vec<f32> { (0..count).map(|_| rng.random_range(-most..most)).collect() };
        let rows = config.buckets as usize;
        let table = EmbeddingWeights {
            rows,
            dim: width,
            values: uniform(rows * width, 0.3),
        };
        let map = uniform(dim * width, (3.0 / width as f32).sqrt());
        Weights {
            table: TrainedTable::new(table),
            moments: Moments::new(map.len()),
            map,
            width,
        }
    }

    /// One step; the sum of the examples' losses.
    fn learn(&mut self, batch: &[Example<'_>], adam: &Adam, step: u32) -> f64 {
        let share = 1.0 / batch.len() as f32;
        let passed: Vec<Passed> = batch.par_iter().map(|example| self.pass(example)).collect();
        let mut gradient = vec![0.0; self.map.len()];
        gradient
            .par_chunks_exact_mut(self.width)
            .enumerate()
            .for_each(|(j, row)| {
                for one in passed.iter().filter(|one| !one.by_output.is_empty()) {
                    let factor = share * one.by_output[j];
                    row.iter_mut().zip(&one.sum).for_each(|(g, e)| *g += factor * e);
                }
            });
        for (example, one) in batch.iter().zip(&passed) {
            for (row, weight) in &example.grams {
                self.table.add(*row, share * weight, &one.by_sum);
            }
        }
        self.table.step(adam);
        adam.step(step, &mut self.map, &gradient, &mut self.moments);
        passed.iter().map(|one| f64::from(one.loss)).sum()
    }

    fn pass(&self, example: &Example<'_>) -> Passed {
        with_simd(Pass { weights: self, example })
    }

    fn mean_cosine(&self, examples: &[Example<'_>]) -> f64 {
        let losses: Vec<f64> = examples.par_iter().map(|e| f64::from(self.pass(e).loss)).collect();
        1.0 - losses.iter().sum::<f64>() / losses.len().max(1) as f64
    }

    /// `None` only where the widths do not fit, which those of a configuration do.
    fn freeze(&self, config: &StudentConfig) -> Option<Student> {
        let table = LevelRows::quantised(self.width, &self.table.value.values);
        let map = LevelRows::quantised(self.width, &self.map);
        Student::new(config.spec(), config.seed, table, map)
    }
}

/// What one example gives: its loss, and the loss's derivatives by the vector and by the sum of rows.
#[derive(Default)]
struct Passed {
    loss: f32,
    sum: Vec<f32>,
    by_output: Vec<f32>,
    by_sum: Vec<f32>,
}

struct Pass<'a> {
    weights: &'a Weights,
    example: &'a Example<'a>,
}

impl Kernel for Pass<'_> {
    type Output = Passed;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Passed {
        let Weights { table, map, width, .. } = self.weights;
        let target = self.example.target;
        let mut sum = vec![0.0; *width];
        for (row, weight) in &self.example.grams {
            add_scaled::<FMA>(&mut sum, *weight, table.value.row(*row));
        }
        let output: Vec<f32> = map.chunks_exact(*width).map(|row| dot::<FMA>(row, &sum)).collect();
        let norm = dot::<FMA>(&output, &output).sqrt();
        let target_norm = dot::<FMA>(target, target).sqrt();
        if norm.min(target_norm) <= f32::MIN_POSITIVE {
            return Passed {
                loss: 1.0,
                ..Passed::default()
            };
        }
        let cosine = dot::<FMA>(&output, target) / (norm * target_norm);
        let by_output: Vec<f32> = (output.iter().zip(target))
            .map(|(y, t)| (cosine * y / norm - t / target_norm) / norm)
            .collect();
        let mut by_sum = vec![0.0; *width];
        for (row, factor) in map.chunks_exact(*width).zip(&by_output) {
            add_scaled::<FMA>(&mut by_sum, *factor, row);
        }
        Passed {
            loss: 1.0 - cosine,
            sum,
            by_output,
            by_sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central differences of the loss, summed over the batch, against what one pass says.
    #[test]
    fn the_derivatives_are_those_of_the_loss() {
        let config = StudentConfig {
            buckets: 50,
            width: 5,
            ..StudentConfig::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut weights = Weights::new(&config, 7, &mut rng);
        let target: Vec<f32> = (0..7).map(|_| rng.random_range(-1.0..1.0)).collect();
        let example = Example {
            grams: vec![(3, 0.5), (11, -0.25), (40, 0.75)],
            target: &target,
        };
        let passed = weights.pass(&example);
        let step = 1e-3;
        for (j, k) in [(0, 0), (3, 2), (6, 4)] {
            let mut loss = |by: f32| {
                weights.map[j * 5 + k] += by;
                let loss = weights.pass(&example).loss;
                weights.map[j * 5 + k] -= by;
                loss
            };
            let slope = (loss(step) - loss(-step)) / (2.0 * step);
            let stated = passed.by_output[j] * passed.sum[k];
            assert!((slope - stated).abs() < 2e-3, "map {j},{k}: {slope} and {stated}");
        }
        for (row, k) in [(3, 1), (11, 0), (40, 4), (12, 2)] {
            let mut loss = |by: f32| {
                weights.table.value.values[row * 5 + k] += by;
                let loss = weights.pass(&example).loss;
                weights.table.value.values[row * 5 + k] -= by;
                loss
            };
            let slope = (loss(step) - loss(-step)) / (2.0 * step);
            let weight = example
                .grams
                .iter()
                .find(|(r, _)| *r as usize == row)
                .map_or(0.0, |(_, w)| *w);
            let stated = weight * passed.by_sum[k];
            assert!((slope - stated).abs() < 2e-3, "table {row},{k}: {slope} and {stated}");
        }
    }
}
