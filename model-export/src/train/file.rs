//! The configuration file of `train`: every option that decides what is learnt, as TOML.
//!
//! One table names each option, says what it is, and reads and writes it: a file is read by it, the file of defaults is
//! written by it, and a test holds it to the fields of [`TrainConfig`].

use std::fmt::Write as _;
use std::path::Path;

use clap::ValueEnum;
use toml::Value;

use super::TrainConfig;
use crate::Error;
use crate::compile::Precision;
use crate::factors::{Frequency, Solver};
use crate::ranker::{OfferMoment, WatchedUnit};
use crate::towers::Objective;

/// All that a configuration file says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainFile {
    /// How to train.
    pub train: TrainConfig,
    /// How the weights of the device's programs are stored.
    pub weights: Precision,
}

/// One option: its name, what it is, and how it is read and written.
#[derive(Clone, Copy)]
pub struct TrainOption {
    /// Table and key, `towers.epochs`; without a dot it stands at the top.
    pub name: &'static str,
    /// What it is, its unit and range.
    pub what: &'static str,
    show: fn(&TrainFile) -> String,
    take: fn(&mut TrainFile, &Value) -> Result<(), String>,
}

impl std::fmt::Debug for TrainOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrainOption")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A value of an option.
trait Setting: Sized {
    fn show(&self) -> String;
    fn take(value: &Value) -> Result<Self, String>;
}

fn wanted<T>(what: &str, found: &Value) -> Result<T, String> {
    Err(format!("expected {what}, found {found}"))
}

/// Counts and seeds.
macro_rules! whole {
    ($($type:ty),*) => {$(
        impl Setting for $type {
            fn show(&self) -> String {
                self.to_string()
            }

            fn take(value: &Value) -> Result<Self, String> {
                let number = value.as_integer().and_then(|number| <$type>::try_from(number).ok());
                number.map_or_else(|| wanted("a whole number from 0", value), Ok)
            }
        }
    )*};
}
whole!(usize, u64);

impl Setting for f32 {
    fn show(&self) -> String {
        // With a point, so that it is a number of the same kind when it is read again.
        format!("{self:?}")
    }

    fn take(value: &Value) -> Result<f32, String> {
        let number = value
            .as_float()
            .or_else(|| value.as_integer().map(|number| number as f64));
        number.map_or_else(|| wanted("a number", value), |number| Ok(number as f32))
    }
}

impl Setting for [usize; 2] {
    fn show(&self) -> String {
        format!("[{}, {}]", self[0], self[1])
    }

    fn take(value: &Value) -> Result<[usize; 2], String> {
        match value.as_array().map(Vec::as_slice) {
            Some([first, second]) => Ok([usize::take(first)?, usize::take(second)?]),
            _ => wanted("two whole numbers in brackets", value),
        }
    }
}

/// One of several names.
macro_rules! named {
    ($($type:ty),*) => {$(
        impl Setting for $type {
            fn show(&self) -> String {
                format!("{:?}", name_of(self))
            }

            fn take(value: &Value) -> Result<Self, String> {
                let known = <$type>::value_variants();
                let found = known.iter().find(|known| value.as_str() == Some(&name_of(*known)));
                let names = || known.iter().map(name_of).collect::<Vec<_>>().join(", ");
                found.map_or_else(|| wanted(&format!("one of {}", names()), value), |found| Ok(*found))
            }
        }
    )*};
}
named!(Objective, Solver, Frequency, Precision, OfferMoment, WatchedUnit);

fn name_of(value: &impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

macro_rules! options {
    ($($name:literal, $($field:ident).+, $what:literal;)*) => {
        &[$(TrainOption {
            name: $name,
            what: $what,
            show: |file| Setting::show(&file.$($field).+),
            take: |file, value| {
                file.$($field).+ = Setting::take(value)?;
                Ok(())
            },
        }),*]
    };
}

/// What names the towers' objective: it decides defaults, so it is read before all others.
const OBJECTIVE: &str = "towers.objective";

static OPTIONS: &[TrainOption] = options! {
    "seed", train.seed, "Seed of everything random.";
    "weights", weights, "How the weights of the device's programs are stored: f32, f16 or int8.";

    "factors.dim", train.factors.dim, "Width of a factor, 1 to 4096.";
    "factors.lambda", train.factors.lambda, "Weight of what was not observed, where an observed pair has 1 minus it; above 0, at most 0.5.";
    "factors.l2", train.factors.l2, "Weight of the squared norms, above 0.";
    "factors.nu", train.factors.nu, "Power of a row's frequency that scales its norm's weight, 0 to 2; 0 is plain L2, which is the one that the fold-in on the device knows.";
    "factors.frequency", train.factors.frequency, "What that frequency is: weight, of all the row's pairs in the loss, or ones, their number.";
    "factors.sweeps", train.factors.sweeps, "Sweeps; each solves all users, then all videos.";
    "factors.solver", train.factors.solver, "How: cholesky, cg, subspace or sgd. All lead to the same factors.";
    "factors.steps", train.factors.steps, "Steps of conjugate gradient in each half-sweep, from 1.";
    "factors.block", train.factors.block, "Coordinates of a block of the subspace solver, from 1.";
    "factors.rate", train.factors.rate, "First step size of stochastic gradient descent, above 0.";

    "towers.objective", train.towers.objective, "What the towers learn from: sampled-softmax or bce. The file's other defaults for them follow from it.";
    "towers.vector_dim", train.towers.vector_dim, "Width of user and item vectors, 1 to 512.";
    "towers.hidden", train.towers.hidden, "Width of the hidden layer of each tower, 1 to 4096.";
    "towers.epochs", train.towers.epochs, "Passes over the examples with both towers, 1 to 1000.";
    "towers.final_epochs", train.towers.final_epochs, "Passes after those in which the user tower alone learns, on the final item vectors.";
    "towers.batch", train.towers.batch, "Examples per step, 2 to 65536.";
    "towers.rate", train.towers.rate, "Step size of Adam, above 0.";
    "towers.temperature", train.towers.temperature, "Cosines are divided by this, above 0.";
    "towers.id_dropout", train.towers.id_dropout, "Share of the videos of a batch whose id is hidden, so that content alone must do, 0 to 1.";
    "towers.negatives", train.towers.negatives, "Random videos of the catalogue: per batch (sampled-softmax), or per relevant example (bce).";

    "ranker.hidden", train.ranker.hidden, "Widths of the two hidden layers that the heads share, 1 to 1024 each.";
    "ranker.order_hidden", train.ranker.order_hidden, "Widths of the two hidden layers of the order, beside its linear path, 1 to 1024 each.";
    "ranker.negatives", train.ranker.negatives, "Candidates beside each one that was found relevant, for the order, 1 to 500.";
    "ranker.offer_moment", train.ranker.offer_moment, "As of when the viewer is known to whom these are offered: found (the instant at which the video was found) or visit (the beginning of that visit).";
    "ranker.offer_balance", train.ranker.offer_balance, "Power of the number of a user's offers by which each weighs less, 0 to 1: with 0 each offer weighs alike, with 1 each user.";
    "ranker.epochs", train.ranker.epochs, "Passes over the rows, at least: a small log gets as many as make 1,000 steps, up to 100.";
    "ranker.batch", train.ranker.batch, "Impressions per step, 1 to 65536.";
    "ranker.offers", train.ranker.offers, "Offers per step of the order, 1 to 65536.";
    "ranker.rate", train.ranker.rate, "Step size of Adam, above 0.";
    "ranker.wide_rate", train.ranker.wide_rate, "Step size of the order's linear path, above 0.";
    "ranker.l2", train.ranker.l2, "L2 weight, 0 or more.";
    "ranker.clip", train.ranker.clip, "Standardised signals are held within this, above 0.";
    "ranker.watched", train.ranker.watched, "What the head `watched` foretells: fraction (of the length) or seconds (as a share of a long watch, which 99 of 100 do not pass).";
    "ranker.hold_out", train.ranker.hold_out, "Share of the impressions, the last in time, on which the heads are calibrated, 0 to 0.5; 0: they are not.";

    "ranker.loss.relevant", train.ranker.loss.relevant, "Weight of the head's cross-entropy in the loss, above 0.";
    "ranker.loss.liked", train.ranker.loss.liked, "The same, 0 to 100; 0: the ranker has no such head.";
    "ranker.loss.finished", train.ranker.loss.finished, "Watched for 0.9 of its length.";
    "ranker.loss.watched", train.ranker.loss.watched, "Fraction of the length that is watched.";

    "ranker.score.relevant", train.ranker.score.relevant, "What each head weighs in the order of a slate, 0 to 1, where a page does not say otherwise; only ratios matter.";
    "ranker.score.liked", train.ranker.score.liked, "";
    "ranker.score.finished", train.ranker.score.finished, "";
    "ranker.score.watched", train.ranker.score.watched, "";
};

/// All options, in the order of the file.
#[must_use]
pub fn options() -> &'static [TrainOption] {
    OPTIONS
}

impl TrainFile {
    /// The defaults for an objective.
    #[must_use]
    pub fn new(objective: Objective) -> TrainFile {
        TrainFile {
            train: TrainConfig::new(objective, 1),
            weights: Precision::F32,
        }
    }

    /// Reads a file; what it leaves out has its default. `objective` stands above the file's.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read; [`Error::ConfigInvalid`] where it is no TOML, for a name that is no option's,
    /// a value of another kind, or one outside its range.
    pub fn read(path: &Path, objective: Option<Objective>) -> Result<TrainFile, Error> {
        TrainFile::parse(
            &std::fs::read_to_string(path).map_err(Error::file(path))?,
            &path.display().to_string(),
            objective,
        )
    }

    fn parse(text: &str, name: &str, objective: Option<Objective>) -> Result<TrainFile, Error> {
        let invalid = |option: &str, reason: String| Error::ConfigInvalid {
            option: format!("{name}: {option}"),
            reason,
        };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            invalid(&format!("line {line}"), error.message().to_owned())
        })?;
        let mut values = Vec::new();
        flatten("", &Value::Table(table), &mut values);
        let told = values.iter().find(|(name, _)| name == OBJECTIVE);
        let told = told.map(|(_, value)| Setting::take(value)).transpose();
        let told = told.map_err(|reason| invalid(OBJECTIVE, reason))?;
        let objective = objective.or(told).unwrap_or(Objective::SampledSoftmax);
        let mut file = TrainFile::new(objective);
        for (name, value) in &values {
            let Some(option) = OPTIONS.iter().find(|option| option.name == name) else {
                let known: Vec<&str> = OPTIONS.iter().map(|option| option.name).collect();
                return Err(invalid(name, format!("is no option; known are {}", known.join(", "))));
            };
            (option.take)(&mut file, value).map_err(|reason| invalid(name, reason))?;
        }
        file.train.towers.objective = objective;
        file.train.set_seed(file.train.seed);
        file.train.check()?;
        Ok(file)
    }

    /// As a file with comments, which reads as the same again.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = "# upnext-export train --config FILE: what is left out has the default that stands here.\n\
                        # Options on the command line win over the file.\n"
            .to_owned();
        let mut table = "";
        for option in OPTIONS {
            let (own, key) = option.name.rsplit_once('.').unwrap_or(("", option.name));
            // Writing to a String cannot fail, here and below.
            if own != table {
                let _ = writeln!(text, "\n[{own}]");
                table = own;
            }
            if !option.what.is_empty() {
                let _ = writeln!(text, "# {}", option.what);
            }
            let _ = writeln!(text, "{key} = {}", (option.show)(self));
        }
        text
    }
}

/// Values by their names with dots. An empty table is none.
fn flatten(name: &str, value: &Value, values: &mut Vec<(String, Value)>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                flatten(&name, value, values);
            }
        }
        other => values.push((name.to_owned(), other.clone())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use upnext_core::Code;

    use super::*;

    fn parsed(text: &str) -> Result<TrainFile, Error> {
        TrainFile::parse(text, "train.toml", None)
    }

    #[test]
    fn the_written_file_reads_as_it_was_and_so_does_an_empty_one() {
        for objective in [Objective::SampledSoftmax, Objective::Bce] {
            let file = TrainFile::new(objective);
            assert_eq!(parsed(&file.to_toml()).unwrap(), file);
            assert_eq!(TrainFile::parse("", "x", Some(objective)).unwrap(), file);
        }
        let mut other = TrainFile::new(Objective::Bce);
        other.weights = Precision::Int8;
        other.train.towers.rate = 3e-4;
        other.train.ranker.hidden = [64, 8];
        other.train.factors.solver = Solver::Cg;
        other.train.set_seed(7);
        assert_eq!(parsed(&other.to_toml()).unwrap(), other);
    }

    /// The names of the leaves of a configuration.
    fn leaves(name: &str, value: &serde_json::Value, found: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(members) => {
                for (key, value) in members {
                    leaves(&format!("{name}.{key}"), value, found);
                }
            }
            _ => drop(found.insert(name.trim_start_matches('.').to_owned())),
        }
    }

    #[test]
    fn every_field_of_the_configuration_is_an_option() {
        let mut fields = BTreeSet::new();
        let config = serde_json::to_value(TrainConfig::new(Objective::Bce, 1)).unwrap();
        leaves("", &config, &mut fields);
        // One seed for all; groups are left out by `ablate`.
        fields.retain(|name| !name.ends_with(".seed") && !name.ends_with(".without"));
        fields.insert("weights".to_owned());
        let options: BTreeSet<String> = OPTIONS.iter().map(|option| option.name.to_owned()).collect();
        assert_eq!(options, fields);
        assert_eq!(options.len(), OPTIONS.len());
    }

    #[test]
    fn the_file_says_what_it_says_and_the_objective_decides_the_rest() {
        let file = parsed("seed = 9\n[towers]\nobjective = \"bce\"\nrate = 1\n[ranker.loss]\nliked = 0\n").unwrap();
        assert_eq!(
            (file.train.seed, file.train.ranker.seed, file.train.factors.seed),
            (9, 9, 9)
        );
        assert_eq!((file.train.towers.negatives, file.train.towers.rate), (2, 1.0));
        assert_eq!(file.train.ranker.loss.liked, 0.0);
        // The command line's objective stands above it.
        let over = TrainFile::parse("[towers]\nobjective = \"bce\"", "x", Some(Objective::SampledSoftmax)).unwrap();
        assert_eq!(over, TrainFile::new(Objective::SampledSoftmax));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, named) in [
            ("seed = 1\nseed = 2", "line 2"),
            ("[towers]\nepoch = 3", "towers.epoch: is no option"),
            ("[towers]\nepochs = 2.5", "towers.epochs: expected a whole number"),
            ("[towers]\nepochs = -1", "towers.epochs"),
            ("[towers]\nepochs = 0", "epochs: expected 1 to 1000"),
            (
                "[towers]\nobjective = \"hinge\"",
                "expected one of sampled-softmax, bce",
            ),
            ("[ranker]\nhidden = [1, 2, 3]", "ranker.hidden: expected two"),
            ("[ranker]\nhold_out = 0.9", "ranker.hold_out"),
            ("[ranker.score]\nrelevant = 0", "ranker.score"),
            ("[factors]\nl2 = nan", "l2"),
            ("towers = 3", "towers: is no option"),
        ] {
            let error = parsed(text).unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid);
            assert!(error.to_string().contains(named), "{text}: {error}");
        }
    }
}
