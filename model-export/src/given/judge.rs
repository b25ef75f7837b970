//! Factors of another solver beside this program's own, on the same pairs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rayon::prelude::*;
use serde::Serialize;
use upnext_core::metrics;

use super::{FactorFiles, FactorInfo};
use crate::Error;
use crate::benchmark::{cases, ranked};
use crate::bootstrap::{Interval, draw};
use crate::factors::{FactorConfig, Factors, Ones, factorise, loss_of};
use crate::label::encounters;
use crate::models::ByFactors;
use crate::progress::Progress;
use crate::split::{Side, Split};
use crate::table::Dataset;
use crate::train::relevant_pairs;

/// Draws of an interval.
const DRAWS: u64 = 1000;

/// Lengths at which rankings are judged.
const KS: [usize; 3] = [10, 20, 100];

/// The whole loss by the weights that the given factors were made with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loss {
    /// Of the given factors.
    pub given: f64,
    /// Of this program's, after as many sweeps.
    pub own: f64,
    /// `given / own − 1`.
    pub relative: f64,
}

/// A figure of three models on the same users.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Beside {
    /// The given factors.
    pub given: f64,
    /// This program's, by the same loss.
    pub own: f64,
    /// This program's, by its default loss, plain L2.
    pub default: f64,
    /// Given minus own, drawn in pairs from the users.
    pub given_minus_own: Interval,
    /// Given minus default, in the same way.
    pub given_minus_default: Interval,
}

/// How given factors compare.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// What they say of themselves.
    pub info: FactorInfo,
    /// Relevant pairs before the split in the data set.
    pub pairs: u64,
    /// Users and videos whose number of relevant pairs differs between data set and factors.
    pub rows_that_differ: u64,
    /// Losses.
    pub loss: Loss,
    /// Users with relevant videos both before the split and, others, in the train window.
    pub users: usize,
    /// By name, `recall@20`.
    pub figures: BTreeMap<String, Beside>,
}

/// Reads factors and judges them: loss, and rankings of the whole catalogue (but what was relevant before) for each user,
/// held to what they found relevant in the train window.
///
/// # Errors
/// Those of [`FactorFiles::read`] and [`factorise`]; [`Error::SplitEmpty`].
pub fn judge(files: &FactorFiles, data: &Dataset, seed: u64) -> Result<Judgement, Error> {
    let split = Split::of(data)?;
    let met = encounters(data, &split);
    let ones = relevant_pairs(data, &split, &met, Side::Factors)?;
    let later = relevant_pairs(data, &split, &met, Side::Train)?;
    let given = files.read(data, &split, &ones)?;
    let config = files.info().config(seed);
    let own = solved(&ones, &config, "the same loss")?;
    let plain = FactorConfig {
        dim: config.dim,
        seed,
        ..FactorConfig::default()
    };
    let default = solved(&ones, &plain, "the default loss")?;
    let loss = |factors: &Factors| loss_of(&ones, factors, &config);
    let (theirs, ours) = (loss(&given.factors), loss(&own));
    let (rows_that_differ, pairs) = (differing(&ones, &given.history_len, &given.relevant), ones.len() as u64);
    let (users, figures) = figures(&ones, &later, [given.factors, own, default]);
    Ok(Judgement {
        info: files.info().clone(),
        pairs,
        rows_that_differ,
        loss: Loss {
            given: theirs,
            own: ours,
            relative: theirs / ours - 1.0,
        },
        users,
        figures,
    })
}

fn solved(ones: &Ones, config: &FactorConfig, name: &str) -> Result<Factors, Error> {
    let progress = Progress::start(name, config.sweeps as u64);
    let factors = factorise(ones, config, |_, loss| progress.note(1, &format!("loss {loss:.0}")));
    progress.finish();
    factors
}

fn differing(ones: &Ones, users: &[u32], videos: &[u32]) -> u64 {
    let by_video = ones.transposed();
    let count = |ones: &Ones, told: &[u32]| {
        let differs = |(row, told): (usize, &u32)| ones.row(row).len() != *told as usize;
        told.iter().enumerate().filter(|pair| differs(*pair)).count() as u64
    };
    count(ones, users) + count(&by_video, videos)
}

/// Users that count, and the figures of each model with their differences.
fn figures(ones: &Ones, later: &Ones, models: [Factors; 3]) -> (usize, BTreeMap<String, Beside>) {
    let pairs = (0..later.rows())
        .filter(|user| !ones.row(*user).is_empty())
        .flat_map(|user| {
            let fresh = move |video: &&u32| ones.row(user).binary_search(video).is_err();
            later
                .row(user)
                .iter()
                .filter(fresh)
                .map(move |video| (user as u32, *video))
        });
    let wanted = Ones::from_pairs(later.rows(), later.columns(), pairs);
    let cases = cases(ones, &wanted, None, 0);
    let hits = models.map(|factors| ranked(&ByFactors::new(factors), ones, &cases, |_| ()));
    let mut values: BTreeMap<String, [Vec<f64>; 3]> = BTreeMap::new();
    for (model, hits) in hits.iter().enumerate() {
        for (flags, relevant) in hits {
            for k in KS {
                let figures = [
                    ("recall", metrics::recall_at(flags, *relevant, k)),
                    ("ndcg", metrics::ndcg_at(flags, *relevant, k)),
                ];
                for (name, value) in figures {
                    values.entry(format!("{name}@{k}")).or_default()[model].push(value.unwrap_or(0.0));
                }
            }
        }
    }
    let found = values.into_iter().map(|(name, values)| (name, compared(&values)));
    (cases.len(), found.collect())
}

fn compared(values: &[Vec<f64>; 3]) -> Beside {
    let users = values[0].len();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / users.max(1) as f64;
    let minus = |other: usize| -> Vec<f64> { values[0].iter().zip(&values[other]).map(|(a, b)| a - b).collect() };
    let (own, default) = (minus(1), minus(2));
    let drawn: Vec<[f64; 2]> = (0..DRAWS)
        .into_par_iter()
        .map(|number| {
            let times = draw(users, number);
            [&own, &default].map(|of| times.iter().zip(of).map(|(n, d)| n * d).sum::<f64>() / users as f64)
        })
        .collect();
    let interval = |of: &[f64], which: usize| Interval::of(mean(of), drawn.iter().map(|drawn| drawn[which]));
    Beside {
        given: mean(&values[0]),
        own: mean(&values[1]),
        default: mean(&values[2]),
        given_minus_own: interval(&own, 0),
        given_minus_default: interval(&default, 1),
    }
}

impl Judgement {
    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let (info, loss) = (&self.info, &self.loss);
        let mut text = format!(
            "{}, {} factors, {} sweeps; {} relevant pairs, {} rows differ\nloss {:.1}, own {:.1} ({:+.3} %)\n{} users\n",
            info.solver,
            info.dim,
            info.sweeps,
            self.pairs,
            self.rows_that_differ,
            loss.given,
            loss.own,
            100.0 * loss.relative,
            self.users,
        );
        let _ = writeln!(
            text,
            "{:>12} {:>8} {:>8} {:>8}  given minus own",
            "", "given", "own", "default"
        );
        for (name, row) in &self.figures {
            let Interval { value, low, high } = row.given_minus_own;
            // Writing to a String cannot fail, here and above.
            let _ = writeln!(
                text,
                "{name:>12} {:>8.4} {:>8.4} {:>8.4}  {value:+.4} [{low:+.4}, {high:+.4}]",
                row.given, row.own, row.default
            );
        }
        text
    }
}
