//! What each group of features is worth: everything is trained and measured again without it.
//!
//! **Protocol.** A group of the towers is hidden while both towers learn, and cut out of their weights ([`crate::group`]); the ranker
//! then learns on what these towers say. A group of the ranker is held at zero in the ranker alone, on the towers of the whole
//! model. Factors, split and seeds are the same everywhere. All runs are measured on the same impressions and the same users, so
//! each difference is paired: without the group minus with it, in every draw of users.

mod compare;
mod table;

pub(crate) use table::{OF_TOWERS, SHOWN};

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::bootstrap::Interval;
use crate::bundle::Bundle;
use crate::compile::Precision;
use crate::evaluate::{Measured, measure};
use crate::group::Group;
use crate::table::Dataset;
use crate::train::{Cache, TrainConfig, train};

/// How to ablate.
#[derive(Debug, Clone, PartialEq)]
pub struct AblateConfig {
    /// How the whole model is trained.
    pub train: TrainConfig,
    /// Which groups are left out, one at a time.
    pub groups: Vec<Group>,
    /// Slates of at most this many users, evenly spaced.
    pub users: usize,
    /// Diversity dial of the slates, 0..=1.
    pub diversity: f32,
}

/// One figure with and without a group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// With everything.
    pub whole: f64,
    /// Without the group, minus the whole.
    pub change: Interval,
}

/// What leaving a group out does to the device, by figure: `auc`, `user_auc`, `precision@10`, …
pub type Changes = std::collections::BTreeMap<String, Change>;

/// One group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The group.
    pub group: Group,
    /// The device: ranker over the server's candidates.
    pub device: Changes,
    /// The two towers alone; as they were where the group is the ranker's.
    pub two_tower: Changes,
}

/// The whole table; its JSON is `ablation.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ablation {
    /// Name of the data set.
    pub dataset: String,
    /// Impressions of the test window.
    pub impressions: usize,
    /// Users with a slate.
    pub users: usize,
    /// Passes of both towers, and of the user tower after them.
    pub epochs: [usize; 2],
    /// Seed of the runs.
    pub seed: u64,
    /// Groups of which the data tell nothing.
    pub absent: Vec<Group>,
    /// By group.
    pub rows: Vec<Row>,
}

/// Measures every group. Runs that are done are kept below `out`, and a run that was cut off goes on at its last step;
/// `files` are those of the data set, and what was kept of others counts for nothing.
///
/// # Errors
/// Those of [`train`] and of [`measure`]; [`Error::File`].
pub fn ablate(data: &Dataset, config: &AblateConfig, out: &Path, files: &[PathBuf]) -> Result<Ablation, Error> {
    let runs = Runs {
        data,
        config,
        out,
        files,
        kept: Cache::new(&out.join("runs"), files)?,
    };
    let (told, absent): (Vec<Group>, Vec<Group>) = config.groups.iter().partition(|group| group.told(data));
    eprintln!("ablate: the whole model");
    let whole = runs.measured(None)?;
    let mut rows = Vec::new();
    for (done, group) in told.iter().enumerate() {
        eprintln!("ablate: without {} ({} of {})", group.as_str(), done + 1, told.len());
        let without = runs.measured(Some(*group))?;
        let (device, two_tower) = compare::changes(&whole, &without);
        rows.push(Row {
            group: *group,
            device,
            two_tower,
        });
    }
    Ok(Ablation {
        dataset: data.meta.name.clone(),
        impressions: whole.users.len(),
        users: whole.slates.len(),
        epochs: [config.train.towers.epochs, config.train.towers.final_epochs],
        seed: config.train.seed,
        absent,
        rows,
    })
}

struct Runs<'a> {
    data: &'a Dataset,
    config: &'a AblateConfig,
    out: &'a Path,
    files: &'a [PathBuf],
    kept: Cache,
}

impl Runs<'_> {
    /// The outcome of training without a group, kept or made.
    fn measured(&self, group: Option<Group>) -> Result<Measured, Error> {
        let train_config = group.map_or(self.config.train, |group| self.config.train.without(group));
        let name = group.map_or("whole", Group::as_str).replace('-', "_");
        let key = (train_config, self.config.users, self.config.diversity);
        self.kept.step(&name, &key, || {
            // Towers of their own, and so steps of their own; a group of the ranker needs those of the whole model.
            let own = group.filter(|group| group.of_towers()).map_or("whole", Group::as_str);
            let steps = self.out.join("steps").join(own);
            let cache = Cache::new(&steps, self.files)?;
            let model = train(self.data, &train_config, &cache)?;
            let root = self.out.join("bundle");
            model.write(self.data, train_config.towers.objective, Precision::F32, None, &root)?;
            let measured = measure(
                self.data,
                &Bundle::open(&root)?,
                self.config.users,
                self.config.diversity,
            )?;
            fs::remove_dir_all(&root).map_err(Error::file(&root))?;
            if own != "whole" {
                fs::remove_dir_all(&steps).map_err(Error::file(&steps))?;
            }
            Ok(measured)
        })
    }
}

#[cfg(test)]
mod tests;
