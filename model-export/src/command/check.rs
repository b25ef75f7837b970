//! `check`: reads tables as training would, and says what is in them.

use super::data::DataArgs;
use upnext_export::Error;
use upnext_export::table::summary;

/// Read tables, report malformed rows, print what is in them
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  upnext-export check --data target/data/kuairand --max-malformed 0.001")]
pub struct Check {
    #[command(flatten)]
    data: DataArgs,
}

impl Check {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        print!("{}", summary(&self.data.load()?));
        Ok(())
    }
}
