//! `upnext-export inspect BUNDLE`

use std::path::PathBuf;

use clap::Args;
use upnext_export::{Error, bundle};

/// Verify every file of a bundle and print what is in it
///
/// Roles, sizes and hashes of the files, dimensions, windows, the ops of the compact programs, and
/// the figures of the training run. Fails with a code at the first file that is not as its manifest says.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  upnext-export inspect bundle
  upnext-export inspect bundle --json | jq .manifest.metrics")]
pub struct Inspect {
    /// Bundle root (with current.json), or the directory of one bundle
    bundle: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub fn run(self) -> Result<(), Error> {
        let report = bundle::inspect(&self.bundle)?;
        if self.json {
            let text = serde_json::to_string_pretty(&report).map_err(Error::file(&self.bundle))?;
            println!("{text}");
        } else {
            print!("{report}");
        }
        Ok(())
    }
}
