//! `export-events`: what was written down, as the tables that `upnext-export train` starts from (docs/tables.md).

mod events;
mod table;
mod videos;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use upnext_core::bundle::{Manifest, Role};

use crate::catalogue::{current_id, read};
use crate::error::StartError;
use crate::store::account::all_erased;
use crate::store::video::{VideoRow, all};
use crate::store::{FILE, open_reader};

use table::{TableFile, ids, read_table};

/// Where to read and where to write.
#[derive(Debug, Clone)]
pub struct Export {
    /// Data directory of the server.
    pub data: PathBuf,
    /// Bundle root, for the videos.
    pub bundle: PathBuf,
    /// Data set to go on from, as Parquet.
    pub base: Option<PathBuf>,
    /// Directory to write.
    pub out: PathBuf,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Rows of the videos table.
    pub videos: usize,
    /// Rows of the users table.
    pub users: usize,
    /// Rows of the interactions table, those of the base counted.
    pub interactions: usize,
    /// Events left out, since neither bundle nor base knows their video.
    pub unknown_videos: usize,
}

/// Writes `videos`, `users` and `interactions` as Parquet, and `dataset.json`. The server may run meanwhile:
/// what is written is what had been committed when this began.
///
/// Accounts that asked to be forgotten are in it with what was told since, and with nothing of the base.
/// Videos are those of the base and of the current bundle, and those that arrived since, without those that were
/// taken down; users those of the base and all accounts with an
/// event. No split is written, so training takes the 60 % and 80 % points of the log in time.
///
/// # Errors
/// [`StartError`]: no bundle, no database, a base that is not Parquet, a place that cannot be written.
pub fn export(request: &Export) -> Result<Exported, StartError> {
    let base = |name: &'static str, schema| match &request.base {
        Some(base) => read_table(&base.join(format!("{name}.parquet")), schema).map(Some),
        None => Ok(None),
    };
    let database = request.data.join(FILE);
    let connection = open_reader(&database)?;
    // One transaction: both passes see the same events.
    let snapshot = connection
        .unchecked_transaction()
        .map_err(crate::store::StoreError::from)?;

    // The last word on a video counts: what arrived goes first, what was taken down is no video any more.
    let forgotten: BTreeSet<String> = all_erased(&snapshot)
        .map_err(crate::store::StoreError::from)?
        .into_iter()
        .collect();
    let changes = all(&snapshot).map_err(crate::store::StoreError::from)?;
    let (arrived, removed): (Vec<&VideoRow>, Vec<&VideoRow>) = changes.iter().partition(|row| row.video.is_some());
    let removed: BTreeSet<String> = removed.into_iter().map(|row| row.id.clone()).collect();
    let (mut videos, mut known) = (Vec::new(), removed.clone());
    add_new(&mut videos, videos::batch(&arrived)?, &mut known)?;
    if let Some(batch) = base("videos", table::videos())? {
        add_new(&mut videos, batch, &mut known)?;
    }
    add_new(&mut videos, bundle_videos(&request.bundle)?, &mut known)?;
    known.retain(|id| !removed.contains(id));
    std::fs::create_dir_all(&request.out).map_err(|error| unwritable(&request.out, &error))?;

    let mut interactions = TableFile::create(&request.out, "interactions", table::interactions())?;
    if let Some(batch) = base("interactions", table::interactions())? {
        interactions.write(&events::of_known(&batch, &known, &forgotten)?)?;
    }
    let (accounts, unknown_videos) = events::write(&snapshot, &known, &mut interactions)?;

    // Who asked to be forgotten is in the tables for what was told since, and for nothing else.
    let (mut users, mut known_users) = (Vec::new(), BTreeSet::new());
    add_new(
        &mut users,
        events::users(&accounts, Some(&forgotten))?,
        &mut known_users,
    )?;
    known_users.extend(forgotten);
    if let Some(batch) = base("users", table::users())? {
        add_new(&mut users, batch, &mut known_users)?;
    }
    add_new(&mut users, events::users(&accounts, None)?, &mut known_users)?;

    let mut counts = [0, 0];
    for (count, (name, schema, batches)) in counts
        .iter_mut()
        .zip([("videos", table::videos(), &videos), ("users", table::users(), &users)])
    {
        let mut file = TableFile::create(&request.out, name, schema)?;
        for batch in batches {
            file.write(batch)?;
        }
        *count = file.finish()?;
    }
    let interactions = interactions.finish()?;
    dataset(request)?;
    Ok(Exported {
        videos: counts[0],
        users: counts[1],
        interactions,
        unknown_videos,
    })
}

/// Adds the rows whose id is new.
fn add_new(batches: &mut Vec<RecordBatch>, batch: RecordBatch, known: &mut BTreeSet<String>) -> Result<(), StartError> {
    let mut here = BTreeSet::new();
    ids(&batch, &mut here)?;
    let column = table::id_column(&batch)?;
    let keep: BooleanArray = column.iter().map(|id| id.map(|id| !known.contains(id))).collect();
    let new = filter_record_batch(&batch, &keep).map_err(|error| table::unfitting(&error))?;
    known.append(&mut here);
    batches.push(new);
    Ok(())
}

fn bundle_videos(root: &Path) -> Result<RecordBatch, StartError> {
    let id = current_id(root)?;
    let directory = root.join(&id);
    let manifest = Manifest::parse(&read(&directory.join("manifest.json"), "manifest.json")?, &id)?;
    let entry = manifest.file(Role::Videos)?;
    let path = directory.join(&entry.path);
    entry.verify(&read(&path, &entry.path)?)?;
    read_table(&path, table::videos())
}

/// `dataset.json`: that of the base without its split, which the new events have outgrown.
fn dataset(request: &Export) -> Result<(), StartError> {
    let unreadable = |path: &Path, reason: String| StartError::FileUnreadable {
        path: path.to_owned(),
        reason,
    };
    let mut meta = serde_json::Map::new();
    if let Some(path) = request
        .base
        .as_ref()
        .map(|base| base.join("dataset.json"))
        .filter(|path| path.is_file())
    {
        let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, error.to_string()))?;
        meta = serde_json::from_slice(&bytes).map_err(|error| unreadable(&path, error.to_string()))?;
    }
    meta.remove("split");
    meta.entry("name").or_insert_with(|| "events".into());
    let notes = meta.entry("notes").or_insert_with(|| serde_json::json!([]));
    if let Some(notes) = notes.as_array_mut() {
        notes.push("events of upnext-server, by `upnext-server export-events`".into());
    }
    let path = request.out.join("dataset.json");
    let text = format!("{:#}\n", serde_json::Value::Object(meta));
    std::fs::write(&path, text).map_err(|error| unwritable(&path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> StartError {
    StartError::FileUnreadable {
        path: path.to_owned(),
        reason: format!("it cannot be written: {error}"),
    }
}

/// One batch of all of these.
fn joined(schema: &table::Schema, batches: &[RecordBatch]) -> Result<RecordBatch, StartError> {
    concat_batches(&schema.arrow(), batches).map_err(|error| table::unfitting(&error))
}
