//! A student made and measured: texts are split, the teacher encodes them, the student learns, and held-out titles
//! say how near it came and what it finds.

mod measure;

use std::collections::HashSet;
use std::fmt::Write as _;

use serde::Serialize;
use upnext_core::hash::{bucket, hash64};
use upnext_core::text::Folding;

use super::bert::SentenceEncoder;
use super::student::{Fitted, Lesson, Student, StudentConfig, fit, to_safetensors};
use super::{Recall, TextSource, VectorStore, distinct, shortened};
use crate::Error;
use crate::progress::Progress;
use measure::measure;

pub use measure::SetReport;

/// Of this many titles one is held out to be measured, and another one to say when training ends.
const PARTS: u32 = 10;

/// What is learnt from and measured on.
#[derive(Debug, Clone, Serialize)]
pub struct DistillConfig {
    /// Titles: learnt from, but for two tenths; each source is measured by itself.
    pub titles: Vec<TextSource>,
    /// Texts that are only learnt from.
    pub more: Vec<TextSource>,
    /// Shortened titles to learn from, for each title that is learnt from.
    pub fragments: u64,
    /// The student.
    pub student: StudentConfig,
}

/// Everything measured.
#[derive(Debug, Clone, Serialize)]
pub struct DistillReport {
    /// Hash of the teacher.
    pub teacher: String,
    /// What was asked for.
    pub config: DistillConfig,
    /// Texts learnt from.
    pub learnt: usize,
    /// Bytes of the student's file.
    pub bytes: usize,
    /// How training went.
    pub training: Fitted,
    /// By source of titles.
    pub sets: Vec<SetReport>,
}

/// Which part of the titles a text belongs to, by its normalised letters: the same in every set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Measured,
    Stops,
    Learnt,
}

fn part(text: &str, seed: u64) -> Part {
    match bucket(hash64(seed, Folding::current().normalise(text).as_bytes()), PARTS) {
        0 => Part::Measured,
        1 => Part::Stops,
        _ => Part::Learnt,
    }
}

/// Trains a student of `teacher` and measures it.
///
/// # Errors
/// Those of [`TextSource::read`], [`SentenceEncoder::encode`] and [`fit`].
pub fn distill(
    teacher: &SentenceEncoder,
    store: &mut VectorStore,
    config: &DistillConfig,
) -> Result<(Student, DistillReport), Error> {
    let seed = config.student.seed;
    let sets: Vec<Vec<String>> = config
        .titles
        .iter()
        .map(|s| Ok(distinct(s.read()?)))
        .collect::<Result<_, Error>>()?;
    let all: Vec<String> = distinct(sets.concat());
    let (held, titles): (Vec<&str>, Vec<&str>) = all
        .iter()
        .map(String::as_str)
        .partition(|title| part(title, seed) != Part::Learnt);
    let stops: Vec<&str> = held
        .iter()
        .copied()
        .filter(|title| part(title, seed) == Part::Stops)
        .collect();
    let learnt = lessons(config, &titles, &held)?;
    let learnt: Vec<&str> = learnt.iter().map(String::as_str).collect();
    let (vectors, stop_vectors) = (teacher.encode(&learnt, store)?, teacher.encode(&stops, store)?);
    let progress = Progress::start("student", (config.student.epochs * learnt.len()) as u64);
    let (student, training) = fit(
        Lesson {
            texts: &learnt,
            vectors: &vectors,
        },
        Lesson {
            texts: &stops,
            vectors: &stop_vectors,
        },
        &config.student,
        |done, loss| progress.note(done, &format!("loss {loss:.4}")),
    )?;
    progress.finish();
    let measured = sets.iter().zip(&config.titles);
    let report = DistillReport {
        teacher: teacher.hash().to_owned(),
        config: config.clone(),
        learnt: learnt.len(),
        bytes: to_safetensors(&student, teacher.hash())?.len(),
        training,
        sets: measured
            .map(|(titles, source)| measure(teacher, store, &student, titles, source))
            .collect::<Result<_, Error>>()?,
    };
    Ok((student, report))
}

/// Titles, what they become when words are left out, and the further texts; nothing that a held-out title is too.
fn lessons(config: &DistillConfig, titles: &[&str], held: &[&str]) -> Result<Vec<String>, Error> {
    let seed = config.student.seed;
    let queries = held.iter().filter_map(|title| shortened(title, seed));
    let kept_back: HashSet<String> = held
        .iter()
        .map(|title| Folding::current().normalise(title))
        .chain(queries.map(|q| Folding::current().normalise(&q)))
        .collect();
    let mut all: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
    for round in 0..config.fragments {
        // Not the seed of the queries: these are other words.
        let seed = hash64(seed, &round.to_le_bytes());
        all.extend(titles.iter().filter_map(|title| shortened(title, seed)));
    }
    for source in &config.more {
        all.extend(source.read()?);
    }
    all.retain(|text| !kept_back.contains(&Folding::current().normalise(text)));
    Ok(distinct(all))
}

impl DistillReport {
    /// The figures, for a human.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "student of {} bytes, learnt from {} texts, epoch {} of {}",
            self.bytes,
            self.learnt,
            self.training.epoch,
            self.training.loss.len()
        );
        for set in &self.sets {
            let _ = writeln!(
                text,
                "{} ({}): {} titles, {} held out; cosine to the teacher {:.4}, of {} queries {:.4}",
                set.source.path.display(),
                set.source.column,
                set.titles,
                set.held_out,
                set.cosine,
                set.queries,
                set.query_cosine
            );
            for (name, Recall(at)) in &set.recall {
                let figures: Vec<String> = at.iter().map(|(k, share)| format!("{k} {share:.4}")).collect();
                let same = set.agreement_at_10.get(name);
                let same = same.map_or(String::new(), |share| format!("  of the teacher's ten {share:.4}"));
                let _ = writeln!(text, "  {name:30} {}{same}", figures.join("  "));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests;
