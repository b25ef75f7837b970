//! The three tables and `dataset.json` of a directory.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use upnext_core::EventKind;

use super::malformed::{Fault, Malformed, Report};
use super::{Row, read};
use crate::Error;
use crate::table::schema::{INTERACTIONS, Schema, USERS, VIDEOS};
use crate::table::{Builder, Dataset, Interaction, Meta, NONE, User, Video};

/// A data set, and what was left out of it.
#[derive(Debug)]
pub struct Loaded {
    /// The data set.
    pub data: Dataset,
    /// One report per table: file and counts.
    pub reports: Vec<(PathBuf, Report)>,
}

impl Loaded {
    /// Malformed rows by table and kind, one line each; empty where there were none.
    #[must_use]
    pub fn warnings(&self) -> String {
        let lines: Vec<String> = self
            .reports
            .iter()
            .filter(|(_, report)| report.malformed() > 0)
            .map(|(path, report)| {
                let (malformed, rows) = (report.malformed(), report.rows);
                format!(
                    "{malformed} of {rows} rows of {} left out:\n{}",
                    path.display(),
                    report.lines()
                )
            })
            .collect();
        lines.join("\n")
    }
}

/// Reads `dir`; a table with a larger share of malformed rows than `allowed` is refused.
///
/// # Errors
/// [`Error::File`], [`Error::ColumnMissing`], [`Error::TableEmpty`], [`Error::RowsMalformed`],
/// [`Error::ConfigInvalid`] for a `dataset.json` that is none.
pub fn load(dir: &Path, allowed: f64) -> Result<Loaded, Error> {
    let mut builder = Builder::new(meta(dir)?);
    let mut reports = Vec::new();
    let paths = [find(dir, &VIDEOS)?, find(dir, &USERS)?, find(dir, &INTERACTIONS)?];
    let [videos, users, interactions] = paths;
    let report = read(&videos, &VIDEOS, allowed, &mut |row| video(&mut builder, row))?;
    reports.push((videos, report));
    let report = read(&users, &USERS, allowed, &mut |row| user(&mut builder, row))?;
    reports.push((users, report));
    let report = read(&interactions, &INTERACTIONS, allowed, &mut |row| {
        interaction(&mut builder, row)
    })?;
    reports.push((interactions, report));
    Ok(Loaded {
        data: builder.finish(),
        reports,
    })
}

/// The one file of a table in a directory.
///
/// # Errors
/// [`Error::File`] where there is none, or more than one.
pub fn find(dir: &Path, schema: &Schema) -> Result<PathBuf, Error> {
    let names = ["parquet", "csv", "csv.zst"].map(|end| format!("{}.{end}", schema.table));
    let found: Vec<PathBuf> = names
        .iter()
        .map(|name| dir.join(name))
        .filter(|path| path.is_file())
        .collect();
    match found.as_slice() {
        [path] => Ok(path.clone()),
        [] => Err(Error::File {
            path: dir.to_path_buf(),
            reason: format!("none of {} is there", names.join(", ")),
        }),
        [..] => Err(Error::File {
            path: dir.to_path_buf(),
            reason: format!("more than one of {} is there; keep one", names.join(", ")),
        }),
    }
}

fn meta(dir: &Path) -> Result<Meta, Error> {
    let path = dir.join("dataset.json");
    if !path.is_file() {
        let name = dir
            .file_name()
            .map_or_else(|| "data".into(), |n| n.to_string_lossy().into_owned());
        return Ok(Meta {
            name,
            ..Meta::default()
        });
    }
    let text = std::fs::read(&path).map_err(Error::file(&path))?;
    serde_json::from_slice(&text).map_err(|reason| Error::ConfigInvalid {
        option: path.display().to_string(),
        reason: reason.to_string(),
    })
}

/// A length, or a count: from the smallest positive number, or from zero.
const POSITIVE: std::ops::RangeInclusive<f32> = f32::MIN_POSITIVE..=f32::MAX;
const NOT_NEGATIVE: std::ops::RangeInclusive<f32> = 0.0..=f32::MAX;

/// Adds a row of the videos table; a fault where a cell is none, or the id is there already.
pub(crate) fn video(builder: &mut Builder, row: &Row<'_, '_>) -> Result<(), Fault> {
    let id = row.id("id")?;
    let tags = row.list("tags")?;
    let regions = row.list("regions")?;
    let borrowed = |list: &[Cow<'_, str>]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (tags, regions) = (borrowed(&tags), borrowed(&regions));
    let row = Video {
        id,
        title: row.text("title")?,
        tags: &tags.iter().map(String::as_str).collect::<Vec<_>>(),
        length_seconds: row.number("length_seconds", POSITIVE)?,
        language: row.text("language")?,
        rating: row.text("rating")?,
        channel: row.text("channel")?,
        published_at_ms: row.instant("published_at")?,
        likes: row.number("likes", NOT_NEGATIVE)?,
        comments: row.number("comments", NOT_NEGATIVE)?,
        views: row.number("views", NOT_NEGATIVE)?,
        regions: &regions.iter().map(String::as_str).collect::<Vec<_>>(),
        content_hash: row.text("content_hash")?,
    };
    builder
        .video(&row)
        .map(|_| ())
        .ok_or_else(|| Fault::new(Malformed::IdRepeated, "id", id))
}

/// As [`video`], of the users table.
pub(crate) fn user(builder: &mut Builder, row: &Row<'_, '_>) -> Result<(), Fault> {
    let id = row.id("id")?;
    let row = User {
        id,
        age: row.number("age", 0.0..=130.0)?,
        gender: row.text("gender")?,
        latitude: row.number("latitude", -90.0..=90.0)?,
        longitude: row.number("longitude", -180.0..=180.0)?,
        username: row.text("username")?,
        language: row.text("language")?,
        time_zone: row.text("time_zone")?,
    };
    builder
        .user(&row)
        .map(|_| ())
        .ok_or_else(|| Fault::new(Malformed::IdRepeated, "id", id))
}

/// As [`video`], of the interactions table; its user and video must be there.
pub(crate) fn interaction(builder: &mut Builder, row: &Row<'_, '_>) -> Result<(), Fault> {
    let kind_name = row.id("type")?;
    let kind = EventKind::parse(kind_name).ok_or_else(|| Fault::new(Malformed::TypeUnknown, "type", kind_name))?;
    let user_id = row.id("user_id")?;
    let data = builder.so_far();
    let user = data.users.ids.row(user_id);
    let user = user.ok_or_else(|| Fault::new(Malformed::UserUnknown, "user_id", user_id))?;
    let video = if kind == EventKind::Search {
        NONE
    } else {
        let id = row.id("video_id")?;
        data.videos
            .ids
            .row(id)
            .ok_or_else(|| Fault::new(Malformed::VideoUnknown, "video_id", id))?
    };
    let at_ms = row.instant("timestamp")?;
    builder.interaction(&Interaction {
        seconds: if kind == EventKind::Watch {
            row.number("value", NOT_NEGATIVE)?
        } else {
            None
        },
        text: if matches!(kind, EventKind::Comment | EventKind::Search) {
            row.text("value")?
        } else {
            None
        },
        latitude: row.number("latitude", -90.0..=90.0)?,
        longitude: row.number("longitude", -180.0..=180.0)?,
        device: row.text("device")?,
        surface: row.text("surface")?,
        position: row.count("position")?,
        relevant: row.flag("relevant")?,
        // Any number: an estimate that needs chances refuses what is none, and says where.
        propensity: row.number("propensity", f32::MIN..=f32::MAX)?,
        ..Interaction::new(
            user,
            video,
            kind,
            at_ms.ok_or_else(|| Fault::new(Malformed::NotAnInstant, "timestamp", ""))?,
        )
    });
    Ok(())
}
