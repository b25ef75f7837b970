//! Table work on a part of a log, for many machines at once: rows of the tables come in as a stream of Arrow batches, and
//! labels, counts or instants go out as another. What runs in parallel (`model-export/spark`) moves rows; what a row means
//! is said here alone, by the functions that the whole log goes through on one machine.
//!
//! - [`ids`]: videos or users that the table has, with what labels need of them;
//! - [`times`]: how many interactions each hour has: where the split lies, and what was malformed;
//! - [`labels`]: encounters with their label, of users whose rows are all in the part;
//! - [`counts`]: likes, comments and watches of each video before the instants of the split.

mod output;
mod part;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, Int64Array, StringArray};
use arrow::datatypes::DataType;

use crate::Error;
use crate::catalogue::Counts;
use crate::label::encounters;
use crate::split::Split;
use crate::table::Builder;
use crate::table::read::{Fault, Report, user, video};
use output::Output;
use part::{Part, each_row, id_rows, interaction_rows};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// The two tables whose ids interactions name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdTable {
    /// Videos.
    Videos,
    /// Users.
    Users,
}

/// Rows of the videos or the users table, with a column `place` that says where each stands in the whole table.
///
/// Out come `id`, `length_seconds` (of a video, where it is known) and `place` of every row that is whole; and a row of
/// `fault`, `example` and `rows` for each kind of malformed row. An id that stands there again is left to whoever sees the
/// whole table: of well-formed rows the first counts.
///
/// # Errors
/// [`Error::File`] for a stream that is none, [`Error::ColumnMissing`].
pub fn ids(table: IdTable, input: impl Read, output: impl Write) -> Result<Report, Error> {
    let columns = [
        ("id", DataType::Utf8),
        ("length_seconds", DataType::Float32),
        ("place", DataType::Utf8),
    ];
    let mut out = Output::new(output, &faulty(&columns))?;
    let (mut found, mut lengths, mut places) = (Vec::new(), Vec::new(), Vec::new());
    let report = each_row(input, &id_rows(table), |row| {
        let mut read = || -> Result<(), Fault> {
            part::whole(row)?;
            let mut one = Builder::default();
            match table {
                IdTable::Videos => video(&mut one, row)?,
                IdTable::Users => user(&mut one, row)?,
            }
            found.push(row.id("id")?.to_owned());
            lengths.push(one.so_far().videos.length_seconds.first().copied().flatten());
            places.push(row.text("place")?.map(str::to_owned));
            Ok(())
        };
        Ok(read().err())
    })?;
    let rows = found.len();
    out.write_padded(
        vec![
            Arc::new(StringArray::from(found)),
            Arc::new(Float32Array::from(lengths)),
            Arc::new(StringArray::from(places)),
        ],
        rows,
    )?;
    out.write_faults(columns.len(), &report)?;
    out.finish()?;
    Ok(report)
}

/// Rows of the interactions table as [`labels`] reads them, in any order.
///
/// Out come `bucket` and `rows`: for each hour since 1970 the interactions within it; with `hours` not empty, for each
/// millisecond within these hours instead. And `fault`, `example`, `rows`, as of [`ids`].
///
/// # Errors
/// As [`ids`].
pub fn times(hours: &[i64], input: impl Read, output: impl Write) -> Result<Report, Error> {
    let mut out = Output::new(output, &faulty(&[("bucket", DataType::Int64)]))?;
    let mut buckets: BTreeMap<i64, i64> = BTreeMap::new();
    let mut add = |part: &mut Part| {
        for at_ms in &part.take().interactions.at_ms {
            let hour = at_ms.div_euclid(HOUR_MS);
            if hours.is_empty() {
                *buckets.entry(hour).or_default() += 1;
            } else if hours.contains(&hour) {
                *buckets.entry(*at_ms).or_default() += 1;
            }
        }
    };
    let mut part = Part::default();
    let report = each_row(input, &interaction_rows(), |row| {
        if part.is_full() {
            add(&mut part);
        }
        Ok(part.add(row).err())
    })?;
    add(&mut part);
    out.write_counted(&buckets)?;
    out.write_faults(1, &report)?;
    out.finish()?;
    Ok(report)
}

/// Rows of the interactions table with `length_seconds` of their video, and `user_known` and `video_known`: whether [`ids`]
/// gave these. Rows of one user stand together, users rise by the bytes of their id, and a user's rows are in the order of
/// the table.
///
/// Out come the encounters of [`encounters`] as `user_id`, `video_id`, `timestamp` (of the opening, Unix milliseconds),
/// `side` (factors, train, test), `shown`, and `relevant`, which is null where nobody can tell.
///
/// # Errors
/// As [`ids`]; [`Error::ConfigInvalid`] where users do not rise.
pub fn labels(split: &Split, input: impl Read, output: impl Write) -> Result<Report, Error> {
    let mut out = Output::new(
        output,
        &[
            ("user_id", DataType::Utf8),
            ("video_id", DataType::Utf8),
            ("timestamp", DataType::Int64),
            ("side", DataType::Utf8),
            ("shown", DataType::Boolean),
            ("relevant", DataType::Boolean),
        ],
    )?;
    let mut label = |part: &mut Part| {
        let data = part.take();
        let met = encounters(&data, split);
        let users = met.iter().map(|e| data.users.ids.name(e.user));
        let videos = met.iter().map(|e| data.videos.ids.name(e.video));
        let sides = met.iter().map(|e| split.side(e.at_ms).as_str());
        out.write(vec![
            Arc::new(StringArray::from_iter_values(users)) as ArrayRef,
            Arc::new(StringArray::from_iter_values(videos)),
            Arc::new(Int64Array::from_iter_values(met.iter().map(|e| e.at_ms))),
            Arc::new(StringArray::from_iter_values(sides)),
            Arc::new(BooleanArray::from_iter(met.iter().map(|e| Some(e.outcome.shown)))),
            Arc::new(BooleanArray::from_iter(met.iter().map(|e| e.label()))),
        ])
    };
    let (mut part, mut last) = (Part::default(), String::new());
    let report = each_row(input, &interaction_rows(), |row| {
        // A row without a user is a fault, wherever it stands.
        let user = row.text("user_id").ok().flatten().unwrap_or(&last);
        if user != last {
            if user < last.as_str() {
                return Err(Error::ConfigInvalid {
                    option: "the rows of a part".to_owned(),
                    reason: format!("users must rise, and {user} comes after {last}"),
                });
            }
            if part.is_full() {
                label(&mut part)?;
            }
            last = user.to_owned();
        }
        Ok(part.add(row).err())
    })?;
    label(&mut part)?;
    out.finish()?;
    Ok(report)
}

/// Rows of the interactions table as [`labels`] reads them, in any order.
///
/// Out come `video_id`, `until_ms` and, of the rows before that instant, `likes`, `comments` and `views`, by [`Counts`]; sums over
/// all parts are those of the log. `until_ms` is each of the split's two instants.
///
/// # Errors
/// As [`ids`].
pub fn counts(split: &Split, input: impl Read, output: impl Write) -> Result<Report, Error> {
    let columns = ["video_id", "until_ms", "likes", "comments", "views"];
    let kind = |name: &'static str| match name {
        "video_id" => (name, DataType::Utf8),
        _ => (name, DataType::Int64),
    };
    let mut out = Output::new(output, &columns.map(kind))?;
    let mut count = |part: &mut Part| -> Result<(), Error> {
        let data = part.take();
        for until_ms in [split.factors_until_ms, split.train_until_ms] {
            let counts = Counts::before(&data, until_ms);
            let column = |of: &Option<Vec<f32>>| -> ArrayRef {
                let rows = 0..data.videos.len();
                Arc::new(Int64Array::from_iter_values(
                    rows.map(|row| of.as_ref().map_or(0, |all| all[row] as i64)),
                ))
            };
            out.write(vec![
                Arc::new(StringArray::from_iter_values(data.videos.ids.iter())),
                Arc::new(Int64Array::from_iter_values((0..data.videos.len()).map(|_| until_ms))),
                column(&counts.likes),
                column(&counts.comments),
                column(&counts.views),
            ])?;
        }
        Ok(())
    };
    let mut part = Part::default();
    let report = each_row(input, &interaction_rows(), |row| {
        if part.is_full() {
            count(&mut part)?;
        }
        Ok(part.add(row).err())
    })?;
    count(&mut part)?;
    out.finish()?;
    Ok(report)
}

/// Columns, and those that tell of malformed rows.
fn faulty(columns: &[(&'static str, DataType)]) -> Vec<(&'static str, DataType)> {
    let faults = [
        ("fault", DataType::Utf8),
        ("example", DataType::Utf8),
        ("rows", DataType::Int64),
    ];
    columns.iter().cloned().chain(faults).collect()
}

#[cfg(test)]
mod tests;
