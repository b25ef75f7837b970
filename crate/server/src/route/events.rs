//! `POST /v1/events`: what accounts did, in batches.
//!
//! Answered after the commit that made the events durable. A batch that is sent again, because the first answer
//! was lost, changes nothing.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};

use super::account::account;
use super::body;
use crate::admin::is_admin;
use crate::app::AppState;
use crate::error::ApiError;
use crate::event::{MAX_BODY_BYTES, Refused, Sender, read};
use crate::store::event::{Kept, insert};

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Events that are kept now and were not before.
    pub stored: usize,
    /// Events whose id the account has used already: left as they were first told.
    pub known: usize,
    /// Events that were not kept, and why.
    pub refused: Vec<Refused>,
}

/// Answers `POST /v1/events`.
///
/// # Errors
/// 400 for a body of another shape, 401 without a good token or key, 404 where no events are kept, 413 for too
/// large a body, 503 when too much is waiting or the disk fails.
pub async fn events(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let store = state.store.as_ref().ok_or(ApiError::NotKept)?;
    let now_ms = state.now_ms();
    let sender = if is_admin(&headers, state.admin_key.as_ref())? {
        Sender::Admin
    } else {
        let account = account(&state, &headers, now_ms)?;
        Sender::Account(account.ok_or(ApiError::TokenInvalid {
            reason: "missing: events belong to an account",
        })?)
    };
    let bytes = body(bytes, MAX_BODY_BYTES)?;
    let (rows, refused) = {
        let serving = state.serving();
        let stock = serving.current.stock();
        let length = |id: &str| stock.row_of(id).and_then(|row| stock.length_seconds(row));
        read(&bytes, &sender, now_ms, length)?
    };
    let good = rows.len();
    let kept = if rows.is_empty() {
        Kept::default()
    } else {
        store.write(move |connection| insert(connection, &rows)).await?
    };
    state.metrics.told(kept.stored, good - kept.stored, refused.len());
    state.pulse.beat(kept.beats);
    let receipt = Receipt {
        stored: kept.stored,
        known: good - kept.stored,
        refused,
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(receipt)))
}
