//! `upnext-export golden`: rows that every runtime must reproduce.

use std::path::PathBuf;

use upnext_export::Error;
use upnext_export::bundle::Bundle;
use upnext_export::golden;

use super::data::DataArgs;

/// Write golden rows of a trained bundle: profile, context, history, now → encoded inputs → vector → slate
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  upnext-export simulate --users 200 --videos 200 --out data
  upnext-export train --data data --out bundle
  upnext-export golden --data data --bundle bundle --out tests/golden/trained")]
pub struct Golden {
    #[command(flatten)]
    data: DataArgs,
    /// Bundle root (with current.json), or the directory of one bundle
    #[arg(long)]
    bundle: PathBuf,
    /// Directory of the set; an earlier set there is replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Golden {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let bundle = Bundle::open(&self.bundle)?;
        let rows = golden::write(&self.data.load()?, &bundle, &self.out)?;
        println!("{rows} rows of bundle {} in {}", bundle.id, self.out.display());
        Ok(())
    }
}
