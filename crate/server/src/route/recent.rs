//! `POST /v1/candidates?bundle=&languages=&size=`: a candidate block for somebody who has no account and names the videos
//! that they found relevant of late (mode `recent` of DESIGN 9).
//!
//! The names are for this answer alone: in a body, so that no log and no cache on the way has them in an address; they are
//! not kept, not logged, not shown to the shadow, and `no-store` forbids caches to keep what follows from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use upnext_core::block::MAX_ID_BYTES;
use upnext_core::request::MAX_RECENT;

use super::body;
use super::candidates::{Lifetime, MISSING, Who, build, encoded};
use crate::app::AppState;
use crate::error::ApiError;
use crate::query::CandidateQuery;

/// Largest body in bytes: as many ids as there may be, of the longest, each byte written as `\\u00xx`, with some white space.
pub const MAX_BODY_BYTES: usize = 96 << 10;

/// Answers `POST /v1/candidates`.
///
/// # Errors
/// 400 for a body that is not `{"recent": […]}` with [`MAX_RECENT`] ids at most or for another parameter; 401 with a token,
/// whose account's videos are known by its events; 409 for another bundle, 413 for too large a body.
pub async fn candidates(
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let query = CandidateQuery::parse(query.as_deref().unwrap_or_default())?;
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(ApiError::TokenInvalid {
            reason: "not taken here: who names videos names no account",
        });
    }
    let videos = read(&body(bytes, MAX_BODY_BYTES)?)?;
    let now_ms = state.now_ms();
    let expires_at_ms = Lifetime::at(now_ms, state.settings.block_lifetime_ms).expires_at_ms;
    let built = build(&state, Who::Videos(videos), query, now_ms, expires_at_ms).await?;
    let missing = built.missing.clone();
    let (kind, body) = encoded(&headers, built)?;
    let said = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    let lacks = missing.map(|missing| [(MISSING, missing)]);
    Ok((said, lacks, body))
}

/// The ids of `{"recent": ["v1", …]}`. Which of them are known is not asked here.
fn read(body: &[u8]) -> Result<Vec<String>, ApiError> {
    let shape = || invalid("body", "is not {\"recent\": [\"video id\", …]} and nothing else");
    let mut fields: BTreeMap<String, Vec<String>> = serde_json::from_slice(body).map_err(|_| shape())?;
    let videos = fields
        .remove("recent")
        .filter(|_| fields.is_empty())
        .ok_or_else(shape)?;
    if videos.len() > MAX_RECENT {
        return Err(invalid(
            "recent",
            format!("has {} videos, at most {MAX_RECENT}", videos.len()),
        ));
    }
    if videos.iter().any(|id| !(1..=MAX_ID_BYTES).contains(&id.len())) {
        return Err(invalid(
            "recent",
            format!("holds an id that is not 1 to {MAX_ID_BYTES} bytes"),
        ));
    }
    Ok(videos)
}

fn invalid(what: &str, reason: impl Into<String>) -> ApiError {
    ApiError::RequestInvalid {
        what: what.to_owned(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_of_ids_and_nothing_else() {
        assert_eq!(read(br#"{"recent":["v1","\u732b"]}"#).unwrap(), ["v1", "猫"]);
        assert!(read(br#" { "recent" : [ ] } "#).unwrap().is_empty());
        for wrong in [
            "",
            "[]",
            "{}",
            "[[\"v1\"]]",
            "{\"recent\":\"v1\"}",
            "{\"recent\":[1]}",
            "{\"recent\":[\"\"]}",
            "{\"recent\":[],\"hour\":[]}",
            "{\"recent\":[],\"hour\":22}",
            "{\"recent\":null}",
        ] {
            let error = read(wrong.as_bytes()).unwrap_err();
            assert_eq!(error.code(), upnext_core::Code::RequestInvalid, "{wrong}");
            assert!(
                !error.to_string().contains("hour"),
                "what should not have been sent is not repeated"
            );
        }
    }

    proptest! {
        #[test]
        fn as_many_as_there_may_be_fit_and_one_more_is_refused(id in ".{1,60}", more: bool) {
            let ids = vec![id; MAX_RECENT + usize::from(more)];
            let body = serde_json::json!({ "recent": ids }).to_string();
            prop_assert_eq!(read(body.as_bytes()).is_err(), more);
        }
    }

    #[test]
    fn the_longest_body_fits() {
        let id = "\u{1}".repeat(MAX_ID_BYTES);
        let body = serde_json::json!({ "recent": vec![id; MAX_RECENT] }).to_string();
        assert!(body.len() <= MAX_BODY_BYTES, "{}", body.len());
        assert_eq!(read(body.as_bytes()).unwrap().len(), MAX_RECENT);
    }
}
