//! `upnext-export distill`: a small student of a sentence encoder, and what it is worth.

use std::fs;
use std::path::PathBuf;

use upnext_export::Error;
use upnext_export::text::bert::SentenceEncoder;
use upnext_export::text::distill::{DistillConfig, distill};
use upnext_export::text::student::{StudentConfig, to_safetensors};
use upnext_export::text::{TextSource, VectorStore};

use super::json;

/// Distil a sentence encoder into a table of hashed n-grams that fits a device
///
/// Of the titles of each source one in ten is held out to be measured and one in ten says when training ends. The report
/// has the cosine of the student's vectors to the teacher's, and how often the vector of a held-out title with half of
/// its words finds that title among all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export distill --text-model all-MiniLM-L6-v2 --texts videos.csv --out student.safetensors --json student.json
  upnext-export distill --text-model all-MiniLM-L6-v2 --texts videos.csv --texts movies.csv --more 'videos.csv:tags:|' --out student.safetensors")]
pub struct Distill {
    /// Directory of the sentence encoder, the teacher
    #[arg(long, value_name = "DIR")]
    text_model: PathBuf,
    /// Titles, FILE[:COLUMN[:SEPARATOR]]: learnt from, and measured by source
    #[arg(long, value_name = "SOURCE", required = true)]
    texts: Vec<TextSource>,
    /// Further texts to learn from, FILE:COLUMN[:SEPARATOR]
    #[arg(long, value_name = "SOURCE")]
    more: Vec<TextSource>,
    /// Where the teacher's vectors are kept by content
    #[arg(long, value_name = "DIR", default_value = ".upnext/text")]
    cache: PathBuf,
    /// The student's file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write figures and settings here
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Shortened titles to learn from, for each title
    #[arg(long, default_value_t = 2)]
    fragments: u64,
    /// Buckets of n-grams: rows of the student's table
    #[arg(long, default_value_t = StudentConfig::default().buckets)]
    buckets: u32,
    /// Width of the table's rows
    #[arg(long, default_value_t = StudentConfig::default().width)]
    width: usize,
    /// Shortest n-gram
    #[arg(long, default_value_t = StudentConfig::default().min_n)]
    min_n: u32,
    /// Longest n-gram
    #[arg(long, default_value_t = StudentConfig::default().max_n)]
    max_n: u32,
    /// Most passes over the texts
    #[arg(long, default_value_t = StudentConfig::default().epochs)]
    epochs: usize,
    /// Texts of one step
    #[arg(long, default_value_t = StudentConfig::default().batch)]
    batch: usize,
    /// Step size at the start
    #[arg(long, default_value_t = StudentConfig::default().rate)]
    rate: f32,
    /// Share of a text's n-grams that a step leaves out
    #[arg(long, default_value_t = StudentConfig::default().dropout)]
    dropout: f32,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Distill {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let teacher = SentenceEncoder::open(&self.text_model)?;
        let mut store = VectorStore::open(&self.cache, teacher.hash(), teacher.dim())?;
        let config = DistillConfig {
            titles: self.texts,
            more: self.more,
            fragments: self.fragments,
            student: StudentConfig {
                buckets: self.buckets,
                width: self.width,
                min_n: self.min_n,
                max_n: self.max_n,
                epochs: self.epochs,
                batch: self.batch,
                rate: self.rate,
                dropout: self.dropout,
                seed: self.seed,
            },
        };
        let (student, report) = distill(&teacher, &mut store, &config)?;
        let file = to_safetensors(&student, teacher.hash())?;
        fs::write(&self.out, file).map_err(Error::file(&self.out))?;
        if let Some(path) = &self.json {
            json::save(path, &report)?;
        }
        print!("{}", report.table());
        Ok(())
    }
}
