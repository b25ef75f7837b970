//! `upnext-export personal`: what the personal head brings, and to whom.

use std::path::PathBuf;

use upnext_export::Error;
use upnext_export::bundle::Bundle;
use upnext_export::evaluate::personal;

use super::data::DataArgs;
use super::json;

/// Measure the device with the personal head and without it on the test window
///
/// The same users at the same visits: P@10 of the slate at each, log loss and the users' own AUC of the window's
/// impressions, with 95 % intervals of the differences over draws of users. Of a simulated data set also the true P@10,
/// the mean chance that what is shown would be found relevant, and all of it for those who drift and for the others.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export simulate --out drift --drifting 0.3
  upnext-export train --data drift --out drift-bundle
  upnext-export personal --data drift --bundle drift-bundle --json personal.json")]
pub struct PersonalArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Bundle root (with current.json), or the directory of one bundle
    #[arg(long)]
    bundle: PathBuf,
    /// At most this many users, evenly spaced
    #[arg(long, default_value_t = 5000)]
    users: usize,
    /// Write the report here
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl PersonalArgs {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let bundle = Bundle::open(&self.bundle)?;
        let data = self.data.load()?;
        let report = personal(&data, &bundle, self.users)?;
        if let Some(path) = &self.json {
            json::save(path, &report)?;
        }
        print!("{}", report.table());
        Ok(())
    }
}
