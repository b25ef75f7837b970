//! Factors that another solver made, of a log that does not fit one machine: what they must look like, what is checked before
//! they are trusted, and how they are judged beside this program's own.
//!
//! A directory holds `factors.json` ([`FactorInfo`]) and two tables, `users/*.parquet` and `videos/*.parquet`, with columns `id`,
//! `features` (a list of `dim` numbers) and `relevant` (how many pairs of the factor window the row was learnt from).
//! `model-export/spark` writes them by Spark MLlib.

mod judge;
mod read;
mod write;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use upnext_core::Code;

pub use judge::{Beside, Judgement, Loss, judge};
pub use write::write;

use crate::Error;
use crate::factors::{FactorConfig, Factors, Frequency, Solver};
use crate::train::TrainConfig;

/// Version of the layout.
pub const FORMAT: u32 = 1;

/// `factors.json`: what the factors were made from and by which loss. The weights are those of this project's loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactorInfo {
    /// [`FORMAT`].
    pub format: u32,
    /// Who made them, for people.
    pub solver: String,
    /// Width of a factor.
    pub dim: usize,
    /// [`FactorConfig::lambda`].
    pub lambda: f32,
    /// [`FactorConfig::l2`].
    pub l2: f32,
    /// [`FactorConfig::nu`].
    pub nu: f32,
    /// [`FactorConfig::frequency`].
    pub frequency: Frequency,
    /// Sweeps; each solved both sides.
    pub sweeps: usize,
    /// They know what happened before this instant, Unix milliseconds.
    pub factors_until_ms: i64,
    /// End of the train window, Unix milliseconds.
    pub train_until_ms: i64,
    /// Pairs of a user and a video that they found relevant before `factors_until_ms`.
    pub pairs: u64,
}

impl FactorInfo {
    /// The loss that they were made by, for a solver of this program.
    #[must_use]
    pub fn config(&self, seed: u64) -> FactorConfig {
        FactorConfig {
            dim: self.dim,
            lambda: self.lambda,
            l2: self.l2,
            nu: self.nu,
            frequency: self.frequency,
            sweeps: self.sweeps,
            seed,
            solver: Solver::Cholesky,
            ..FactorConfig::default()
        }
    }
}

/// Why factors do not fit a data set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// Another layout.
    #[error("their layout is {found}, this program reads {FORMAT}")]
    Format {
        /// what `factors.json` says
        found: u32,
    },
    /// Another split: they know what they must not, or less than they could.
    #[error(
        "they know what happened before {found} (Unix milliseconds), this data set's factor window ends at {expected}"
    )]
    Split {
        /// the data set's
        expected: i64,
        /// theirs
        found: i64,
    },
    /// A factor of another width.
    #[error("{table} {id} has a factor of {found} numbers, factors.json says {expected}")]
    Width {
        /// users or videos
        table: &'static str,
        /// whose
        id: String,
        /// what `factors.json` says
        expected: usize,
        /// numbers found
        found: usize,
    },
    /// A factor with NaN or infinity.
    #[error("{table} {id} has a factor that is not finite")]
    NotFinite {
        /// users or videos
        table: &'static str,
        /// whose
        id: String,
    },
    /// A row without an id, or an id that stands there twice, or a video that the table lacks.
    #[error("{table} `{id}` {reason}")]
    Id {
        /// users or videos
        table: &'static str,
        /// which
        id: String,
        /// what is wrong with it
        reason: &'static str,
    },
    /// The data set has relevant pairs that the factors know nothing of.
    #[error(
        "{table} {id} has {here} relevant pairs before the split in this data set, and the factors know of {there}"
    )]
    Lacking {
        /// users or videos
        table: &'static str,
        /// whose
        id: String,
        /// pairs of the data set
        here: u64,
        /// pairs that the factors were learnt from
        there: u64,
    },
}

impl Unfit {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Unfit::NotFinite { .. } => Code::NotFinite,
            Unfit::Id { .. } => Code::IdOutOfRange,
            Unfit::Format { .. } | Unfit::Split { .. } | Unfit::Width { .. } | Unfit::Lacking { .. } => {
                Code::ConfigInvalid
            }
        }
    }
}

/// A directory of factors, opened: its tables are not read yet.
#[derive(Debug, Clone)]
pub struct FactorFiles {
    dir: PathBuf,
    info: FactorInfo,
    users: Vec<PathBuf>,
    videos: Vec<PathBuf>,
}

/// Factors by the rows of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The factors; zeros for whom there is none.
    pub factors: Factors,
    /// Relevant pairs that each user's factor was learnt from.
    pub history_len: Vec<u32>,
    /// The same of each video.
    pub relevant: Vec<u32>,
    /// Users with a factor whom the data set does not have: it may be a sample of the log's users.
    pub other_users: u64,
}

impl FactorFiles {
    /// What `factors.json` says.
    #[must_use]
    pub const fn info(&self) -> &FactorInfo {
        &self.info
    }

    /// All files, in a fixed order: what a result that rests on them is kept by.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.dir.join("factors.json")];
        files.extend(self.users.iter().chain(&self.videos).cloned());
        files
    }

    /// A configuration with what the factors have decided: width, and the weight of the unobserved, which the fold-in on the
    /// device shares with them.
    #[must_use]
    pub const fn settle(&self, mut config: TrainConfig) -> TrainConfig {
        config.factors.dim = self.info.dim;
        config.factors.lambda = self.info.lambda;
        config
    }

    fn unfit(&self, unfit: Unfit) -> Error {
        Error::FactorsUnfit {
            path: self.dir.clone(),
            unfit,
        }
    }
}

/// The Parquet files of a directory, by name.
fn tables(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::file(dir))? {
        let path = entry.map_err(Error::file(dir))?.path();
        if path.extension().is_some_and(|end| end == "parquet") {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(Error::File {
            path: dir.to_path_buf(),
            reason: "no .parquet file is there".to_owned(),
        }),
        false => Ok(files),
    }
}

#[cfg(test)]
mod tests;
