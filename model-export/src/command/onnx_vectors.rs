//! `upnext-export onnx-vectors BUNDLE`

use std::path::PathBuf;

use clap::Args;
use upnext_export::{Error, bundle::Bundle, onnx::vectors};

/// Print seeded inputs of a bundle's graphs with the outputs of tract and of the compact programs
///
/// For tests/onnx_check.py, which holds onnxruntime to the same numbers.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  upnext-export onnx-vectors bundle --rows 32 > vectors.json")]
pub struct OnnxVectors {
    /// Bundle root, or the directory of one bundle
    bundle: PathBuf,
    /// Rows of each input
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    rows: u16,
    /// Seed of the inputs
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl OnnxVectors {
    pub fn run(self) -> Result<(), Error> {
        let bundle = Bundle::open(&self.bundle)?;
        let vectors = vectors::vectors(&bundle, usize::from(self.rows), self.seed)?;
        let text = serde_json::to_string(&vectors).map_err(Error::file(&self.bundle))?;
        println!("{text}");
        Ok(())
    }
}
