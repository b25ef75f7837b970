//! Sentence encoders of the BERT family: a directory in Hugging Face's layout, run on this crate's own kernels.
//!
//! The tokens of a batch are laid one after the other and go through every layer as one product; only attention looks
//! at each text by itself. Nothing is padded, so nothing is masked, and a text's vector has the same bits whatever it is
//! batched with.

mod activation;
mod config;
mod forward;
mod tokens;
mod weights;

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use upnext_core::bundle::sha256_hex;

use super::{TextVectors, VectorStore};
use crate::Error;
use crate::progress::Progress;
use config::Shape;
use tokens::Tokens;
use weights::Weights;

/// Part of every model's hash: another number is another way to compute, so that kept vectors are made anew.
const FORWARD_VERSION: &str = "bert-1";

/// Tokens that one task takes through the layers together.
const BATCH_TOKENS: usize = 512;

/// Tokens after which vectors are written to the store: what a run that is cut off loses at most.
const KEPT_TOKENS: usize = 16_384;

/// Files that say what a vector is; those after the third may be missing.
const FILES: [&str; 6] = [
    "config.json",
    "tokenizer.json",
    "model.safetensors",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
];

/// A sentence encoder in memory.
#[derive(Debug)]
pub struct SentenceEncoder {
    directory: PathBuf,
    shape: Shape,
    tokens: Tokens,
    weights: Weights,
    hash: String,
}

impl SentenceEncoder {
    /// Reads `config.json`, `tokenizer.json` and `model.safetensors` of a directory, and how it pools from
    /// `modules.json`. Without `modules.json` the mean over tokens is taken and scaled to length 1.
    ///
    /// # Errors
    /// [`Error::File`] where one of the three is missing, [`Error::TextModelUnsupported`] for a model of another
    /// architecture, [`Error::TextModelInvalid`] for a file that is cut short or a tensor of another shape.
    pub fn open(directory: &Path) -> Result<SentenceEncoder, Error> {
        let shape = Shape::read(directory)?;
        let tokens = Tokens::read(directory, &shape)?;
        let weights = Weights::read(directory, &shape)?;
        Ok(SentenceEncoder {
            hash: hash(directory)?,
            directory: directory.to_path_buf(),
            shape,
            tokens,
            weights,
        })
    }

    /// Width of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.shape.width
    }

    /// SHA-256 over everything that a vector depends on but the text, in hex.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The vectors of `texts`, on all cores. What `store` has is not computed again, and what is computed is written
    /// there as it comes: a run that was cut off goes on where it stopped.
    ///
    /// # Errors
    /// [`Error::TextModelInvalid`] where the tokenizer names a token that has no row, or a vector is not finite;
    /// [`Error::File`] where the store cannot be written.
    pub fn encode(&self, texts: &[&str], store: &mut VectorStore) -> Result<TextVectors, Error> {
        let mut missing: Vec<&str> = texts.iter().copied().filter(|text| !store.has(text)).collect();
        missing.sort_unstable();
        missing.dedup();
        let mut work = missing
            .into_par_iter()
            .map(|text| Ok((text, self.tokens.ids(text)?)))
            .collect::<Result<Vec<(&str, Vec<u32>)>, Error>>()?;
        // The longest first, so that what is left at the end is small and all cores end together.
        work.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
        let progress = Progress::start("text", work.iter().map(|(_, ids)| ids.len() as u64).sum());
        for some in by_tokens(&work, KEPT_TOKENS) {
            let batches: Vec<&[(&str, Vec<u32>)]> = by_tokens(some, BATCH_TOKENS).collect();
            let made = batches
                .into_par_iter()
                .map(|batch| {
                    let vectors = self.forward(batch)?;
                    progress.add(batch.iter().map(|(_, ids)| ids.len() as u64).sum());
                    Ok(vectors)
                })
                .collect::<Result<Vec<Vec<f32>>, Error>>()?;
            let vectors = made.iter().flat_map(|vectors| vectors.chunks_exact(self.dim()));
            store.keep(some.iter().map(|(text, _)| *text).zip(vectors))?;
        }
        progress.finish();
        let mut vectors = TextVectors::new(self.dim(), texts.len());
        for (text, row) in texts.iter().zip(vectors.rows_mut()) {
            let found = store.get(text).unwrap_or_default();
            row.iter_mut().zip(found).for_each(|(slot, value)| *slot = *value);
        }
        Ok(vectors)
    }

    fn forward(&self, batch: &[(&str, Vec<u32>)]) -> Result<Vec<f32>, Error> {
        let ids: Vec<&[u32]> = batch.iter().map(|(_, ids)| ids.as_slice()).collect();
        let vectors = self.weights.forward(&self.shape, &ids);
        for ((text, _), vector) in batch.iter().zip(vectors.chunks_exact(self.dim())) {
            if vector.iter().any(|v| !v.is_finite()) {
                return Err(Error::TextModelInvalid {
                    path: self.directory.clone(),
                    reason: format!("the vector of {text:?} is not finite"),
                });
            }
        }
        Ok(vectors)
    }
}

/// Runs of texts that have about `most` tokens together, at least one text in each.
fn by_tokens<'a>(work: &'a [(&'a str, Vec<u32>)], most: usize) -> impl Iterator<Item = &'a [(&'a str, Vec<u32>)]> {
    let mut sum = 0;
    // Cut where the sum passes a multiple of `most`.
    work.chunk_by(move |(_, ids), _| {
        sum += ids.len();
        let goes_on = sum < most;
        if !goes_on {
            sum = 0;
        }
        goes_on
    })
}

fn hash(directory: &Path) -> Result<String, Error> {
    let mut hashes = vec![FORWARD_VERSION.to_owned()];
    for (i, name) in FILES.iter().enumerate() {
        let path = directory.join(name);
        match fs::read(&path) {
            Ok(bytes) => hashes.push(sha256_hex(&bytes)),
            Err(error) if i > 2 && error.kind() == std::io::ErrorKind::NotFound => hashes.push("-".to_owned()),
            Err(error) => return Err(Error::file(&path)(error)),
        }
    }
    Ok(sha256_hex(hashes.join("\n").as_bytes()))
}

#[cfg(test)]
mod tests;
