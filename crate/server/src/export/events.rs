//! Rows of the store as rows of the interactions table.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, UInt32Array, new_null_array,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::DataType;
use rusqlite::Connection;
use upnext_core::EventKind;

use super::table::{TableFile, interactions, unfitting, users as users_schema};
use crate::error::StartError;
use crate::store::StoreError;
use crate::store::event::{EventRow, each};

/// Rows of one batch.
const BATCH: usize = 65_536;

/// Writes all events of known videos; answers whose they are, and how many were of unknown videos.
pub fn write(
    connection: &Connection,
    known: &BTreeSet<String>,
    file: &mut TableFile,
) -> Result<(BTreeSet<String>, usize), StartError> {
    let (mut accounts, mut unknown) = (BTreeSet::new(), 0);
    let mut rows: Vec<EventRow> = Vec::new();
    let mut failed = Ok(());
    each(connection, |event| {
        if event.video.as_ref().is_some_and(|video| !known.contains(video)) {
            unknown += 1;
            return;
        }
        if !accounts.contains(&event.account) {
            accounts.insert(event.account.clone());
        }
        rows.push(event);
        if rows.len() == BATCH && failed.is_ok() {
            failed = batch(&rows).and_then(|batch| file.write(&batch));
            rows.clear();
        }
    })
    .map_err(StoreError::from)?;
    failed?;
    file.write(&batch(&rows)?)?;
    Ok((accounts, unknown))
}

/// The rows of searches and of known videos, without those of forgotten users.
pub fn of_known(
    batch: &RecordBatch,
    known: &BTreeSet<String>,
    forgotten: &BTreeSet<String>,
) -> Result<RecordBatch, StartError> {
    let users = batch
        .column_by_name("user_id")
        .and_then(|column| column.as_string_opt::<i32>());
    let users = users.ok_or_else(|| unfitting(&"no column user_id"))?;
    let videos = batch
        .column_by_name("video_id")
        .and_then(|column| column.as_string_opt::<i32>());
    let videos = videos.ok_or_else(|| unfitting(&"no column video_id"))?;
    let keep: BooleanArray = videos
        .iter()
        .zip(users)
        .map(|(video, user)| {
            let is_known = video.is_none_or(|video| known.contains(video));
            Some(is_known && user.is_none_or(|user| !forgotten.contains(user)))
        })
        .collect();
    filter_record_batch(batch, &keep).map_err(|error| unfitting(&error))
}

fn batch(rows: &[EventRow]) -> Result<RecordBatch, StartError> {
    fn texts<'a>(rows: &'a [EventRow], text: impl Fn(&'a EventRow) -> Option<&'a str>) -> ArrayRef {
        Arc::new(rows.iter().map(text).collect::<StringArray>())
    }
    let value = |row: &EventRow| match (row.kind, row.seconds) {
        (EventKind::Watch, Some(seconds)) => Some(seconds.to_string()),
        _ => row.text.clone(),
    };
    // Where somebody was is never told to a server, and judgements follow from seconds and likes.
    let unknown = |kind: &DataType| new_null_array(kind, rows.len());
    let columns: Vec<ArrayRef> = vec![
        texts(rows, |row| Some(&row.account)),
        texts(rows, |row| row.video.as_deref()),
        texts(rows, |row| Some(row.kind.as_str())),
        Arc::new(rows.iter().map(value).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.at_ms)).collect::<Int64Array>()),
        unknown(&DataType::Float32),
        unknown(&DataType::Float32),
        texts(rows, |row| row.device.as_deref()),
        texts(rows, |row| row.surface.as_deref()),
        Arc::new(rows.iter().map(|row| row.position).collect::<UInt32Array>()),
        unknown(&DataType::Boolean),
    ];
    RecordBatch::try_new(interactions().arrow(), columns).map_err(|error| unfitting(&error))
}

/// Accounts as rows of the users table, all or only those that are in `only` too: nothing but their ids is known here.
pub fn users(accounts: &BTreeSet<String>, only: Option<&BTreeSet<String>>) -> Result<RecordBatch, StartError> {
    let schema = users_schema().arrow();
    let rows = accounts
        .iter()
        .filter(|account| only.is_none_or(|only| only.contains(*account)));
    let ids: ArrayRef = Arc::new(rows.map(Some).collect::<StringArray>());
    let columns = schema.fields().iter().map(|field| match field.name().as_str() {
        "id" => Arc::clone(&ids),
        _ => new_null_array(field.data_type(), ids.len()),
    });
    RecordBatch::try_new(Arc::clone(&schema), columns.collect()).map_err(|error| unfitting(&error))
}
