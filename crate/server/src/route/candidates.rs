//! `GET /v1/candidates?bundle=&languages=&size=`: a candidate block.
//!
//! The answer is a function of the declared inputs alone: the token's account, the languages, the size, the
//! bundle, and the server's clock in steps of the time a block lives.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use upnext_core::block::Block;

use super::conditional::respond;
use crate::app::AppState;
use crate::candidates::{Asker, block, select};
use crate::error::ApiError;
use crate::json_block::JsonBlock;
use crate::query::CandidateQuery;

/// Media type of the block's protobuf.
pub const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Answers `/v1/candidates`.
///
/// # Errors
/// 400 for any other parameter or shape, 401 for a bad token, 404 for an unknown account, 409 for another bundle.
pub async fn candidates(
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query = CandidateQuery::parse(query.as_deref().unwrap_or_default())?;
    let now_ms = state.now_ms();
    let account = match bearer(&headers)? {
        None => None,
        Some(token) => {
            let key = state.token_key.as_ref().ok_or(ApiError::TokenInvalid {
                reason: "not taken by this server",
            })?;
            Some(key.account(token, now_ms)?)
        }
    };
    if query
        .bundle
        .as_ref()
        .is_some_and(|bundle| *bundle != state.catalogue.bundle_id)
    {
        return Err(ApiError::BundleMismatch {
            serving: state.catalogue.bundle_id.clone(),
        });
    }
    let lifetime = Lifetime::at(now_ms, state.settings.block_lifetime_ms);
    let is_public = account.is_none();
    let block = build(Arc::clone(&state), query, account, lifetime.expires_at_ms).await?;

    let scope = if is_public { "public" } else { "private" };
    let cache = format!("{scope}, max-age={}", lifetime.fresh_ms / 1000);
    let tag: String = block
        .digest()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut response = if wants_json(&headers) {
        let body = serde_json::to_vec(&JsonBlock::from(&block)).map_err(|_| ApiError::Internal("JSON"))?;
        respond(&headers, &format!("{tag}-json"), JSON, &cache, body)
    } else {
        respond(&headers, &tag, PROTOBUF, &cache, block.encode())
    };
    // Whatever the answer depends on beside the address: a cache must not mix accounts or formats.
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept, authorization"));
    Ok(response)
}

/// Selects and builds off the network threads, no more at once than there are processors.
async fn build(
    state: Arc<AppState>,
    query: CandidateQuery,
    account: Option<String>,
    expires_at_ms: i64,
) -> Result<Block, ApiError> {
    let permit = Arc::clone(&state.workers)
        .acquire_owned()
        .await
        .map_err(|_| ApiError::Internal("shutting down"))?;
    let work = move || {
        let _permit = permit;
        let catalogue = &state.catalogue;
        let asker = match &account {
            None => Asker::Anonymous,
            Some(account) => Asker::Account {
                factor: catalogue.accounts.factor(account).ok_or(ApiError::AccountUnknown)?,
            },
        };
        let size = query.size.unwrap_or(state.settings.pool);
        select(catalogue, asker, &query.languages, size)
            .and_then(|candidates| block(catalogue, &candidates, expires_at_ms))
            .map_err(|error| {
                tracing::error!(code = error.code().as_str(), %error, "candidate block");
                ApiError::Internal("candidate block")
            })
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ApiError::Internal("worker"))?
}

/// The bearer token, if the request has one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let malformed = ApiError::TokenInvalid {
        reason: "malformed: expected `Authorization: Bearer TOKEN`, once",
    };
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value
        .to_str()
        .ok()
        .filter(|_| values.next().is_none())
        .ok_or_else(|| malformed.clone())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(|| malformed.clone())?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() {
        Ok(Some(token.trim()))
    } else {
        Err(malformed)
    }
}

/// Whether the first media type of `Accept` that this address can give is JSON. Protobuf is the default.
fn wants_json(headers: &HeaderMap) -> bool {
    let types = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    types
        .flat_map(|list| list.split(','))
        .map(|part| part.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .find_map(|kind| match kind.as_str() {
            JSON => Some(true),
            PROTOBUF | "application/protobuf" | "application/octet-stream" | "application/*" | "*/*" => Some(false),
            _ => None,
        })
        .unwrap_or(false)
}

/// How long a block lives. Expiry moves in steps, so that everybody who asks the same in the same step gets
/// the same bytes, and the cache lets go of it one step before it expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lifetime {
    expires_at_ms: i64,
    fresh_ms: i64,
}

impl Lifetime {
    fn at(now_ms: i64, lifetime_ms: i64) -> Lifetime {
        let step = (lifetime_ms / 2).max(1);
        let next = now_ms.div_euclid(step).saturating_add(1).saturating_mul(step);
        Lifetime {
            expires_at_ms: next.saturating_add(step),
            fresh_ms: next - now_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accept(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_first_type_that_is_known_decides() {
        assert!(wants_json(&accept("application/json")));
        assert!(wants_json(&accept("text/html, Application/JSON;q=0.9")));
        assert!(!wants_json(&accept("application/x-protobuf, application/json")));
        assert!(!wants_json(&accept("*/*")));
        assert!(!wants_json(&accept("application/*")));
        assert!(!wants_json(&accept("text/html")));
        assert!(!wants_json(&HeaderMap::new()));
    }

    proptest! {
        /// A block that a cache may still hand out has at least half its life before it.
        #[test]
        fn a_cached_block_is_never_close_to_its_end(
            now in 0_i64..4_000_000_000_000,
            lifetime in 2_000_i64..100_000_000,
            late in 0.0_f64..1.0,
        ) {
            let first = Lifetime::at(now, lifetime);
            prop_assert!(first.fresh_ms > 0 && first.fresh_ms <= lifetime);
            let later = now + ((first.fresh_ms - 1) as f64 * late) as i64;
            prop_assert_eq!(Lifetime::at(later, lifetime).expires_at_ms, first.expires_at_ms);
            prop_assert!(first.expires_at_ms - later >= lifetime / 2);
            prop_assert!(first.expires_at_ms - now <= lifetime);
        }
    }
}
