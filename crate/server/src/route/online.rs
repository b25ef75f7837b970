//! `GET /v1/metrics/online`: what viewers made of what they were shown.
//!
//! With the admin key. The figures are those of many accounts; none is named.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;

use crate::admin::is_admin;
use crate::app::AppState;
use crate::error::ApiError;
use crate::online::{Window, report};

/// Days where a request names none.
pub const DAYS: u32 = 28;
/// Most days.
pub const MOST_DAYS: u32 = 3660;

/// Answers `GET /v1/metrics/online`.
///
/// # Errors
/// 400 for a query other than `days=1` to [`MOST_DAYS`], 401 without the admin key, 404 where no events are kept.
pub async fn online(
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    if !is_admin(&headers, state.admin_key.as_ref())? {
        return Err(ApiError::AdminKeyInvalid);
    }
    let days = days(query.as_deref().unwrap_or_default())?;
    let window = Window::last(days, state.now_ms());
    let read = move || {
        let store = state.store.as_ref().ok_or(ApiError::NotKept)?;
        let serving = state.serving();
        let stock = serving.current.stock();
        Ok::<_, ApiError>(store.read(|connection| report(connection, &stock, window))?)
    };
    let report = tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| ApiError::Internal("worker"))??;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(report)))
}

fn days(query: &str) -> Result<u32, ApiError> {
    if query.is_empty() {
        return Ok(DAYS);
    }
    let days = query.strip_prefix("days=").and_then(|days| days.parse().ok());
    days.filter(|days| (1..=MOST_DAYS).contains(days))
        .ok_or_else(|| ApiError::RequestInvalid {
            what: "query".to_owned(),
            reason: format!("is not days=1 to days={MOST_DAYS} and nothing else"),
        })
}
