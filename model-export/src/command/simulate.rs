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
    upnext-export simulate --out target/data/drift --drifting 0.3")]
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
        let (data, world) = simulate_with(&options, &policy)?;
        self.out.write(&data)?;
        write_truth(&data, &world, &self.out.dir.join("truth.parquet"))?;
        print!("{}", summary(&data));
        Ok(())
    }
}
