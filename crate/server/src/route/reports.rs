//! `POST /v1/metrics/reports`: the noised answers of one device about one week.
//!
//! Of nobody: no token is looked at, and nothing of the request is kept but that each bucket was named once more.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use upnext_core::disclosure::Report;

use super::body;
use crate::app::AppState;
use crate::error::ApiError;
use crate::store::report::count;
use crate::whole::whole;

/// Largest body of a report in bytes: some times what one has.
pub const MAX_REPORT_BYTES: usize = 1024;

/// A report as it arrives. Nothing else is taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportInput {
    #[serde(deserialize_with = "whole")]
    form: i64,
    #[serde(deserialize_with = "whole")]
    week: i64,
    bundle: String,
    #[serde(deserialize_with = "whole")]
    clicked: i64,
    #[serde(deserialize_with = "whole")]
    completed: i64,
    #[serde(deserialize_with = "whole")]
    watched: i64,
    #[serde(deserialize_with = "whole")]
    feedback: i64,
}

impl From<ReportInput> for Report {
    fn from(input: ReportInput) -> Report {
        // What has no place in 32 bits is in no range either.
        let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        Report {
            form: small(input.form),
            week: small(input.week),
            bundle: input.bundle,
            clicked: small(input.clicked),
            completed: small(input.completed),
            watched: small(input.watched),
            feedback: small(input.feedback),
        }
    }
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Whether it counts: not where its week is not over, or has been for more than six weeks.
    pub counted: bool,
}

/// Answers `POST /v1/metrics/reports`, after the commit.
///
/// # Errors
/// 400 for a body of another shape, 404 where nothing is kept, 413 for too large a body, 503 when too much is waiting or
/// the disk fails.
pub async fn reports(
    State(state): State<Arc<AppState>>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let store = state.store.as_ref().ok_or(ApiError::NotKept)?;
    let invalid = |reason: String| ApiError::RequestInvalid {
        what: "report".to_owned(),
        reason,
    };
    let bytes = body(bytes, MAX_REPORT_BYTES)?;
    // An object: serde takes a list for the fields in their order, which is nothing that anybody means.
    let value: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
    let input: ReportInput = serde_json::from_value(value.into()).map_err(|error| invalid(error.to_string()))?;
    let report = Report::from(input);
    report.check().map_err(|error| invalid(error.to_string()))?;
    let counted = report.is_timely(state.now_ms());
    if counted {
        // Ids of bundles that are not served are anybody's words: they would fill the table.
        let bundle = match state.serving().files.holds(&report.bundle) {
            true => report.bundle.clone(),
            false => String::new(),
        };
        store
            .write(move |connection| count(connection, &report, &bundle))
            .await?;
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Counted { counted })))
}
