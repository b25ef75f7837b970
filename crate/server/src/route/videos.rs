//! `PUT /v1/videos/{id}`, `DELETE /v1/videos/{id}`: videos that arrive or are taken down between two bundles.
//!
//! Both are durable when they are answered, and obeyed by every request from then on. The last word counts.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};

use super::{body, path_id};
use crate::admin::is_admin;
use crate::app::AppState;
use crate::error::ApiError;
use crate::store::video::{VideoRow, keep};
use crate::video::{MAX_BODY_BYTES, VideoInput};

/// Answers `PUT`: the video has its vector and can be a candidate.
///
/// # Errors
/// 400 for an id or body outside its bounds, 401 without the admin key, 404 where nothing is kept, 413, 503.
pub async fn put(
    State(state): State<Arc<AppState>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ApiError> {
    admin(&state, &headers)?;
    let video = VideoInput::read(&body(bytes, MAX_BODY_BYTES)?)?;
    change(&state, path_id(id)?, Some(video)).await
}

/// Answers `DELETE`: the video is offered to nobody any more, and blocks name it as removed. An id that is not
/// known yet is remembered, so that the next bundle cannot bring it back.
///
/// # Errors
/// As [`put`].
pub async fn delete(
    State(state): State<Arc<AppState>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    admin(&state, &headers)?;
    change(&state, path_id(id)?, None).await
}

fn admin(state: &AppState, headers: &HeaderMap) -> Result<(), ApiError> {
    match is_admin(headers, state.admin_key.as_ref())? {
        true => Ok(()),
        false => Err(ApiError::AdminKeyInvalid),
    }
}

async fn change(state: &Arc<AppState>, id: String, video: Option<VideoInput>) -> Result<StatusCode, ApiError> {
    let store = state.store.as_ref().ok_or(ApiError::NotKept)?;
    let row = VideoRow {
        id,
        video,
        at_ms: state.now_ms(),
    };
    // One change at a time: they are obeyed in the order in which they became durable, and none is lost between
    // two bundles.
    let _turn = state.lifecycle.lock().await;
    let kept = row.clone();
    store.write(move |connection| keep(connection, &kept)).await?;
    let serving = state.serving();
    let apply = move || {
        let served = serving.editions();
        let done = served.iter().try_for_each(|edition| edition.apply(&row));
        // What only looks on has no say in what is answered.
        let shadow = serving.shadow.as_ref();
        let shadow = shadow.filter(|shadow| !served.iter().any(|edition| Arc::ptr_eq(edition, shadow)));
        if let Some(Err(error)) = shadow.map(|shadow| shadow.apply(&row)) {
            tracing::warn!(code = error.code().as_str(), %error, "the shadow's item tower");
        }
        done
    };
    tokio::task::spawn_blocking(apply)
        .await
        .map_err(|_| ApiError::Internal("worker"))?
        .map_err(|error| {
            tracing::error!(code = error.code().as_str(), %error, "item tower");
            ApiError::Internal("item tower")
        })?;
    Ok(StatusCode::NO_CONTENT)
}
