//! KuaiRand-Pure: a real short-video log with watch time.
//!
//! Read are the basic video table, the users table, the log of 25 April – 8 May 2022 and, where it is there,
//! the capped history of 8 – 24 April. The statistics table is left alone: its columns are averages over the
//! whole month and so contain the days of the test.
//!
//! **The history** holds for each user the last 50 rows of the log (`watch`), the last 50 `long_view` rows and the
//! last 50 `like` rows, in order and without time. `watch` is every row of the log: for users below the cap the
//! long views are a subsequence of it, without exception. So a kept row is a long view if and only if it is matched
//! by the latest long views: the others are known *not* to be, and long views that match no kept row are older ones.
//! All carry the last instant they can have had, the window's end − 1 ms; `relevant` holds the judgement
//! in place of the seconds that the capped history lacks.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use upnext_core::EventKind;

use super::Imported;
use crate::Error;
use crate::progress::Progress;
use crate::table::read::open;
use crate::table::{Builder, Interaction, Meta, SplitInstants, User, Video};

mod history;

/// 25 April 2022, 00:00 in UTC+8.
const FACTORS_UNTIL_MS: i64 = 1_650_816_000_000;
/// 1 May 2022, 00:00 in UTC+8.
const TRAIN_UNTIL_MS: i64 = 1_651_334_400_000;

/// Rows of the log that were left out.
#[derive(Debug, Default)]
struct Dropped {
    rows: u64,
    repeated: u64,
    no_duration: u64,
    unknown: u64,
}

/// Reads a KuaiRand-Pure directory.
///
/// # Errors
/// [`Error::File`] for a file that is not there or a cell that cannot be read, [`Error::ColumnMissing`].
pub fn import(dir: &Path) -> Result<Imported, Error> {
    let mut builder = Builder::new(meta());
    let log = Rows::find(
        dir,
        &["interactions_20220425_20220508", "log_standard_4_22_to_5_08_pure"],
    )?;
    let lengths = lengths(&log)?;
    videos(
        &mut builder,
        &Rows::find(dir, &["video_features_basic_pure"])?,
        &lengths,
    )?;
    users(&mut builder, &Rows::find(dir, &["user_features_pure"])?)?;
    let mut counts = vec![format!(
        "{} videos, {} users",
        builder.so_far().videos.len(),
        builder.so_far().users.len()
    )];
    match Rows::find(dir, &["history_20220408_20220424_last50"]) {
        Ok(rows) => counts.push(history::read(&mut builder, &rows, FACTORS_UNTIL_MS - 1)?),
        Err(error) => counts.push(format!("no history, so nothing to learn factors from: {error}")),
    }
    let dropped = interactions(&mut builder, &log)?;
    counts.push(format!(
        "log: {} rows; left out {} that repeat user, video and time, {} with duration_ms <= 0, {} of unknown users or videos",
        dropped.rows, dropped.repeated, dropped.no_duration, dropped.unknown
    ));
    Ok(Imported {
        data: builder.finish(),
        counts,
    })
}

fn meta() -> Meta {
    let notes = [
        "KuaiRand-Pure (CC BY-SA 4.0), Gao et al., CIKM 2022, doi 10.1145/3511808.3557624",
        "channel is author_id, surface is tab, tags are the numeric categories, published_at is midnight of upload_dt",
        "length is video_duration, else the log's duration_ms; rows without a positive duration are left out",
        "hour and day come from time_ms on the clock of Asia/Shanghai; hourmin and date are not read",
        "8-24 April: at most the last 50 rows per user, in order and without time; relevant is upstream's long_view",
        "no titles, languages, ratings, ages, genders, places or devices: unknown",
    ];
    Meta {
        name: "kuairand-pure".to_owned(),
        split: Some(SplitInstants {
            factors_until_ms: FACTORS_UNTIL_MS,
            train_until_ms: TRAIN_UNTIL_MS,
        }),
        time_zone: Some("Asia/Shanghai".to_owned()),
        notes: notes.map(str::to_owned).to_vec(),
        world: None,
    }
}

/// A CSV file of the log with named columns.
struct Rows {
    path: PathBuf,
}

impl Rows {
    /// Looks for `NAME.csv` and `NAME.csv.zst` in the directory and its `derived`, `original` and `data`.
    fn find(dir: &Path, names: &[&str]) -> Result<Rows, Error> {
        for name in names {
            for below in ["", "derived", "original", "data"] {
                for end in ["csv", "csv.zst"] {
                    let path = dir.join(below).join(format!("{name}.{end}"));
                    if path.is_file() {
                        return Ok(Rows { path });
                    }
                }
            }
        }
        Err(Error::File {
            path: dir.to_path_buf(),
            reason: format!(
                "no {}.csv or .csv.zst in it or in its derived, original or data",
                names.join(" or ")
            ),
        })
    }

    /// Gives the named cells of each row to `take`.
    fn each<const N: usize>(
        &self,
        columns: [&str; N],
        mut take: impl FnMut([&str; N]) -> Result<(), String>,
    ) -> Result<(), Error> {
        let mut reader = csv::Reader::from_reader(open(&self.path)?);
        let headers = reader.headers().map_err(Error::file(&self.path))?.clone();
        let mut places = [0; N];
        for (place, column) in places.iter_mut().zip(columns) {
            let found = headers.iter().position(|name| name == column);
            *place = found.ok_or_else(|| Error::ColumnMissing {
                path: self.path.clone(),
                column: column.to_owned(),
                found: headers.iter().collect::<Vec<_>>().join(", "),
            })?;
        }
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(Error::file(&self.path))? {
            let cells = places.map(|place| record.get(place).unwrap_or_default());
            take(cells).map_err(|reason| Error::File {
                path: self.path.clone(),
                reason: format!("line {}: {reason}", record.position().map_or(0, csv::Position::line)),
            })?;
        }
        Ok(())
    }
}

fn number(column: &str, text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|v| v.is_finite());
    value.ok_or_else(|| format!("column {column}: `{text}` is not a number"))
}

/// The log's own duration of each video, in seconds.
fn lengths(log: &Rows) -> Result<HashMap<String, f32>, Error> {
    let mut lengths = HashMap::new();
    log.each(["video_id", "duration_ms"], |[id, duration]| {
        let duration = number("duration_ms", duration)?;
        if duration > 0.0 && !lengths.contains_key(id) {
            lengths.insert(id.to_owned(), (duration / 1e3) as f32);
        }
        Ok(())
    })?;
    Ok(lengths)
}

fn videos(builder: &mut Builder, rows: &Rows, lengths: &HashMap<String, f32>) -> Result<(), Error> {
    rows.each(
        ["video_id", "author_id", "upload_dt", "video_duration", "tag"],
        |[id, author, day, duration, tag]| {
            let known = if duration.is_empty() {
                None
            } else {
                Some(number("video_duration", duration)?)
            };
            let known = known.filter(|ms| *ms > 0.0).map(|ms| (ms / 1e3) as f32);
            let tags: Vec<&str> = tag.split(',').map(str::trim).filter(|t| !t.is_empty()).collect();
            builder.video(&Video {
                id,
                tags: &tags,
                length_seconds: known.or_else(|| lengths.get(id).copied()),
                channel: Some(author),
                published_at_ms: midnight(day)?,
                ..Video::default()
            });
            Ok(())
        },
    )
}

/// Midnight of `2022-04-10` in Shanghai; empty is unknown.
fn midnight(day: &str) -> Result<Option<i64>, String> {
    if day.is_empty() {
        return Ok(None);
    }
    let wrong = |reason: jiff::Error| format!("column upload_dt: `{day}`: {reason}");
    let date: Date = day.parse().map_err(wrong)?;
    let start = TimeZone::fixed(jiff::tz::offset(8))
        .to_timestamp(date.at(0, 0, 0, 0))
        .map_err(wrong)?;
    Ok(Some(start.as_millisecond()))
}

fn users(builder: &mut Builder, rows: &Rows) -> Result<(), Error> {
    // The 30 other columns are encrypted or counts of the whole month: nothing of DESIGN 4.
    rows.each(["user_id"], |[id]| {
        builder.user(&User { id, ..User::default() });
        Ok(())
    })
}

fn interactions(builder: &mut Builder, log: &Rows) -> Result<Dropped, Error> {
    let progress = Progress::start("log", 228_329);
    let mut dropped = Dropped::default();
    let mut seen: HashSet<(u32, u32, i64)> = HashSet::new();
    let columns = [
        "user_id",
        "video_id",
        "time_ms",
        "play_time_ms",
        "duration_ms",
        "is_like",
        "is_comment",
        "is_forward",
        "is_hate",
        "tab",
    ];
    log.each(
        columns,
        |[user, video, time, played, duration, like, comment, forward, hate, tab]| {
            dropped.rows += 1;
            progress.add(1);
            let at_ms = time
                .parse::<i64>()
                .map_err(|_| format!("column time_ms: `{time}` is not a whole number"))?;
            let played = number("play_time_ms", played)?;
            let data = builder.so_far();
            let (Some(user), Some(video)) = (data.users.ids.row(user), data.videos.ids.row(video)) else {
                dropped.unknown += 1;
                return Ok(());
            };
            if !seen.insert((user, video, at_ms)) {
                dropped.repeated += 1;
                return Ok(());
            }
            if number("duration_ms", duration)? <= 0.0 {
                dropped.no_duration += 1;
                return Ok(());
            }
            let event = |kind| Interaction {
                surface: Some(tab),
                ..Interaction::new(user, video, kind, at_ms)
            };
            builder.interaction(&event(EventKind::Impression));
            if played > 0.0 {
                builder.interaction(&Interaction {
                    seconds: Some((played / 1e3) as f32),
                    ..event(EventKind::Watch)
                });
            }
            for (flag, kind) in [
                (like, EventKind::Like),
                (comment, EventKind::Comment),
                (forward, EventKind::Share),
                (hate, EventKind::NotInterested),
            ] {
                if flag == "1" {
                    builder.interaction(&event(kind));
                }
            }
            Ok(())
        },
    )?;
    progress.finish();
    Ok(dropped)
}

#[cfg(test)]
mod tests;
