//! `upnext-export shard`: table work on a part of a log, from stream to stream.

use std::io::{stdin, stdout};

use clap::ValueEnum;
use upnext_export::Error;
use upnext_export::shard::{IdTable, counts, ids, labels, times};
use upnext_export::split::Split;

/// What to make of the rows that come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Want {
    /// Of videos: ids and lengths of well-formed rows
    Videos,
    /// Of users: ids of well-formed rows
    Users,
    /// Of interactions: how many each hour has
    Times,
    /// Of interactions: encounters with their label
    Labels,
    /// Of interactions: likes, comments and watches of each video before the split's instants
    Counts,
}

/// Do the table work of a part of a log, from a stream of Arrow batches to another
///
/// For a log that does not fit one machine: model-export/spark calls it on each partition, so that a label is made by the same
/// function there as in `train`. Reads the Arrow IPC stream on standard input and writes one to standard output. Columns: docs/spark.md.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export shard videos < videos.arrows > ids.arrows
  upnext-export shard times < rows.arrows > hours.arrows
  upnext-export shard labels --split 1650816000000,1651420800000 < rows.arrows > labels.arrows")]
pub struct Shard {
    /// What to make of the rows
    #[arg(value_enum)]
    want: Want,
    /// End of the factor window and of the train window, Unix milliseconds: for labels and counts
    #[arg(long, value_name = "MS,MS", value_parser = instants, allow_hyphen_values = true)]
    #[arg(required_if_eq_any([("want", "labels"), ("want", "counts")]))]
    split: Option<Split>,
    /// Of times: count milliseconds within these hours since 1970 instead
    #[arg(long, value_name = "HOUR,…", value_delimiter = ',', allow_negative_numbers = true)]
    hours: Vec<i64>,
}

/// Two instants that rise.
fn instants(text: &str) -> Result<Split, String> {
    let two: Option<(i64, i64)> = text
        .split_once(',')
        .and_then(|(factors, train)| Some((factors.parse().ok()?, train.parse().ok()?)));
    match two {
        Some((factors_until_ms, train_until_ms)) if factors_until_ms <= train_until_ms => Ok(Split {
            factors_until_ms,
            train_until_ms,
        }),
        _ => Err("expected two whole numbers that rise, with a comma between".to_owned()),
    }
}

impl Shard {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let (input, output) = (stdin().lock(), stdout().lock());
        // Where it is read it is there.
        let split = self.split.unwrap_or(Split {
            factors_until_ms: 0,
            train_until_ms: 0,
        });
        let report = match self.want {
            Want::Videos => ids(IdTable::Videos, input, output),
            Want::Users => ids(IdTable::Users, input, output),
            Want::Times => times(&self.hours, input, output),
            Want::Labels => labels(&split, input, output),
            Want::Counts => counts(&split, input, output),
        }?;
        // What was malformed travels in the stream of the first pass; here it would be told once a part.
        drop(report);
        Ok(())
    }
}
