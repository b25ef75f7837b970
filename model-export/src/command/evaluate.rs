//! `upnext-export evaluate`: figures of a bundle on the test window.

use std::fs;
use std::path::PathBuf;

use upnext_export::Error;
use upnext_export::bundle::Bundle;
use upnext_export::evaluate::{EvaluateConfig, evaluate, page};

use super::data::DataArgs;

/// Users whose slates show on the page what the diversity dial does.
const DIAL_USERS: usize = 400;

/// Measure popularity, CF, the towers and the whole device path on the test window
///
/// Impressions are scored as of the moment at which they were shown; slates are made as of the start of
/// the window, out of the whole catalogue, by the functions that the device runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export evaluate --data data --bundle bundle --json report.json --html report.html
  upnext-export evaluate --data data --bundle bundle --users 1000 --diversity 0")]
pub struct Evaluate {
    #[command(flatten)]
    data: DataArgs,
    /// Bundle root (with current.json), or the directory of one bundle
    #[arg(long)]
    bundle: PathBuf,
    /// Write the whole report here
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as one page with plots here
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Slates of at most this many users, evenly spaced; impressions are always all
    #[arg(long, default_value_t = 5000)]
    users: usize,
    /// Diversity dial of the device's slates, 0..=1
    #[arg(long, default_value_t = 0.3)]
    diversity: f32,
}

impl Evaluate {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let bundle = Bundle::open(&self.bundle)?;
        let config = EvaluateConfig {
            users: self.users,
            diversity: self.diversity,
            dial_users: if self.html.is_some() { DIAL_USERS } else { 0 },
        };
        let report = evaluate(&self.data.load()?, &bundle, &config)?;
        if let Some(path) = &self.json {
            let mut text = serde_json::to_string_pretty(&report).map_err(Error::file(path))?;
            text.push('\n');
            fs::write(path, text).map_err(Error::file(path))?;
        }
        if let Some(path) = &self.html {
            fs::write(path, page(&report)).map_err(Error::file(path))?;
        }
        print!("{}", report.table());
        Ok(())
    }
}
