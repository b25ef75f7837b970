//! `simulate`: a seeded world becomes tables.

use upnext_export::Error;
use upnext_export::simulate::{Options, Policy, simulate_with, write_truth};
use upnext_export::table::summary;

use super::data::OutArgs;

/// Make a seeded world with known affinities, every column, many languages
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    upnext-export simulate --out target/data/sample\n  \
    upnext-export simulate --out target/data/tiny --users 40 --videos 60 --format csv\n  \
    upnext-export simulate --out target/data/uniform --policy uniform\n  \
    upnext-export simulate --out target/data/drift --drifting 0.3\n  \
    upnext-export simulate --out target/data/base --days 56 --until-day 28")]
pub struct Simulate {
    /// Users
    #[arg(long, default_value_t = 2_000)]
    users: u32,
    /// Videos
    #[arg(long, default_value_t = 3_000)]
    videos: u32,
    /// Days of the log; half teach the factors, a quarter trains, a quarter tests
    #[arg(long, default_value_t = 28)]
    days: u32,
    /// Everything follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Share of the users whose taste becomes another one within the train window, 0..=1
    #[arg(long, default_value_t = 0.0)]
    drifting: f64,
    /// What is shown
    #[arg(long, value_enum, default_value_t = Shown::Server)]
    policy: Shown,
    /// Write what was known before this day, counted from 0, and no split; the days from it on are for `upnext-export world`
    #[arg(long, value_name = "DAY")]
    until_day: Option<u32>,
    #[command(flatten)]
    out: OutArgs,
}

/// The logging policy. Every impression says with what chance it was shown.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shown {
    /// Popular, to taste, fresh and random
    Server,
    /// Mostly to taste
    Taste,
    /// The whole catalogue alike
    Uniform,
}

impl Simulate {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let options = Options {
            users: self.users,
            videos: self.videos,
            days: self.days,
            seed: self.seed,
            drifting: self.drifting,
        };
        let policy = match self.policy {
            Shown::Server => Policy::SERVER,
            Shown::Taste => Policy::TASTE,
            Shown::Uniform => Policy::UNIFORM,
        };
        if let Some(day) = self.until_day.filter(|day| !(1..=self.days).contains(day)) {
            return Err(Error::ConfigInvalid {
                option: "--until-day".to_owned(),
                reason: format!("{day} is outside 1..={}", self.days),
            });
        }
        let (data, world) = simulate_with(&options, &policy)?;
        let known = self.until_day.map(|day| data.known_at(options.day_ms(day)));
        let written = known.as_ref().unwrap_or(&data);
        self.out.write(written)?;
        write_truth(&data, &world, &self.out.dir.join("truth.parquet"))?;
        print!("{}", summary(written));
        Ok(())
    }
}
