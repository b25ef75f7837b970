//! `upnext-export factors`: factors of another solver, judged.

use std::path::PathBuf;

use upnext_export::Error;
use upnext_export::given::{FactorFiles, judge};

use super::data::DataArgs;
use super::json;

/// Check factors that another solver made, and judge them beside this program's own
///
/// Factorises the same pairs by the same loss, and by the default one. Tells the whole loss of both, and recall and nDCG of
/// rankings of the whole catalogue held to what was relevant in the train window, with 95 % intervals of the differences, drawn
/// in pairs from the users. Layout and what is checked: docs/spark.md.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export factors --data data --factors factors
  upnext-export factors --data data --factors factors --json factors.json")]
pub struct JudgeFactors {
    #[command(flatten)]
    data: DataArgs,
    /// Directory with factors.json, users and videos
    #[arg(long, value_name = "DIR")]
    factors: PathBuf,
    /// Seed of this program's own factors
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the figures here
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl JudgeFactors {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let files = FactorFiles::open(&self.factors)?;
        let judgement = judge(&files, &self.data.load()?, self.seed)?;
        if let Some(path) = &self.json {
            json::save(path, &judgement)?;
        }
        print!("{}", judgement.table());
        Ok(())
    }
}
