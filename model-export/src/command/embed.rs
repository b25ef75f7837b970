//! `upnext-export embed`: vectors of texts by a sentence encoder or its student.

use std::path::PathBuf;

use upnext_core::text::Folding;
use upnext_export::Error;
use upnext_export::text::bert::SentenceEncoder;
use upnext_export::text::student::{self, Student};
use upnext_export::text::{TextSource, TextVectors, VectorStore};

/// Write the vectors of titles, or of other texts, as safetensors
///
/// Rows are in the order of the texts; a text that is missing has a row of zeros. The encoder is a directory in Hugging
/// Face's layout (config.json, model.safetensors, tokenizer.json) of a model of the BERT family. Vectors are kept by
/// content: a second run, or one that was cut off, encodes only what is new.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export embed --text-model all-MiniLM-L6-v2 --texts data --out titles.safetensors
  upnext-export embed --text-model all-MiniLM-L6-v2 --texts videos.csv:title --out titles.safetensors
  upnext-export embed --student student.safetensors --texts queries.txt --out queries.safetensors")]
pub struct Embed {
    /// Directory of the sentence encoder
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "student",
        required_unless_present = "student"
    )]
    text_model: Option<PathBuf>,
    /// A student that `distill` wrote
    #[arg(long, value_name = "FILE")]
    student: Option<PathBuf>,
    /// FILE[:COLUMN[:SEPARATOR]]: a CSV file (column title), a file of lines, or a data set's directory (title, comment, search)
    #[arg(long, value_name = "SOURCE")]
    texts: TextSource,
    /// Where vectors are kept by content
    #[arg(long, value_name = "DIR", default_value = ".upnext/text")]
    cache: PathBuf,
    /// The safetensors file: `vectors`, f32, a row for each text
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Embed {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let texts = self.texts.read()?;
        let (vectors, model) = match (&self.student, &self.text_model) {
            (Some(path), _) => by_student(&student::read(path)?, &texts),
            (None, Some(directory)) => by_encoder(&SentenceEncoder::open(directory)?, &texts, &self.cache)?,
            // The command line asks for one of them.
            (None, None) => (TextVectors::default(), String::new()),
        };
        let source = format!("{}:{}", self.texts.path.display(), self.texts.column);
        vectors.write(&self.out, &[("model", &model), ("texts", &source)])?;
        println!(
            "{} vectors of {} values in {}",
            vectors.len(),
            vectors.dim,
            self.out.display()
        );
        Ok(())
    }
}

fn by_student(student: &Student, texts: &[String]) -> (TextVectors, String) {
    let mut vectors = TextVectors::new(student.dim(), texts.len());
    for (text, row) in texts.iter().zip(vectors.rows_mut()) {
        student.encode(Folding::current(), text, row);
    }
    (vectors, "student".to_owned())
}

fn by_encoder(
    encoder: &SentenceEncoder,
    texts: &[String],
    cache: &std::path::Path,
) -> Result<(TextVectors, String), Error> {
    let mut store = VectorStore::open(cache, encoder.hash(), encoder.dim())?;
    let known = store.len();
    let (rows, some): (Vec<usize>, Vec<&str>) = texts
        .iter()
        .enumerate()
        .map(|(i, t)| (i, t.as_str()))
        .filter(|(_, t)| !t.trim().is_empty())
        .unzip();
    let found = encoder.encode(&some, &mut store)?;
    let mut vectors = TextVectors::new(encoder.dim(), texts.len());
    for (row, vector) in rows.into_iter().zip(found.rows()) {
        vectors.values[row * vectors.dim..][..vector.len()].copy_from_slice(vector);
    }
    println!("{} texts, {} encoded now", some.len(), store.len() - known);
    Ok((vectors, encoder.hash().to_owned()))
}
