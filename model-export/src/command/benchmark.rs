//! `upnext-export benchmark`: a model on a split that somebody published.

use std::path::PathBuf;
use std::time::Instant;

use upnext_export::Error;
use upnext_export::benchmark::{
    FileFormat, ModelKind, Overrides, Report, Settings, Sources, TuneConfig, fit, load, rank, tune,
};
use upnext_export::progress::Progress;

use super::json;

/// Train a model on one file of interactions, and find those of another
///
/// Reads `user item [rating [time]]` by tabs, spaces, commas or `::`, one line for each user (`user item item …`), and for
/// --negatives lines of `(user,item)` followed by items. The whole catalogue but a user's train items is ranked, or with
/// --negatives or --sample-negatives some items. Formats, protocols and definitions: docs/benchmark.md.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export benchmark --train train.txt --test test.txt --model wmf --json wmf.json
  upnext-export benchmark --train ml-1m.train.rating --test ml-1m.test.rating --negatives ml-1m.test.negative --json ncf.json
  upnext-export benchmark --train train.txt --test test.txt --model ease --reg 300 --json ease.json
  upnext-export benchmark --train train.txt --test test.txt --tune --trials 40 --tune-log tune.jsonl --json tuned.json")]
pub struct Benchmark {
    /// Interactions to learn from
    #[arg(long, value_name = "FILE")]
    train: PathBuf,
    /// Interactions to find
    #[arg(long, value_name = "FILE")]
    test: PathBuf,
    /// Items that each test interaction is ranked against
    #[arg(long, value_name = "FILE", conflicts_with = "sample_negatives")]
    negatives: Option<PathBuf>,
    /// Rank each test interaction against this many random items instead
    #[arg(long, value_name = "N")]
    sample_negatives: Option<usize>,
    /// What learns
    #[arg(long, value_enum, default_value_t = ModelKind::Wmf)]
    model: ModelKind,
    /// Format of train and test; default: what they look like
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// Leave out interactions that are rated lower
    #[arg(long, value_name = "RATING")]
    min_rating: Option<f32>,
    /// Take ratings as the confidence of interactions (wmf)
    #[arg(long)]
    rating_is_confidence: bool,
    #[command(flatten)]
    settings: Overrides,
    /// Choose alpha and reg (wmf), rate and reg (bpr), reg (ease), neighbours and shrink (itemknn),
    /// low-pass and sharpen (graph) on a hold-out of train
    #[arg(long)]
    tune: bool,
    /// Settings to try
    #[arg(long, default_value_t = 24, value_name = "N")]
    trials: usize,
    /// Note each trial here, and take those that are noted as done; default: beside --json
    #[arg(long, value_name = "FILE")]
    tune_log: Option<PathBuf>,
    /// Write figures and settings here
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Benchmark {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let data = load(&Sources {
            train: self.train.clone(),
            test: self.test.clone(),
            negatives: self.negatives.clone(),
            sample: self.sample_negatives,
            format: self.format,
            min_rating: self.min_rating,
            rating_is_confidence: self.rating_is_confidence,
            seed: self.settings.seed.unwrap_or(1),
        })?;
        let mut settings = Settings::new(self.model, &self.settings, &data);
        let mut tuned = None;
        if self.tune {
            let beside = self.json.as_ref().map(|json| json.with_extension("tune.jsonl"));
            let config = TuneConfig {
                trials: self.trials,
                log: self.tune_log.clone().or(beside),
            };
            let (found, how) = tune(&data, settings, &self.settings, &config)?;
            (settings, tuned) = (found, Some(how));
        }
        let started = Instant::now();
        let progress = Progress::start("training", settings.epochs as u64);
        let fitted = fit(&data.train, &settings, |_| progress.add(1))?;
        progress.finish();
        let train_seconds = started.elapsed().as_secs_f64();
        let started = Instant::now();
        let figures = rank(fitted.model.as_ref(), &data);
        let report = Report {
            loss: fitted.loss,
            sweep_seconds: fitted.sweep_seconds,
            train_seconds,
            rank_seconds: started.elapsed().as_secs_f64(),
            tuned,
            ..Report::of(&data, settings, figures)
        };
        if let Some(path) = &self.json {
            json::save(path, &report)?;
        }
        print!("{}", report.table());
        Ok(())
    }
}
