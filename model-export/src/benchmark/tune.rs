//! Settings by random search with successive halving, on a hold-out of train.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::config::{ModelKind, Overrides, Settings};
use super::data::{Data, Protocol};
use super::fit;
use super::hold_out::hold_out;
use super::rank::judge;
use crate::Error;
use crate::progress::Progress;

/// Users at most whose hold-out is ranked.
const CASES: usize = 10_000;

/// Of the trials of a round, one in so many goes on to the next, for so many times the epochs.
const KEEP: usize = 3;

/// How to search.
#[derive(Debug, Clone, PartialEq)]
pub struct TuneConfig {
    /// Settings that are tried; the first is the defaults'.
    pub trials: usize,
    /// Where each trial is noted; one that is there already is not done again.
    pub log: Option<PathBuf>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuned {
    /// The figure that was to be greatest.
    pub objective: String,
    /// The best settings' figure on the hold-out.
    pub value: f64,
    /// The defaults' figure there.
    pub default_value: f64,
    /// Settings tried.
    pub trials: usize,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    /// What the hold-out is: users, items, kept, held out, seed.
    data: String,
    settings: Settings,
    objective: String,
    value: f64,
    seconds: f64,
}

/// The best settings, chosen on a hold-out of `data`'s train side alone. What `asked` names stays as it is.
///
/// # Errors
/// [`Error::File`] for the log, and what training refuses.
pub fn tune(data: &Data, start: Settings, asked: &Overrides, config: &TuneConfig) -> Result<(Settings, Tuned), Error> {
    let held = hold_out(data, start.seed);
    let every = held.cases.len().div_ceil(CASES).max(1);
    let cases: Vec<_> = held.cases.iter().step_by(every).cloned().collect();
    let objective = match data.protocol {
        Protocol::Sampled => "ndcg@10",
        Protocol::Full => "ndcg@20",
    };
    let print = format!(
        "{} users, {} items, {} kept, {} held out, seed {}",
        held.users,
        held.items,
        held.train.len(),
        held.test_len(),
        start.seed
    );
    let mut log = Log::open(config.log.as_deref(), &print)?;
    let mut trials = candidates(start, asked, config.trials.max(1));
    let tried = trials.len();
    let rounds = rounds(tried, start);
    let total: usize = rounds.iter().map(|(count, epochs)| count * epochs).sum();
    let progress = Progress::start("tuning", total as u64);
    let (mut best, mut default_value) = ((start, f64::NEG_INFINITY), f64::NAN);
    for (round, (count, epochs)) in rounds.iter().enumerate() {
        trials.truncate(*count);
        let mut values = Vec::new();
        for settings in &trials {
            let settings = Settings {
                epochs: *epochs,
                ..*settings
            };
            let value = log.value(&settings, objective, || {
                // Settings under which training runs away are the worst, not the end of the search.
                match fit(&held.train, &settings, |_| {}) {
                    Ok(fitted) => Ok(judge(fitted.model.as_ref(), &held.train, &cases, |_| {}).get(objective)),
                    Err(Error::TrainingDiverged { .. }) => Ok(0.0),
                    Err(error) => Err(error),
                }
            })?;
            values.push(value);
            // Fewer epochs than the last round's are for choosing alone, save where there is but one round.
            if round + 1 == rounds.len() && value > best.1 {
                best = (settings, value);
            }
            if settings
                == (Settings {
                    epochs: *epochs,
                    ..start
                })
            {
                default_value = value;
            }
            let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            progress.note(*epochs as u64, &format!("{objective} {top:.4}"));
        }
        let mut order: Vec<usize> = (0..trials.len()).collect();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
        // The defaults go on whatever they reached: they are what the found is compared with.
        if let Some(place) = order.iter().position(|i| same(&trials[*i], &start)) {
            let defaults = order.remove(place);
            let next = rounds.get(round + 1).map_or(order.len(), |(count, _)| *count);
            order.insert(place.min(next.saturating_sub(1)), defaults);
        }
        trials = order.into_iter().map(|i| trials[i]).collect();
    }
    progress.finish();
    let tuned = Tuned {
        objective: objective.to_owned(),
        value: best.1,
        default_value,
        trials: tried,
    };
    Ok((best.0, tuned))
}

fn same(a: &Settings, b: &Settings) -> bool {
    Settings { epochs: 0, ..*a } == Settings { epochs: 0, ..*b }
}

/// Trials and epochs of each round.
fn rounds(trials: usize, start: Settings) -> Vec<(usize, usize)> {
    let by_epochs = matches!(start.model, ModelKind::Wmf | ModelKind::Bpr);
    if !by_epochs || trials == 1 {
        return vec![(trials, start.epochs)];
    }
    let mut rounds = Vec::new();
    let (mut count, mut epochs) = (trials, (start.epochs / 4).max(2));
    loop {
        rounds.push((count, epochs.min(start.epochs)));
        if epochs >= start.epochs {
            return rounds;
        }
        count = count.div_ceil(KEEP);
        epochs = if count <= KEEP { start.epochs } else { epochs * 2 };
    }
}

/// The defaults, and settings around them, spread evenly over orders of magnitude.
fn candidates(start: Settings, asked: &Overrides, trials: usize) -> Vec<Settings> {
    let mut rng = ChaCha8Rng::seed_from_u64(start.seed ^ 0x7e57);
    let mut around = |value: f32, times: f32| value * times.powf(rng.random::<f32>() * 2.0 - 1.0);
    let mut all = vec![start];
    let knobs = match start.model {
        ModelKind::Popular => 0,
        _ => trials - 1,
    };
    for _ in 0..knobs {
        let mut s = start;
        match start.model {
            ModelKind::Wmf => {
                s.alpha = asked.alpha.unwrap_or_else(|| around(start.alpha, 8.0));
                s.reg = asked.reg.unwrap_or_else(|| around(start.reg, 5.0));
            }
            ModelKind::Bpr => {
                s.rate = asked.rate.unwrap_or_else(|| around(start.rate, 4.0));
                s.reg = asked.reg.unwrap_or_else(|| around(start.reg, 10.0));
            }
            ModelKind::Ease => s.reg = asked.reg.unwrap_or_else(|| around(start.reg, 8.0)),
            ModelKind::Itemknn => {
                s.neighbours = asked
                    .neighbours
                    .unwrap_or_else(|| around(start.neighbours as f32, 5.0).round() as usize);
                s.shrink = asked.shrink.unwrap_or_else(|| around(start.shrink, 10.0));
            }
            ModelKind::Graph => {
                s.low_pass = asked.low_pass.unwrap_or_else(|| around(start.low_pass, 4.0));
                s.sharpen = asked.sharpen.unwrap_or_else(|| around(start.sharpen, 4.0).min(4.0));
            }
            ModelKind::Popular => {}
        }
        all.push(s);
    }
    all
}

/// Trials that are done, and where further ones are noted.
struct Log {
    print: String,
    done: BTreeMap<String, f64>,
    file: Option<(PathBuf, File)>,
}

impl Log {
    fn open(path: Option<&Path>, print: &str) -> Result<Log, Error> {
        let (mut done, mut file) = (BTreeMap::new(), None);
        if let Some(path) = path {
            let text = match path.exists() {
                true => fs::read_to_string(path).map_err(Error::file(path))?,
                false => String::new(),
            };
            // The last line of a run that was cut off may be half of one: it is done again.
            let entries = text.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok());
            for entry in entries.filter(|entry| entry.data == print) {
                done.insert(key(&entry.settings, &entry.objective), entry.value);
            }
            let mut target = OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .map_err(Error::file(path))?;
            if !text.is_empty() && !text.ends_with('\n') {
                target.write_all(b"\n").map_err(Error::file(path))?;
            }
            file = Some((path.to_path_buf(), target));
        }
        Ok(Log {
            print: print.to_owned(),
            done,
            file,
        })
    }

    fn value(
        &mut self,
        settings: &Settings,
        objective: &str,
        make: impl FnOnce() -> Result<f64, Error>,
    ) -> Result<f64, Error> {
        let key = key(settings, objective);
        if let Some(value) = self.done.get(&key) {
            return Ok(*value);
        }
        let started = Instant::now();
        let value = make()?;
        if let Some((path, file)) = &mut self.file {
            let entry = Entry {
                data: self.print.clone(),
                settings: *settings,
                objective: objective.to_owned(),
                value,
                seconds: started.elapsed().as_secs_f64(),
            };
            let line = serde_json::to_string(&entry).map_err(Error::file(path))?;
            writeln!(file, "{line}").map_err(Error::file(path))?;
        }
        self.done.insert(key, value);
        Ok(value)
    }
}

fn key(settings: &Settings, objective: &str) -> String {
    format!("{objective} {settings:?}")
}
