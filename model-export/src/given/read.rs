//! From files to factors by the rows of a data set.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, UInt64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{FORMAT, FactorFiles, FactorInfo, Given, Unfit, tables};
use crate::Error;
use crate::factors::{Factors, Ones, loss_of};
use crate::split::Split;
use crate::table::{Dataset, Ids};

/// One side of the factorisation: what was read of it, by the rows of a table.
struct Side<'a> {
    table: &'static str,
    ids: &'a Ids,
    dim: usize,
    factors: Vec<f32>,
    relevant: Vec<u32>,
    there: Vec<bool>,
    others: u64,
}

impl FactorFiles {
    /// Opens a directory of factors.
    ///
    /// # Errors
    /// [`Error::File`] where something is missing, [`Error::ConfigInvalid`] where `factors.json` is none or names a loss outside
    /// its ranges, [`Error::FactorsUnfit`] for another layout.
    pub fn open(dir: &Path) -> Result<FactorFiles, Error> {
        let path = dir.join("factors.json");
        let text = std::fs::read(&path).map_err(Error::file(&path))?;
        let info: FactorInfo = serde_json::from_slice(&text).map_err(|reason| Error::ConfigInvalid {
            option: path.display().to_string(),
            reason: reason.to_string(),
        })?;
        info.config(1).check()?;
        let files = FactorFiles {
            dir: dir.to_path_buf(),
            users: tables(&dir.join("users"))?,
            videos: tables(&dir.join("videos"))?,
            info,
        };
        match files.info.format {
            FORMAT => Ok(files),
            found => Err(files.unfit(Unfit::Format { found })),
        }
    }

    /// Reads the factors of a data set's users and videos. `ones` are the relevant pairs of its own factor window.
    ///
    /// The data set may hold a part of the users that the factors know, each with all of their history before the split, and
    /// must hold every video.
    ///
    /// # Errors
    /// [`Error::FactorsUnfit`], [`Error::File`], [`Error::ColumnMissing`].
    pub fn read(&self, data: &Dataset, split: &Split, ones: &Ones) -> Result<Given, Error> {
        if self.info.factors_until_ms != split.factors_until_ms {
            return Err(self.unfit(Unfit::Split {
                expected: split.factors_until_ms,
                found: self.info.factors_until_ms,
            }));
        }
        let users = self.side("user", &data.users.ids, &self.users)?;
        let videos = self.side("video", &data.videos.ids, &self.videos)?;
        self.hold(&users, (0..ones.rows()).map(|row| ones.row(row).len()))?;
        let by_video = ones.transposed();
        self.hold(&videos, (0..by_video.rows()).map(|row| by_video.row(row).len()))?;
        let mut factors = Factors {
            dim: self.info.dim,
            users: users.factors,
            items: videos.factors,
            loss: Vec::new(),
        };
        // Of the pairs that are here: of the whole log where the data set is it.
        factors.loss = vec![loss_of(ones, &factors, &self.info.config(1))];
        Ok(Given {
            factors,
            history_len: users.relevant,
            relevant: videos.relevant,
            other_users: users.others,
        })
    }

    fn side<'a>(&self, table: &'static str, ids: &'a Ids, files: &[PathBuf]) -> Result<Side<'a>, Error> {
        let dim = self.info.dim;
        let mut side = Side {
            table,
            ids,
            dim,
            factors: vec![0.0; ids.len() * dim],
            relevant: vec![0; ids.len()],
            there: vec![false; ids.len()],
            others: 0,
        };
        for path in files {
            let file = File::open(path).map_err(Error::file(path))?;
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(Error::file(path))?;
            for batch in builder.build().map_err(Error::file(path))? {
                side.take(path, &batch.map_err(Error::file(path))?, |unfit| self.unfit(unfit))?;
            }
        }
        if side.others > 0 && table == "user" && !side.there.contains(&true) {
            return Err(self.unfit(Unfit::Id {
                table,
                id: ids.name(0).to_owned(),
                reason: "has no factor, and no other of this data set has: they are of another log",
            }));
        }
        Ok(side)
    }

    /// Everybody's pairs must be known to the factors.
    fn hold(&self, side: &Side<'_>, pairs: impl Iterator<Item = usize>) -> Result<(), Error> {
        for (row, here) in pairs.enumerate() {
            let there = u64::from(side.relevant[row]);
            if here as u64 > there {
                return Err(self.unfit(Unfit::Lacking {
                    table: side.table,
                    id: side.ids.name(row as u32).to_owned(),
                    here: here as u64,
                    there,
                }));
            }
        }
        Ok(())
    }
}

impl Side<'_> {
    fn take(&mut self, path: &Path, batch: &RecordBatch, unfit: impl Fn(Unfit) -> Error) -> Result<(), Error> {
        let list = DataType::new_list(DataType::Float32, true);
        let ids = column(path, batch, "id", &DataType::Utf8)?;
        let features = column(path, batch, "features", &list)?;
        let relevant = column(path, batch, "relevant", &DataType::UInt64)?;
        let (ids, features, relevant) = (
            ids.as_string::<i32>(),
            features.as_list::<i32>(),
            relevant.as_primitive::<UInt64Type>(),
        );
        for i in 0..batch.num_rows() {
            let (table, id) = (self.table, if ids.is_valid(i) { ids.value(i) } else { "" });
            let bad = |reason| {
                let id = id.to_owned();
                unfit(Unfit::Id { table, id, reason })
            };
            if id.is_empty() {
                return Err(bad("has no id"));
            }
            let Some(row) = self.ids.row(id).map(|row| row as usize) else {
                if table == "video" {
                    return Err(bad("is not in the videos table"));
                }
                self.others += 1;
                continue;
            };
            if std::mem::replace(&mut self.there[row], true) {
                return Err(bad("stands there twice"));
            }
            let values = features.is_valid(i).then(|| features.value(i));
            let values = values.as_ref().map(|values| values.as_primitive::<Float32Type>());
            let found = values.map_or(0, |values| values.len());
            if found != self.dim {
                return Err(unfit(Unfit::Width {
                    table,
                    id: id.to_owned(),
                    expected: self.dim,
                    found,
                }));
            }
            let slot = &mut self.factors[row * self.dim..(row + 1) * self.dim];
            for (slot, value) in slot.iter_mut().zip(values.into_iter().flatten()) {
                // A missing number is none.
                *slot = value.unwrap_or(f32::NAN);
            }
            if slot.iter().any(|value| !value.is_finite()) {
                let id = id.to_owned();
                return Err(unfit(Unfit::NotFinite { table, id }));
            }
            let count = if relevant.is_valid(i) { relevant.value(i) } else { 0 };
            self.relevant[row] = u32::try_from(count).unwrap_or(u32::MAX);
        }
        Ok(())
    }
}

/// A column by name, as one type.
fn column(path: &Path, batch: &RecordBatch, name: &str, wanted: &DataType) -> Result<ArrayRef, Error> {
    let Some(array) = batch.column_by_name(name) else {
        let schema = batch.schema();
        let found: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        return Err(Error::ColumnMissing {
            path: path.to_path_buf(),
            column: name.to_owned(),
            found: found.join(", "),
        });
    };
    cast(array, wanted).map_err(|reason| Error::File {
        path: path.to_path_buf(),
        reason: format!("column {name}: {reason}"),
    })
}
