//! All that is kept of one account: to be handed out, and to be erased.

use rusqlite::{Connection, OptionalExtension, params};

/// Forgets an account: its events are overwritten, and what the bundle learnt of it is not used any more.
///
/// # Errors
/// What SQLite says.
pub fn erase(connection: &Connection, account: &str, at_ms: i64) -> rusqlite::Result<usize> {
    let events = connection
        .prepare_cached("DELETE FROM event WHERE account = ?1")?
        .execute([account])?;
    connection
        .prepare_cached(
            "INSERT INTO erased (account, at_ms) VALUES (?1, ?2)
             ON CONFLICT (account) DO UPDATE SET at_ms = excluded.at_ms",
        )?
        .execute(params![account, at_ms])?;
    Ok(events)
}

/// When the account asked to be forgotten, Unix milliseconds; `None` for one that did not.
///
/// # Errors
/// What SQLite says.
pub fn erased_at(connection: &Connection, account: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT at_ms FROM erased WHERE account = ?1")?
        .query_row([account], |row| row.get(0))
        .optional()
}

/// All accounts that asked to be forgotten.
///
/// # Errors
/// What SQLite says.
pub fn all_erased(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT account FROM erased")?
        .query_map([], |row| row.get(0))?
        .collect()
}
