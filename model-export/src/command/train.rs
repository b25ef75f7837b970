//! `upnext-export train`: from tables to a bundle.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use upnext_export::analyse::BUILT_IN_TEXT;
use upnext_export::bundle::Bundle;
use upnext_export::compile::Precision;
use upnext_export::given::FactorFiles;
use upnext_export::split::Split;
use upnext_export::table::Dataset;
use upnext_export::text::bert::SentenceEncoder;
use upnext_export::text::student::StudentConfig;
use upnext_export::text::{Titles, TitlesConfig};
use upnext_export::towers::Objective;
use upnext_export::train::{Cache, Model, Prepared, TrainFile, train_with};
use upnext_export::{Error, bundle};

use super::data::DataArgs;

/// Train factors, towers and ranker, and write them as a bundle
///
/// Analyses the train side, factorises who found what relevant, trains the two towers and the ranker,
/// writes ONNX, compiles it, and makes the bundle current. A step whose inputs are unchanged is not
/// done again; a run that was cut off goes on at the step where it stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export train --data data --out bundle
  upnext-export train --data data --out bundle --loss bce --epochs 8 --seed 7
  upnext-export train --data data --out bundle --weights int8
  upnext-export train --print-config > train.toml
  upnext-export train --data data --out bundle --config train.toml --epochs 4
  upnext-export train --data newer --out bundle --previous bundle
  upnext-export train --data sample --out bundle --factors factors
  upnext-export train --data data --out bundle --text-model all-MiniLM-L6-v2")]
pub struct Train {
    /// Directory with the tables videos, users, interactions (.parquet, .csv or .csv.zst) and dataset.json
    #[arg(long, value_name = "DATA", required_unless_present = "print_config")]
    data: Option<PathBuf>,
    /// Share of malformed rows of a table above which it is refused
    #[arg(long, default_value_t = 0.01, value_name = "SHARE")]
    max_malformed: f64,
    /// Bundle root: gets current.json and a directory for the bundle
    #[arg(long, value_name = "BUNDLE", required_unless_present = "print_config")]
    out: Option<PathBuf>,
    /// Options from this TOML file; those given here win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write the options as they would be used, with what each means, as a file for --config, and train nothing
    #[arg(long)]
    print_config: bool,
    /// What the towers learn from; default sampled-softmax
    #[arg(long, value_enum)]
    loss: Option<Objective>,
    /// Passes over the examples with both towers; default 8
    #[arg(long)]
    epochs: Option<usize>,
    /// Seed of everything random; default 1
    #[arg(long)]
    seed: Option<u64>,
    /// How the weights of the device's programs are stored: f16 halves, int8 quarters what a device loads of them; default f32
    #[arg(long, value_enum)]
    weights: Option<Precision>,
    /// Factors that another solver made of the whole log, as model-export/spark writes them, instead of factorising here
    #[arg(long, value_name = "DIR")]
    factors: Option<PathBuf>,
    /// Sentence encoder by which titles and comments are read, a directory in Hugging Face's layout; default: the built-in
    /// n-grams. A student of it comes with the bundle and reads the titles of new videos
    #[arg(long, value_name = "DIR")]
    text_model: Option<PathBuf>,
    /// Where the encoder's vectors are kept by content
    #[arg(long, value_name = "DIR", default_value = ".upnext/text", requires = "text_model")]
    text_cache: PathBuf,
    /// Bundle that devices have now, a root or a bundle's own directory: what they stored of it is carried over to the new one
    #[arg(long, value_name = "BUNDLE")]
    previous: Option<PathBuf>,
    /// Where results of steps are kept; default DATA/.cache
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
}

/// Which bundle a run wrote: lets an unchanged run end at once.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    id: String,
}

impl Train {
    /// The options of the file, and over them those of the command line.
    fn options(&self) -> Result<TrainFile, Error> {
        let mut options = match &self.config {
            Some(path) => TrainFile::read(path, self.loss)?,
            None => TrainFile::new(self.loss.unwrap_or(Objective::SampledSoftmax)),
        };
        if let Some(epochs) = self.epochs {
            options.train.towers.epochs = epochs;
        }
        if let Some(seed) = self.seed {
            options.train.set_seed(seed);
        }
        if let Some(weights) = self.weights {
            options.weights = weights;
        }
        options.train.check()?;
        Ok(options)
    }

    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let options = self.options()?;
        let (Some(dir), Some(out), false) = (&self.data, &self.out, self.print_config) else {
            print!("{}", options.to_toml());
            return Ok(());
        };
        let TrainFile {
            train: mut config,
            weights,
        } = options;
        let source = DataArgs {
            dir: dir.clone(),
            max_malformed: self.max_malformed,
        };
        let work = self.work.clone().unwrap_or_else(|| dir.join(".cache"));
        let given = self.factors.as_deref().map(FactorFiles::open).transpose()?;
        let mut inputs = source.tables()?;
        if let Some(given) = &given {
            inputs.extend(given.files());
            config = given.settle(config);
        }
        let cache = Cache::new(&work, &inputs)?;
        let current = Bundle::open(out).ok().map(|bundle| bundle.id);
        let objective = config.towers.objective;
        let previous = self.previous.as_deref().map(Bundle::open).transpose()?;
        let encoder = self.text_model.as_deref().map(SentenceEncoder::open).transpose()?;
        let titles = |data: &Dataset| -> Result<Option<Titles>, Error> {
            let Some(encoder) = &encoder else { return Ok(None) };
            let student = StudentConfig {
                seed: config.seed,
                ..StudentConfig::default()
            };
            let config = TitlesConfig {
                encoder,
                cache: &self.text_cache,
                dim: BUILT_IN_TEXT.dim as usize,
                student,
            };
            Titles::learn(data, &Split::of(data)?, &config).map(Some)
        };
        let learn = |data: &Dataset| {
            let titles = titles(data)?;
            let given = Prepared {
                factors: given.as_ref(),
                titles: titles.as_ref(),
            };
            train_with(data, &config, given, &cache)
        };
        let write = |data: &Dataset, model: &Model| model.write(data, objective, weights, previous.as_ref(), out);
        let mut trained = None;
        let key = (
            config,
            weights,
            previous.as_ref().map(|previous| &previous.id),
            encoder.as_ref().map(SentenceEncoder::hash),
        );
        let written = cache.step("bundle", &key, || {
            let data = source.load()?;
            let model = learn(&data)?;
            let id = write(&data, &model)?;
            trained = Some(id.clone());
            Ok(Written { id })
        })?;
        // Kept from an earlier run, and the bundle is gone or another one: the steps are kept too, so write it again.
        if trained.is_none() && current.as_deref() != Some(written.id.as_str()) {
            let data = source.load()?;
            write(&data, &learn(&data)?)?;
        }
        print!("{}", bundle::inspect(out)?);
        Ok(())
    }
}
