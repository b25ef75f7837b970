//! `GET /healthz`: what is served, for a probe or a person. `GET /readyz`: whether to send requests here.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};

use crate::app::AppState;
use crate::vector_index::{Readiness, VectorIndex};

/// Body of `/healthz`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`: a server that answers has verified its bundle.
    pub status: String,
    /// Version of the server.
    pub version: String,
    /// Bundle that is served.
    pub bundle: String,
    /// Data set that it was trained on.
    pub dataset: String,
    /// Number of videos.
    pub videos: usize,
    /// Number of videos with a collaborative factor.
    pub warm_videos: usize,
    /// Number of accounts.
    pub accounts: usize,
    /// Number of content shelves.
    pub shelves: usize,
    /// Whether the index finds the true nearest rows.
    pub index_is_exact: bool,
    /// Seconds since the start.
    pub uptime_seconds: u64,
}

/// Answers `/readyz`: 200 while requests are welcome; 503 until an engine could be searched for the first time, and from the
/// moment at which the server was asked to end.
///
/// An engine that is away later on is said and is no reason to send requests elsewhere: every other server would miss it too,
/// and this one still answers, without what the engine finds.
pub async fn ready(State(state): State<Arc<AppState>>) -> impl IntoResponse {
    let (status, text) = match (state.is_draining.load(Ordering::Relaxed), state.serving().readiness()) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned()),
        (false, Readiness::Ready) => (StatusCode::OK, "ready\n".to_owned()),
        (false, Readiness::Away { reason }) => (StatusCode::OK, format!("ready, without cf and near: {reason}\n")),
        (false, Readiness::Waiting { reason }) => (StatusCode::SERVICE_UNAVAILABLE, format!("waiting: {reason}\n")),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], text)
}

/// Answers `/healthz`.
pub async fn health(State(state): State<Arc<AppState>>) -> impl IntoResponse {
    let serving = state.serving();
    let catalogue = &serving.current.catalogue;
    let health = Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        bundle: catalogue.bundle_id.clone(),
        dataset: catalogue.manifest.dataset.clone(),
        videos: catalogue.videos.len(),
        warm_videos: catalogue.warm.count(),
        accounts: catalogue.accounts.len(),
        shelves: catalogue.shelves.count(),
        index_is_exact: catalogue.factor_index.is_exact(),
        uptime_seconds: state.uptime_seconds(),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(health))
}
