//! `GET`, `DELETE /v1/accounts/{id}`: everything that is kept of an account, and its end.
//!
//! With the account's own token, or the admin key. What the bundle learnt of an account is its factor alone; it stays
//! in the bundle's file until the next training and is not used any more.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use upnext_core::Purposes;

use super::account::account;
use super::path_id;
use crate::admin::is_admin;
use crate::app::AppState;
use crate::error::ApiError;
use crate::event::EventInput;
use crate::store::account::{erase, erased_at};
use crate::store::event::{EventRow, of_account};

/// What is kept of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// Its id.
    pub account: String,
    /// The factor that the bundle learnt; none where it knows nothing, or where it was asked to forget.
    pub factor: Option<Vec<f32>>,
    /// When it was last asked to be forgotten, Unix milliseconds.
    pub erased_at: Option<i64>,
    /// All its events, the latest first, as they were told.
    pub events: Vec<EventInput>,
}

impl From<EventRow> for EventInput {
    fn from(row: EventRow) -> EventInput {
        EventInput {
            id: row.id,
            account: None,
            kind: row.kind.as_str().to_owned(),
            video_id: row.video,
            seconds: row.seconds,
            text: row.text,
            timestamp: row.at_ms,
            device: row.device,
            surface: row.surface,
            position: row.position,
            arm: row.arm,
            bundle: row.bundle,
            // As it was told: for both is what is not said.
            purposes: (row.purposes != Purposes::ALL)
                .then(|| row.purposes.names().into_iter().map(str::to_owned).collect()),
        }
    }
}

/// Answers `GET`.
///
/// # Errors
/// 401 for another's token, 404 where nothing is kept or nothing is known of the account.
pub async fn get(
    State(state): State<Arc<AppState>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let id = allowed(&state, id, &headers)?;
    let read = move || {
        let store = state.store.as_ref().ok_or(ApiError::NotKept)?;
        let events = store.read(|connection| of_account(connection, &id, usize::MAX))?;
        let erased_at = store.read(|connection| erased_at(connection, &id))?;
        let serving = state.serving();
        let learnt = serving.current.catalogue.accounts.factor(&id);
        let factor = learnt.filter(|_| erased_at.is_none()).map(<[f32]>::to_vec);
        if events.is_empty() && factor.is_none() && erased_at.is_none() {
            return Err(ApiError::AccountUnknown);
        }
        Ok(AccountRecord {
            account: id,
            factor,
            erased_at,
            events: events.into_iter().map(EventInput::from).collect(),
        })
    };
    let record = tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| ApiError::Internal("worker"))??;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(record)))
}

/// Answers `DELETE`: nothing of the account is left when it is answered.
///
/// # Errors
/// As [`get`]; an account of which nothing is known is forgotten all the same.
pub async fn delete(
    State(state): State<Arc<AppState>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let id = allowed(&state, id, &headers)?;
    let store = state.store.as_ref().ok_or(ApiError::NotKept)?;
    let now_ms = state.now_ms();
    store.write(move |connection| erase(connection, &id, now_ms)).await?;
    // The log of the database still holds the rows: it is folded into the file, where they are overwritten, and cut.
    store.forget_log().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The account, if the request may ask for it.
fn allowed(state: &AppState, id: Result<Path<String>, PathRejection>, headers: &HeaderMap) -> Result<String, ApiError> {
    let id = path_id(id)?;
    if is_admin(headers, state.admin_key.as_ref())? {
        return Ok(id);
    }
    match account(state, headers, state.now_ms())? {
        Some(own) if own == id => Ok(id),
        Some(_) => Err(ApiError::TokenInvalid {
            reason: "of another account",
        }),
        None => Err(ApiError::TokenInvalid {
            reason: "missing: an account's record is its own",
        }),
    }
}
