//! Videos that arrived or were taken down since the bundle.

use rusqlite::{Connection, params};

use crate::video::VideoInput;

/// A video that arrived, or was taken down.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoRow {
    /// Id.
    pub id: String,
    /// What is known of it; `None` for one that was taken down.
    pub video: Option<VideoInput>,
    /// When that was, Unix milliseconds.
    pub at_ms: i64,
}

/// Keeps the last word on a video.
///
/// # Errors
/// What SQLite says.
pub fn keep(connection: &Connection, row: &VideoRow) -> rusqlite::Result<()> {
    let body = row.video.as_ref().map(serde_json::to_string).transpose();
    let body = body.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection
        .prepare_cached(
            "INSERT INTO video (id, body, at_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET body = excluded.body, at_ms = excluded.at_ms",
        )?
        .execute(params![row.id, body, row.at_ms])?;
    Ok(())
}

/// The last word on every video of which there is one, by id.
///
/// # Errors
/// What SQLite says; a body that is no video any more.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<VideoRow>> {
    connection
        .prepare("SELECT id, body, at_ms FROM video ORDER BY id")?
        .query_map([], |row| {
            let body: Option<String> = row.get(1)?;
            let video = body.map(|body| serde_json::from_str(&body)).transpose();
            Ok(VideoRow {
                id: row.get(0)?,
                video: video.map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.into())
                })?,
                at_ms: row.get(2)?,
            })
        })?
        .collect()
}
