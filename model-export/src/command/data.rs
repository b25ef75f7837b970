//! Arguments that verbs share: a data set to read, a data set to write.

use std::fs;
use std::path::PathBuf;

use upnext_export::Error;
use upnext_export::table::{Dataset, Format, load, write};

/// A data set to read.
#[derive(Debug, Clone, clap::Args)]
pub struct DataArgs {
    /// Directory with the tables videos, users, interactions (.parquet, .csv or .csv.zst) and dataset.json
    #[arg(long = "data", value_name = "DATA")]
    pub dir: PathBuf,
    /// Share of malformed rows of a table above which it is refused
    #[arg(long, default_value_t = 0.01, value_name = "SHARE")]
    pub max_malformed: f64,
}

impl DataArgs {
    /// Loads the tables; what was left out is said on stderr.
    ///
    /// # Errors
    /// As [`load`].
    pub fn load(&self) -> Result<Dataset, Error> {
        if !(0.0..=1.0).contains(&self.max_malformed) {
            return Err(Error::ConfigInvalid {
                option: "--max-malformed".to_owned(),
                reason: format!("{} is outside 0..=1", self.max_malformed),
            });
        }
        let loaded = load(&self.dir, self.max_malformed)?;
        let warnings = loaded.warnings();
        if !warnings.is_empty() {
            eprintln!("{warnings}");
        }
        Ok(loaded.data)
    }

    /// Files of the data set, in order of their names.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn tables(&self) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(Error::file(&self.dir))? {
            let path = entry.map_err(Error::file(&self.dir))?.path();
            if path.is_file() {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

/// A data set to write.
#[derive(Debug, Clone, clap::Args)]
pub struct OutArgs {
    /// Directory for the tables and dataset.json; made where it is missing
    #[arg(long = "out", value_name = "DATA")]
    pub dir: PathBuf,
    /// Format of the tables
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    pub format: Format,
}

impl OutArgs {
    /// Writes the tables.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, data: &Dataset) -> Result<(), Error> {
        write(data, &self.dir, self.format)
    }
}
