//! From text to token ids.

use std::fs;
use std::path::{Path, PathBuf};

use morpheme::{Tokenizer, TruncationParams};

use super::config::Shape;
use crate::Error;

/// The tokenizer of `tokenizer.json`, cut to the model's length.
#[derive(Debug)]
pub(super) struct Tokens {
    path: PathBuf,
    tokenizer: Tokenizer,
    vocabulary: usize,
    max_tokens: usize,
    lower_case: bool,
}

impl Tokens {
    /// Reads `tokenizer.json`. Its own padding and truncation don't count: the model says how much it takes.
    pub fn read(directory: &Path, shape: &Shape) -> Result<Tokens, Error> {
        let path = directory.join("tokenizer.json");
        let bytes = fs::read(&path).map_err(Error::file(&path))?;
        let invalid = |reason: String| Error::TextModelInvalid {
            path: path.clone(),
            reason,
        };
        let mut tokenizer = Tokenizer::from_bytes(&bytes).map_err(|error| invalid(error.to_string()))?;
        tokenizer.set_padding(None);
        let truncation = TruncationParams {
            max_length: shape.max_tokens,
            ..TruncationParams::default()
        };
        tokenizer
            .set_truncation(Some(truncation))
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Tokens {
            path,
            tokenizer,
            vocabulary: shape.vocabulary,
            max_tokens: shape.max_tokens,
            lower_case: shape.lower_case,
        })
    }

    /// Ids of a text with the special tokens; at least one.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>, Error> {
        let invalid = |reason: String| Error::TextModelInvalid {
            path: self.path.clone(),
            reason,
        };
        let lower;
        let mut trimmed = text.trim();
        if self.lower_case {
            lower = trimmed.to_lowercase();
            trimmed = &lower;
        }
        let encoding = self.tokenizer.encode(trimmed, true);
        let ids = encoding.map_err(|error| invalid(error.to_string()))?.ids().to_vec();
        if let Some(id) = ids.iter().find(|id| **id as usize >= self.vocabulary) {
            return Err(invalid(format!(
                "token {id} has no row in a table of {}",
                self.vocabulary
            )));
        }
        match ids.len() {
            0 => Err(invalid(format!("no token for {text:?}, not even a special one"))),
            n if n > self.max_tokens => Err(invalid(format!("{n} tokens where {} were asked for", self.max_tokens))),
            _ => Ok(ids),
        }
    }
}
