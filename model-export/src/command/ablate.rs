//! `upnext-export ablate`: what each group of features is worth.

use std::path::PathBuf;

use upnext_export::Error;
use upnext_export::ablate::{AblateConfig, ablate};
use upnext_export::group::Group;
use upnext_export::towers::Objective;
use upnext_export::train::TrainConfig;

use super::data::DataArgs;
use super::json;

/// Train and measure again without each group of features, and tell what that changes
///
/// Groups of the towers are left out of both towers, and the ranker learns anew on them; groups of the ranker
/// (`signal-…`) are left out of the ranker alone. All are measured on the same users, and each change comes with
/// its paired interval. Finished runs are kept below DIR: the same command goes on where it stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  upnext-export ablate --data data --out ablation
  upnext-export ablate --data data --out ablation --groups tags,history,signal-tower --users 1000
  upnext-export evaluate --data data --bundle bundle --ablation ablation/ablation.json --html report.html")]
pub struct Ablate {
    #[command(flatten)]
    data: DataArgs,
    /// Directory for the runs and for ablation.json
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Groups to leave out, one at a time; default: all of which the data tell something
    #[arg(long, value_enum, value_delimiter = ',', value_name = "GROUP,…")]
    groups: Vec<Group>,
    /// What the towers learn from
    #[arg(long, value_enum, default_value_t = Objective::SampledSoftmax)]
    loss: Objective,
    /// Passes over the examples with both towers; default: see the towers' configuration
    #[arg(long)]
    epochs: Option<usize>,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Slates of at most this many users, evenly spaced; impressions are always all
    #[arg(long, default_value_t = 5000)]
    users: usize,
}

impl Ablate {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let mut train = TrainConfig::new(self.loss, self.seed);
        if let Some(epochs) = self.epochs {
            train.towers.epochs = epochs;
        }
        let config = AblateConfig {
            train,
            groups: match self.groups.is_empty() {
                true => Group::ALL.to_vec(),
                false => self.groups.clone(),
            },
            users: self.users,
            diversity: upnext_export::evaluate::EvaluateConfig::default().diversity,
        };
        let found = ablate(&self.data.load()?, &config, &self.out, &self.data.tables()?)?;
        let path = self.out.join("ablation.json");
        json::save(&path, &found)?;
        print!("{}", found.table());
        Ok(())
    }
}
