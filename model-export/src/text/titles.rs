//! The texts of a data set by a sentence encoder, as the item tower reads them, and the student that stands in for the
//! encoder where there is none.
//!
//! An encoder's vector is wide (384 values and more), the item tower's inputs for a text are as wide as the built-in
//! encoder's vector. So the vectors are centred and projected on their first principal components, learnt from the titles that
//! were there before the end of the train window, and brought to length 1. The **student** learns these projected
//! vectors from hashed n-grams: a server, which has no sentence encoder, encodes the title of a new video with it.

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;
use upnext_core::EventKind;
use upnext_core::hash::{bucket, hash64};
use upnext_core::text::{Folding, Student};

use super::bert::SentenceEncoder;
use super::student::{Lesson, StudentConfig, fit};
use super::{TextVectors, VectorStore, distinct, shortened};
use crate::Error;
use crate::linear::Eigen;
use crate::progress::Progress;
use crate::split::Split;
use crate::table::{Dataset, NONE};

/// Of so many titles one says when the student's training ends.
const PARTS: u32 = 10;
/// Shortened forms of a title that the student learns beside it: titles to come share some of its words.
const FRAGMENTS: u64 = 2;
/// Parts of the texts whose products are summed by themselves.
const SUMS: usize = 64;

/// Titles and comments in the width of the built-in encoder.
#[derive(Debug, Clone)]
pub struct Titles {
    teacher: String,
    rows: HashMap<String, usize>,
    vectors: TextVectors,
    student: Student,
    cosine: f64,
}

/// How to learn them.
#[derive(Debug, Clone, Copy)]
pub struct TitlesConfig<'a> {
    /// The sentence encoder.
    pub encoder: &'a SentenceEncoder,
    /// Where the encoder's vectors are kept by content.
    pub cache: &'a Path,
    /// Width of a vector: that of the spec's text vectors.
    pub dim: usize,
    /// The student.
    pub student: StudentConfig,
}

impl Titles {
    /// Encodes all titles, and the comments from before the end of the train window; projection and student learn from titles of
    /// videos that were there by then.
    ///
    /// # Errors
    /// Those of [`VectorStore::open`], of [`SentenceEncoder::encode`] and of [`fit`]: [`Error::ConfigInvalid`] where there are too
    /// few titles.
    pub fn learn(data: &Dataset, split: &Split, config: &TitlesConfig<'_>) -> Result<Titles, Error> {
        let encoder = config.encoder;
        let mut store = VectorStore::open(config.cache, encoder.hash(), encoder.dim())?;
        let seed = config.student.seed;
        let known = distinct(known(data, split));
        let (stops, learnt): (Vec<&str>, Vec<&str>) =
            (known.iter().map(String::as_str)).partition(|title| bucket(hash64(seed, title.as_bytes()), PARTS) == 0);
        let lessons = lessons(&learnt, &stops, seed);
        let lessons: Vec<&str> = lessons.iter().map(String::as_str).collect();
        let titles: Vec<&str> = known.iter().map(String::as_str).collect();
        let projection = Projection::of(&encoder.encode(&titles, &mut store)?, config.dim);
        let mut encode =
            |texts: &[&str]| -> Result<TextVectors, Error> { Ok(projection.all(&encoder.encode(texts, &mut store)?)) };
        let (taught, held) = (encode(&lessons)?, encode(&stops)?);
        let progress = Progress::start("student", (config.student.epochs * lessons.len()) as u64);
        let (student, fitted) = fit(
            Lesson {
                texts: &lessons,
                vectors: &taught,
            },
            Lesson {
                texts: &stops,
                vectors: &held,
            },
            &config.student,
            |done, loss| progress.note(done, &format!("loss {loss:.4}")),
        )?;
        progress.finish();
        let texts = all(data, split);
        Ok(Titles {
            teacher: encoder.hash().to_owned(),
            vectors: encode(&texts)?,
            rows: texts.iter().map(|text| (*text).to_owned()).zip(0..).collect(),
            student,
            cosine: fitted
                .held_cosine
                .get(fitted.epoch.saturating_sub(1))
                .copied()
                .unwrap_or(0.0),
        })
    }

    /// Hash of the sentence encoder.
    #[must_use]
    pub fn teacher(&self) -> &str {
        &self.teacher
    }

    /// The vector of a title or comment of the data set; `None` of any other text.
    #[must_use]
    pub fn vector(&self, text: &str) -> Option<&[f32]> {
        self.rows.get(text).map(|row| self.vectors.row(*row))
    }

    /// What encodes the titles that are still to come.
    #[must_use]
    pub const fn student(&self) -> &Student {
        &self.student
    }

    /// Mean cosine of the student's vector to the encoder's, of titles that it did not learn from.
    #[must_use]
    pub const fn cosine(&self) -> f64 {
        self.cosine
    }
}

fn says(text: &str) -> bool {
    !text.trim().is_empty()
}

/// Titles of videos that were published or met before the end of the train window.
fn known(data: &Dataset, split: &Split) -> Vec<String> {
    let (videos, table) = (&data.videos, &data.interactions);
    let mut there: Vec<bool> = (videos.published_at_ms.iter())
        .map(|at| at.is_some_and(|at| at < split.train_until_ms))
        .collect();
    for row in 0..table.before(split.train_until_ms) {
        if table.video[row] != NONE {
            there[table.video[row] as usize] = true;
        }
    }
    let titles = videos.title.iter().zip(there).filter(|(_, there)| *there);
    titles
        .filter_map(|(title, _)| title.as_deref().filter(|t| says(t)).map(str::to_owned))
        .collect()
}

/// All titles, and the comments before the end of the train window, each once and in order.
fn all<'a>(data: &'a Dataset, split: &Split) -> Vec<&'a str> {
    let table = &data.interactions;
    let comments = (0..table.before(split.train_until_ms))
        .filter(|row| table.kind[*row] == EventKind::Comment)
        .filter_map(|row| table.text.get(row));
    let titles = data.videos.title.iter().filter_map(|title| title.as_deref());
    let mut texts: Vec<&str> = titles.chain(comments).filter(|text| says(text)).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// Titles and what they become when words are left out, but nothing that says when training ends.
fn lessons(titles: &[&str], stops: &[&str], seed: u64) -> Vec<String> {
    let mut all: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
    for round in 0..FRAGMENTS {
        let seed = hash64(seed, &round.to_le_bytes());
        all.extend(titles.iter().filter_map(|title| shortened(title, seed)));
    }
    let normal = |text: &str| Folding::current().normalise(text);
    let kept_back: std::collections::HashSet<String> = stops.iter().map(|text| normal(text)).collect();
    all.retain(|text| !kept_back.contains(&normal(text)));
    distinct(all)
}

/// Centre, and the first principal components.
#[derive(Debug, Clone)]
struct Projection {
    mean: Vec<f64>,
    /// Row by row, the strongest first.
    components: Vec<f64>,
    dim: usize,
}

impl Projection {
    /// On `dim` components; where vectors are narrower, what is left stays zero.
    fn of(vectors: &TextVectors, dim: usize) -> Projection {
        let (width, count) = (vectors.dim, vectors.len().max(1) as f64);
        let mut mean = vec![0.0; width];
        for row in vectors.rows() {
            mean.iter_mut().zip(row).for_each(|(m, v)| *m += f64::from(*v) / count);
        }
        // Sums of as many parts, in their order, on any number of cores: the same bits.
        let rows: Vec<&[f32]> = vectors.rows().collect();
        let sums: Vec<Vec<f64>> = rows
            .par_chunks(rows.len().div_ceil(SUMS).max(1))
            .map(|rows| {
                let mut sum = vec![0.0; width * width];
                for row in rows {
                    let centred: Vec<f64> = row.iter().zip(&mean).map(|(v, m)| f64::from(*v) - m).collect();
                    for (out, a) in sum.chunks_exact_mut(width).zip(&centred) {
                        out.iter_mut().zip(&centred).for_each(|(out, b)| *out += a * b);
                    }
                }
                sum
            })
            .collect();
        let mut covariance = vec![0.0; width * width];
        for sum in sums {
            covariance.iter_mut().zip(sum).for_each(|(c, s)| *c += s / count);
        }
        let eigen = Eigen::of(covariance, width).unwrap_or(Eigen {
            values: Vec::new(),
            vectors: Vec::new(),
        });
        let mut order: Vec<usize> = (0..eigen.values.len()).collect();
        order.sort_by(|a, b| eigen.values[*b].total_cmp(&eigen.values[*a]).then(a.cmp(b)));
        let rows = order.into_iter().take(dim);
        let components = rows.flat_map(|k| eigen.vectors[k * width..(k + 1) * width].iter().copied());
        Projection {
            components: components.collect(),
            mean,
            dim,
        }
    }

    /// All rows, each of length 1.
    fn all(&self, vectors: &TextVectors) -> TextVectors {
        let mut projected = TextVectors::new(self.dim, vectors.len());
        for (row, out) in vectors.rows().zip(projected.rows_mut()) {
            let centred: Vec<f64> = row.iter().zip(&self.mean).map(|(v, m)| f64::from(*v) - m).collect();
            let components = self.components.chunks_exact(self.mean.len().max(1));
            let values: Vec<f64> = components
                .map(|component| component.iter().zip(&centred).map(|(c, v)| c * v).sum())
                .collect();
            let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
            out.iter_mut().zip(values).for_each(|(out, v)| *out = (v / norm) as f32);
        }
        projected
    }
}

#[cfg(test)]
mod tests;
