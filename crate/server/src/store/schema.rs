//! Tables of the database and their version.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// Version of the tables, kept in `user_version`.
const VERSION: i64 = 4;

/// How long a statement waits for a lock that another process holds.
const BUSY: Duration = Duration::from_secs(5);

/// What takes tables of version 1, which knew no arm and no bundle of an event, to version 2.
const SINCE_1: &str = "ALTER TABLE event ADD COLUMN arm TEXT; ALTER TABLE event ADD COLUMN bundle TEXT;";
/// What takes tables of version 2, which knew no purposes of an event, to version 3: all that was told then was for both.
const SINCE_2: &str = "ALTER TABLE event ADD COLUMN purposes INTEGER NOT NULL DEFAULT 3;";

/// What takes tables of version 3, which counted no reports, to version 4.
const SINCE_3: &str = "
-- How many reports named a bucket; bundle: empty where it was not served.
CREATE TABLE report_count (
    form    INTEGER NOT NULL,
    week    INTEGER NOT NULL,
    bundle  TEXT NOT NULL,
    metric  TEXT NOT NULL,
    bucket  INTEGER NOT NULL,
    reports INTEGER NOT NULL,
    PRIMARY KEY (week, form, bundle, metric, bucket)
) STRICT, WITHOUT ROWID;
";

/// Tables of version 3.
const TABLES: &str = "
CREATE TABLE event (
    seq      INTEGER PRIMARY KEY,
    account  TEXT NOT NULL,
    id       TEXT NOT NULL,
    kind     TEXT NOT NULL,
    video    TEXT,
    seconds  REAL,
    text     TEXT,
    at_ms    INTEGER NOT NULL,
    device   TEXT,
    surface  TEXT,
    position INTEGER,
    arm      TEXT,
    bundle   TEXT,
    -- 1: liked, or watched for at least half of what was known as the length then
    relevant INTEGER NOT NULL,
    -- 1: the account's first impression of this video, or the first that was relevant
    counts   INTEGER NOT NULL,
    -- what it may be used for: 1 improve, 2 metrics
    purposes INTEGER NOT NULL DEFAULT 3,
    UNIQUE (account, id)
) STRICT;
-- The last word on a video since the bundle; no body: taken down.
CREATE TABLE video (
    id    TEXT PRIMARY KEY,
    body  TEXT,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Accounts that asked to be forgotten: what a bundle or a base still knows of them is not used.
CREATE TABLE erased (
    account TEXT PRIMARY KEY,
    at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX event_of_account ON event (account, at_ms);
CREATE INDEX counted_event ON event (account, video, relevant) WHERE counts = 1;
CREATE INDEX found_relevant ON event (video, at_ms) WHERE counts = 1 AND relevant = 1;
";

/// Sets the connection up for durable writes, makes the tables of a new database and brings old ones up to date.
pub fn prepare(connection: &Connection) -> Result<(), String> {
    let said = |error: rusqlite::Error| error.to_string();
    connection.busy_timeout(BUSY).map_err(said)?;
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(said)?;
    if mode != "wal" {
        return Err(format!(
            "its journal mode is {mode}, not WAL; a network file system has none"
        ));
    }
    // FULL: a commit returns after its frames of the log have reached the disk.
    connection.pragma_update(None, "synchronous", "FULL").map_err(said)?;
    // What is deleted is overwritten with zeros.
    connection.pragma_update(None, "secure_delete", "ON").map_err(said)?;
    let outdated = match version(connection)? {
        0 => vec![TABLES, SINCE_3],
        1 => vec![SINCE_1, SINCE_2, SINCE_3],
        2 => vec![SINCE_2, SINCE_3],
        3 => vec![SINCE_3],
        _ => Vec::new(),
    };
    if !outdated.is_empty() {
        let changes = outdated.join(" ");
        connection
            .execute_batch(&format!(
                "BEGIN IMMEDIATE; {changes} PRAGMA user_version = {VERSION}; COMMIT;"
            ))
            .map_err(said)?;
    }
    check(connection)
}

/// Refuses tables of another version.
pub fn check(connection: &Connection) -> Result<(), String> {
    connection.busy_timeout(BUSY).map_err(|error| error.to_string())?;
    // The plan of a statement is made once. Else SQLite makes it anew each time that a number is bound of which it could depend,
    // a `LIMIT` or a value that a partial index names: a tenth of what a request for candidates took.
    let stable = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
    stable.map_err(|error| error.to_string())?;
    match version(connection)? {
        VERSION => Ok(()),
        found if found < VERSION => Err(format!(
            "its tables have version {found}, this program reads {VERSION}; a server that starts on them takes them there"
        )),
        found => Err(format!("its tables have version {found}, this program reads {VERSION}")),
    }
}

fn version(connection: &Connection) -> Result<i64, String> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| error.to_string())
}
