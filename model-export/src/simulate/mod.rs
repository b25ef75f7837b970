//! A seeded world whose true affinities are known: every column of every table, twelve languages, and moments
//! that matter. The whole path has something to learn in it, and tests know the answer.
//!
//! What is planted:
//! - **taste**: each user weighs a few of twelve topics, each video is about one or two; the taste of a share of the users
//!   becomes another one within the train window ([`Drift`]);
//! - **moment**: at night on a phone comedy, concerts and games are wanted, on a Sunday at the television films,
//!   space and football ([`affinity::moment_effect`]); each of the two is shunned at the other moment;
//! - **language, quality, length** shift every user alike; popularity follows quality and is skewed;
//! - **impressions** come from a server-like policy (popular, taste, fresh, random), so that most are not relevant;
//!   each says with what chance it was shown ([`Policy`]);
//! - some users and some videos appear in the last quarter only, a few users never do anything.

pub mod affinity;
pub mod audience;
mod people;
pub(crate) mod policy;
pub mod question;
pub mod reaction;
mod truth;
mod videos;
pub(crate) mod visit;
mod words;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::progress::Progress;
use crate::table::{Builder, Dataset, Meta, SplitInstants};

pub use audience::Audience;
pub use people::{Drift, Person};
pub use policy::Policy;
pub use truth::write as write_truth;
pub use videos::Clip;
pub use words::{LANGUAGES, TOPICS};

/// 10 March 2025, 00:00 UTC, a Monday: clocks change in Europe within the next four weeks.
pub const START_MS: i64 = 1_741_564_800_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// Size and seed of a world.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Users, 4..=1,000,000.
    pub users: u32,
    /// Videos, 12..=1,000,000.
    pub videos: u32,
    /// Days of the log, 8..=365.
    pub days: u32,
    /// Everything follows from it.
    pub seed: u64,
    /// Share of the users whose taste becomes another one within the train window, 0..=1.
    #[serde(default)]
    pub drifting: f64,
}

impl Options {
    fn check(&self) -> Result<(), Error> {
        for (option, value, range) in [
            ("--users", self.users, 4..=1_000_000),
            ("--videos", self.videos, 12..=1_000_000),
            ("--days", self.days, 8..=365),
        ] {
            if !range.contains(&value) {
                return Err(Error::ConfigInvalid {
                    option: option.to_owned(),
                    reason: format!("{value} is outside {}..={}", range.start(), range.end()),
                });
            }
        }
        if !(0.0..=1.0).contains(&self.drifting) {
            return Err(Error::ConfigInvalid {
                option: "--drifting".to_owned(),
                reason: format!("{} is outside 0..=1", self.drifting),
            });
        }
        Ok(())
    }

    /// Languages in use: a tiny catalogue has few, so that each has something to show.
    fn languages(&self) -> &'static [words::Language] {
        &LANGUAGES[..(self.videos as usize / 20).clamp(3, LANGUAGES.len())]
    }

    /// First instant of a day of the log, Unix milliseconds.
    #[must_use]
    pub fn day_ms(&self, day: u32) -> i64 {
        START_MS + i64::from(day) * DAY_MS
    }

    /// Day on which the test window begins.
    fn test_day(&self) -> u32 {
        self.days * 3 / 4
    }
}

/// The truth behind a data set; rows are those of its tables.
#[derive(Debug, Clone)]
pub struct World {
    /// People by user row.
    pub people: Vec<Person>,
    /// Clips by video row.
    pub clips: Vec<Clip>,
}

/// Makes a world alone: whoever lives in it and what they may watch.
///
/// # Errors
/// [`Error::ConfigInvalid`] for a size out of range.
pub fn world(options: &Options) -> Result<World, Error> {
    populate(&mut Builder::new(meta(options)), options)
}

fn populate(builder: &mut Builder, options: &Options) -> Result<World, Error> {
    options.check()?;
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let clips = videos::make(builder, options, &mut rng);
    let people = people::make(builder, options, &mut rng);
    Ok(World { people, clips })
}

/// Makes a world and its log, with what [`Policy::SERVER`] shows.
///
/// # Errors
/// [`Error::ConfigInvalid`] for a size out of range.
pub fn simulate(options: &Options) -> Result<(Dataset, World), Error> {
    simulate_with(options, &Policy::SERVER)
}

/// Makes the same world, and the log of another policy in it.
///
/// # Errors
/// [`Error::ConfigInvalid`] for a size out of range.
pub fn simulate_with(options: &Options, policy: &Policy) -> Result<(Dataset, World), Error> {
    turn(options, policy, 0)
}

/// The same people and videos, and in each turn other visits.
pub(crate) fn turn(options: &Options, policy: &Policy, turn: u64) -> Result<(Dataset, World), Error> {
    let mut builder = Builder::new(meta(options));
    let World { people, clips } = populate(&mut builder, options)?;
    let shelf = policy::Shelf::new(&clips);
    let progress = Progress::start("simulate", people.len() as u64);
    for (row, person) in people.iter().enumerate() {
        // A stream of their own: a user's days do not depend on how many others there are.
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(1 + row as u64 + (turn << 32));
        let server = visit::Server {
            clips: &clips,
            shelf: &shelf,
            policy,
        };
        visit::live(&mut builder, options, &server, (row as u32, person), &mut rng);
        progress.add(1);
    }
    progress.finish();
    Ok((builder.finish(), World { people, clips }))
}

fn meta(options: &Options) -> Meta {
    let Options {
        users,
        videos,
        days,
        seed,
        drifting: _,
    } = options;
    Meta {
        name: format!("simulated-{users}x{videos}-{seed}"),
        split: Some(SplitInstants {
            factors_until_ms: options.day_ms(days / 2),
            train_until_ms: options.day_ms(options.test_day()),
        }),
        time_zone: None,
        notes: vec![
            format!("simulated: {users} users, {videos} videos, {days} days, seed {seed}; no real person or video"),
            "truth.parquet: topic weights of users and videos, and the topics' shift at each planted moment".to_owned(),
            "likes, comments and views are as of the first day; later videos have none".to_owned(),
            "propensity: the chance of the logging policy, given that it showed something at that place".to_owned(),
        ],
        world: Some(*options),
    }
}

/// An index drawn by weight; the first where all are zero.
fn draw(rng: &mut ChaCha8Rng, weights: impl Iterator<Item = f64> + Clone) -> usize {
    use rand::RngExt as _;
    let sum: f64 = weights.clone().sum();
    let mut left = rng.random::<f64>() * sum;
    for (index, weight) in weights.enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    0
}

#[cfg(test)]
mod tests;
