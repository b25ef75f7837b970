//! Events as rows.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};
use upnext_core::{EventKind, Purpose, Purposes};

use crate::pulse::Beat;

/// What an account did.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// Whose.
    pub account: String,
    /// Chosen by the sender, unique within the account.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
    /// The video; `None` for a search.
    pub video: Option<String>,
    /// Seconds watched, of a watch.
    pub seconds: Option<f32>,
    /// Query of a search, or the comment.
    pub text: Option<String>,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Kind of device.
    pub device: Option<String>,
    /// Where it was shown.
    pub surface: Option<String>,
    /// Place on that surface, from 0.
    pub position: Option<u32>,
    /// Arm of an experiment that it was shown in.
    pub arm: Option<String>,
    /// Id of the bundle that ranked it.
    pub bundle: Option<String>,
    /// Liked, or watched for at least half of the length, where one is known.
    pub relevant: bool,
    /// What it may be used for.
    pub purposes: Purposes,
}

const COLUMNS: &str =
    "account, id, kind, video, seconds, text, at_ms, device, surface, position, arm, bundle, relevant, purposes";

/// What of an event changes what its account is recommended.
#[derive(Debug, Clone, PartialEq)]
pub struct Improving {
    /// What happened.
    pub kind: EventKind,
    /// The video; `None` for a search.
    pub video: Option<String>,
    /// Seconds watched, of a watch.
    pub seconds: Option<f32>,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Liked, or watched for at least half of the length, where one is known.
    pub relevant: bool,
}

/// What became of events that were told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many were new.
    pub stored: usize,
    /// Those that count for what is shown and found relevant by whom.
    pub beats: Vec<Beat>,
}

/// Keeps what is new of these. An event whose account has one of the same id already is left as it was first told.
///
/// # Errors
/// What SQLite says.
pub fn insert(connection: &Connection, events: &[EventRow]) -> rusqlite::Result<Kept> {
    let mut counted = connection.prepare_cached(
        "SELECT 1 FROM event WHERE account = ?1 AND video = ?2 AND relevant = ?3 AND counts = 1 LIMIT 1",
    )?;
    let mut insert = connection.prepare_cached(&format!(
        "INSERT INTO event ({COLUMNS}, counts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT (account, id) DO NOTHING"
    ))?;
    let mut kept = Kept::default();
    for event in events {
        let counts = event.video.is_some()
            && event.purposes.holds(Purpose::Improve)
            && Beat::counts(event.kind, event.relevant)
            && !counted.exists(params![event.account, event.video, event.relevant])?;
        let stored = insert.execute(params![
            event.account,
            event.id,
            event.kind.as_str(),
            event.video,
            event.seconds,
            event.text,
            event.at_ms,
            event.device,
            event.surface,
            event.position,
            event.arm,
            event.bundle,
            event.relevant,
            event.purposes.bits(),
            counts,
        ])?;
        kept.stored += stored;
        if let (1, true, Some(video)) = (stored, counts, &event.video) {
            kept.beats.push(Beat {
                video: video.clone(),
                relevant: event.relevant,
                at_ms: event.at_ms,
            });
        }
    }
    Ok(kept)
}

/// Deletes what happened before a moment; answers how much that was.
///
/// # Errors
/// What SQLite says.
pub fn forget_before(connection: &Connection, at_ms: i64) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM event WHERE at_ms < ?1", [at_ms])
}

/// Calls `take` with every event that counts.
///
/// # Errors
/// What SQLite says.
pub fn each_beat(connection: &Connection, mut take: impl FnMut(Beat)) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT video, relevant, at_ms FROM event WHERE counts = 1")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(Beat {
            video: row.get(0)?,
            relevant: row.get(1)?,
            at_ms: row.get(2)?,
        });
    }
    Ok(())
}

/// Most accounts that found one video relevant, of those that are asked.
const FINDERS_OF_ONE: i64 = 25;
/// Most accounts that are asked in all.
const FINDERS: usize = 100;
/// Most videos that one of them is asked for.
const FINDS_OF_ONE: i64 = 50;

/// What those found relevant who found these relevant too: for each of them how many of `videos` they share, and
/// their latest finds. The account itself is not among them, and nobody is named.
///
/// # Errors
/// What SQLite says.
pub fn finds_of_neighbours(
    connection: &Connection,
    account: &str,
    videos: &[&str],
) -> rusqlite::Result<Vec<(usize, Vec<String>)>> {
    let mut finders = connection.prepare_cached(&format!(
        "SELECT account FROM event WHERE video = ?1 AND counts = 1 AND relevant = 1 AND account <> ?2
         ORDER BY at_ms DESC LIMIT {FINDERS_OF_ONE}"
    ))?;
    let mut shared: BTreeMap<String, usize> = BTreeMap::new();
    for video in videos {
        let mut rows = finders.query(params![video, account])?;
        while let Some(row) = rows.next()? {
            *shared.entry(row.get(0)?).or_default() += 1;
        }
    }
    let mut neighbours: Vec<(String, usize)> = shared.into_iter().collect();
    neighbours.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    neighbours.truncate(FINDERS);
    let mut finds = connection.prepare_cached(&format!(
        "SELECT video FROM event WHERE account = ?1 AND relevant = 1 AND counts = 1
         ORDER BY at_ms DESC LIMIT {FINDS_OF_ONE}"
    ))?;
    neighbours
        .into_iter()
        .map(|(neighbour, shared)| {
            let rows = finds.query_map(params![neighbour], |row| row.get(0))?;
            Ok((shared, rows.collect::<Result<_, _>>()?))
        })
        .collect()
}

/// The latest events of an account, latest first, whatever they may be used for.
///
/// # Errors
/// What SQLite says.
pub fn of_account(connection: &Connection, account: &str, most: usize) -> rusqlite::Result<Vec<EventRow>> {
    latest(connection, COLUMNS, account, Purposes::ALL, most, read)
}

/// The latest events of an account that may change what it is recommended, latest first.
///
/// # Errors
/// What SQLite says.
pub fn improving(connection: &Connection, account: &str, most: usize) -> rusqlite::Result<Vec<Improving>> {
    let purposes = Purposes::only(Purpose::Improve);
    let columns = "kind, video, seconds, at_ms, relevant";
    latest(connection, columns, account, purposes, most, |row| {
        Ok(Improving {
            kind: kind(row, 0)?,
            video: row.get(1)?,
            seconds: row.get(2)?,
            at_ms: row.get(3)?,
            relevant: row.get(4)?,
        })
    })
}

/// Those with one of these purposes.
fn latest<T>(
    connection: &Connection,
    columns: &str,
    account: &str,
    purposes: Purposes,
    most: usize,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection
        .prepare_cached(&format!(
            "SELECT {columns} FROM event WHERE account = ?1 AND purposes & ?2 <> 0
             ORDER BY at_ms DESC, seq DESC LIMIT {}",
            i64::try_from(most).unwrap_or(i64::MAX)
        ))?
        .query_map(params![account, purposes.bits()], read)?
        .collect()
}

/// Ids of all accounts that did something, rising.
///
/// # Errors
/// What SQLite says.
pub fn accounts(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT DISTINCT account FROM event ORDER BY account")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Calls `take` with every event that a model may learn from, in order of time, then of arrival.
///
/// # Errors
/// What SQLite says, and what `take` says.
pub fn each(connection: &Connection, mut take: impl FnMut(EventRow)) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS} FROM event WHERE purposes & ?1 <> 0 ORDER BY at_ms, seq"
    ))?;
    let mut rows = statement.query([Purposes::only(Purpose::Improve).bits()])?;
    while let Some(row) = rows.next()? {
        take(read(row)?);
    }
    Ok(())
}

/// Calls `take` with the events of each account from a moment on that may be counted, in order of time, then of arrival.
/// Accounts come by their ids.
///
/// # Errors
/// What SQLite says.
pub fn each_account(
    connection: &Connection,
    from_ms: i64,
    mut take: impl FnMut(Vec<EventRow>),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS} FROM event WHERE at_ms >= ?1 AND purposes & ?2 <> 0 ORDER BY account, at_ms, seq"
    ))?;
    let mut rows = statement.query(params![from_ms, Purposes::only(Purpose::Metrics).bits()])?;
    let mut own: Vec<EventRow> = Vec::new();
    while let Some(row) = rows.next()? {
        let event = read(row)?;
        if own.last().is_some_and(|last| last.account != event.account) {
            take(std::mem::take(&mut own));
        }
        own.push(event);
    }
    if !own.is_empty() {
        take(own);
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        account: row.get(0)?,
        id: row.get(1)?,
        kind: kind(row, 2)?,
        video: row.get(3)?,
        seconds: row.get(4)?,
        text: row.get(5)?,
        at_ms: row.get(6)?,
        device: row.get(7)?,
        surface: row.get(8)?,
        position: row.get(9)?,
        arm: row.get(10)?,
        bundle: row.get(11)?,
        relevant: row.get(12)?,
        // Only `insert` writes here, and the tables' default, which is every purpose.
        purposes: Purposes::from_bits(row.get(13)?).unwrap_or(Purposes::ALL),
    })
}

fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<EventKind> {
    let name = row.get_ref(column)?.as_str()?;
    // Only `insert` writes here, and it writes names of kinds.
    Ok(EventKind::parse(name).unwrap_or(EventKind::Impression))
}
