//! What a student is worth on one source of titles.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;
use upnext_core::feature::spec::TextSpec;
use upnext_core::text::{Folding, encode_text};

use super::{Part, part};
use crate::Error;
use crate::analyse::BUILT_IN_TEXT;
use crate::text::bert::SentenceEncoder;
use crate::text::recall::agreement;
use crate::text::student::Student;
use crate::text::{Recall, TextSource, TextVectors, VectorStore, shortened};

/// Figures of one source of titles; everything is of the student in int8.
#[derive(Debug, Clone, Serialize)]
pub struct SetReport {
    /// The source.
    pub source: TextSource,
    /// Distinct titles: the documents.
    pub titles: usize,
    /// Titles held out.
    pub held_out: usize,
    /// Mean cosine of the student's vectors of held-out titles to the teacher's.
    pub cosine: f64,
    /// The same of the queries.
    pub query_cosine: f64,
    /// Queries: held-out titles of two words or more, shortened.
    pub queries: usize,
    /// Recall of each way to encode query and documents.
    pub recall: BTreeMap<&'static str, Recall>,
    /// Share of the teacher's first ten titles for a query that each other way has among its first ten.
    pub agreement_at_10: BTreeMap<&'static str, f64>,
}

/// Encodes titles and queries by teacher, student and n-grams alone, and sees what finds what.
pub(super) fn measure(
    teacher: &SentenceEncoder,
    store: &mut VectorStore,
    student: &Student,
    titles: &[String],
    source: &TextSource,
) -> Result<SetReport, Error> {
    let seed = student.seed;
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let held: Vec<usize> = (0..titles.len())
        .filter(|i| part(titles[*i], seed) == Part::Measured)
        .collect();
    let (own, queries): (Vec<usize>, Vec<String>) = held
        .iter()
        .filter_map(|i| Some((*i, shortened(titles[*i], seed)?)))
        .unzip();
    let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
    let documents = unit(teacher.encode(&titles, store)?);
    let teacher_queries = unit(teacher.encode(&queries, store)?);
    let by_student = |texts: &[&str]| {
        encoded(texts, student.dim(), |text, out| {
            student.encode(Folding::current(), text, out)
        })
    };
    let by_grams = |spec: &TextSpec, texts: &[&str]| {
        encoded(texts, spec.dim as usize, |text, out| {
            encode_text(spec, seed, Folding::current(), text, out)
        })
    };
    let (student_documents, student_queries) = (by_student(&titles), by_student(&queries));
    let built_in = [&queries, &titles].map(|texts| by_grams(&BUILT_IN_TEXT, texts));
    let same_grams = [&queries, &titles].map(|texts| by_grams(&student.grams, texts));
    let ways: [(&'static str, [&TextVectors; 2]); 5] = [
        ("teacher", [&teacher_queries, &documents]),
        ("student query, teacher titles", [&student_queries, &documents]),
        ("student", [&student_queries, &student_documents]),
        ("n-grams, built in", built_in.each_ref()),
        ("n-grams, the student's", same_grams.each_ref()),
    ];
    let recall = |[queries, titles]: [&TextVectors; 2]| Recall::measure(queries, titles, &own);
    Ok(SetReport {
        source: source.clone(),
        titles: titles.len(),
        held_out: held.len(),
        cosine: mean_cosine(held.iter().map(|i| (student_documents.row(*i), documents.row(*i)))),
        query_cosine: mean_cosine(student_queries.rows().zip(teacher_queries.rows())),
        queries: queries.len(),
        recall: ways.iter().map(|(name, way)| (*name, recall(*way))).collect(),
        agreement_at_10: ways[1..]
            .iter()
            .map(|(name, way)| (*name, agreement(ways[0].1, *way, 10)))
            .collect(),
    })
}

fn encoded(texts: &[&str], dim: usize, encode: impl Fn(&str, &mut [f32]) + Sync) -> TextVectors {
    let mut vectors = TextVectors::new(dim, texts.len());
    let rows = vectors.values.par_chunks_exact_mut(dim.max(1)).zip(texts);
    rows.for_each(|(row, text)| encode(text, row));
    vectors
}

/// Rows of length 1; a teacher need not give such.
fn unit(mut vectors: TextVectors) -> TextVectors {
    for row in vectors.rows_mut() {
        let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        row.iter_mut().for_each(|v| *v /= norm);
    }
    vectors
}

/// Mean inner product of vectors of length 1.
fn mean_cosine<'a>(pairs: impl Iterator<Item = (&'a [f32], &'a [f32])>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    for (a, b) in pairs {
        sum += a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        count += 1;
    }
    sum / count.max(1) as f64
}
