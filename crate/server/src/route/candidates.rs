//! `GET /v1/candidates?bundle=&languages=&size=`: a candidate block.
//!
//! The answer is a function of the declared inputs alone: the token's account, the languages, the size, the
//! bundle, and the server's clock in steps of the time a block lives.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use upnext_core::block::Block;
use upnext_core::bundle::{hex, sha256};

use super::account::account;
use super::conditional::respond;
use crate::app::AppState;
use crate::candidates::{Asker, Label, Selection, Shares, Wish, block, select};
use crate::edition::Edition;
use crate::error::ApiError;
use crate::json_block::JsonBlock;
use crate::known::Known;
use crate::metrics::Stage;
use crate::query::CandidateQuery;
use crate::recall::sample;
use crate::shadow::Job;
use crate::stock::Stock;
use crate::store::StoreError;
use crate::vector_index::SearchError;

/// Media type of the block's protobuf.
pub const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
/// Header that names sources which could not be asked, since the engine that they search with did not answer; others have
/// filled the block.
pub const MISSING: HeaderName = HeaderName::from_static("x-upnext-missing");

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
    let account = account(&state, &headers, now_ms)?;
    let is_public = account.is_none();
    let lifetime = Lifetime::at(now_ms, state.settings.block_lifetime_ms);
    let who = account.map_or(Who::Anonymous, Who::Account);
    let built = build(&state, who, query, now_ms, lifetime.expires_at_ms).await?;

    let scope = if is_public { "public" } else { "private" };
    let missing = built.missing.clone();
    // What lacks a source is asked for again as soon as somebody asks again.
    let cache = match missing {
        None => format!("{scope}, max-age={}", lifetime.fresh_ms / 1000),
        Some(_) => "no-store".to_owned(),
    };
    let tag = tag(&built.digest, wants_json(&headers));
    let (kind, body) = encoded(&headers, built)?;
    let mut response = respond(&headers, &tag, kind, &cache, body);
    if let Some(missing) = missing {
        response.headers_mut().insert(MISSING, missing);
    }
    // Whatever the answer depends on beside the address: a cache must not mix accounts or formats.
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept, authorization"));
    Ok(response)
}

/// The block in the format that is asked for, and its media type.
pub(super) fn encoded(headers: &HeaderMap, built: Built) -> Result<(&'static str, Vec<u8>), ApiError> {
    if wants_json(headers) {
        let catalogue = &built.edition.catalogue;
        let block = Block::decode(&built.bytes, &catalogue.bundle_id, catalogue.dims());
        let block = block.map_err(|_| ApiError::Internal("candidate block"))?;
        let body = serde_json::to_vec(&JsonBlock::from(&block)).map_err(|_| ApiError::Internal("JSON"))?;
        Ok((JSON, body))
    } else {
        Ok((PROTOBUF, built.bytes))
    }
}

fn tag(digest: &[u8; 32], is_json: bool) -> String {
    let tag = hex(&digest[..16]);
    if is_json { format!("{tag}-json") } else { tag }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// Nobody in particular.
    Anonymous,
    /// An account.
    Account(String),
    /// Somebody without an account, who found these videos relevant of late.
    Videos(Vec<String>),
}

/// A block, and what it lacks.
#[derive(Debug)]
pub(super) struct Built {
    /// The block's bytes.
    pub(super) bytes: Vec<u8>,
    /// Their SHA-256.
    pub(super) digest: [u8; 32],
    /// What it was made of.
    pub(super) edition: Arc<Edition>,
    /// Value of [`MISSING`], where something is.
    pub(super) missing: Option<HeaderValue>,
}

/// Selects and builds off the network threads, no more at once than there are processors.
pub(super) async fn build(
    state: &Arc<AppState>,
    who: Who,
    query: CandidateQuery,
    now_ms: i64,
    expires_at_ms: i64,
) -> Result<Built, ApiError> {
    let serving = state.serving();
    let arm = match &who {
        Who::Account(account) => state.arm(Some(account)),
        Who::Anonymous | Who::Videos(_) => None,
    };
    let own = serving.bundle_of(arm);
    let edition = serving.edition(Some(query.bundle.as_deref().unwrap_or(own)));
    let edition = Arc::clone(edition.ok_or_else(|| ApiError::BundleMismatch {
        serving: own.to_owned(),
    })?);
    // A block of another bundle, of a device that has not changed over yet, is not what the arm serves.
    let arm = arm.filter(|arm| serving.is_of_arm(&edition, arm));
    let wish = Wish {
        languages: query.languages,
        size: query.size.unwrap_or(state.settings.pool),
        shares: arm.map_or_else(Shares::default, |arm| arm.shares),
        now_ms,
    };
    let arm = arm.map(|arm| arm.name.clone());
    let waiting = Instant::now();
    let permit = Arc::clone(&state.workers)
        .acquire_owned()
        .await
        .map_err(|_| ApiError::Internal("shutting down"))?;
    state.metrics.stage(Stage::Queue, waiting);
    let state = Arc::clone(state);
    let work = move || {
        let _permit = permit;
        let (metrics, stock) = (&state.metrics, edition.stock());
        let started = Instant::now();
        let asker = asker(&state, &stock, &who, now_ms)?;
        metrics.stage(Stage::Account, started);
        let started = Instant::now();
        let selected = select(&stock, &state.pulse, &asker, &wish);
        let took = started.elapsed();
        metrics.stage(Stage::Select, started);
        let started = Instant::now();
        let built = selected.and_then(|Selection { candidates, missing }| {
            metrics.offered(&candidates, arm.as_deref());
            metrics.missing(&missing);
            let label = Label {
                now_ms,
                expires_at_ms,
                arm: arm.as_deref(),
            };
            let bytes = block(&stock, &candidates, label)?;
            Ok((bytes, candidates, missing))
        });
        metrics.stage(Stage::Block, started);
        if let Asker::Known(known) = asker {
            sample_recall(&state, &edition, known.factor, wish.size);
        }
        let (bytes, candidates, missing) = built.map_err(|error| {
            tracing::error!(code = error.code().as_str(), %error, "candidate block");
            ApiError::Internal("candidate block")
        })?;
        let missing = (!missing.is_empty()).then(|| missing.join(", "));
        let built = Built {
            digest: sha256(&bytes),
            edition: Arc::clone(&edition),
            bytes,
            missing: missing.and_then(|names| HeaderValue::from_str(&names).ok()),
        };
        // What somebody named is for this answer alone.
        let account = match who {
            Who::Anonymous => None,
            Who::Account(account) => Some(account),
            Who::Videos(_) => return Ok(built),
        };
        // What lacks a source says nothing of the bundle that answered.
        if built.missing.is_some() {
            return Ok(built);
        }
        let changes = stock.changes;
        let job = || Job {
            account,
            wish,
            edition: Arc::clone(&edition),
            changes,
            candidates,
            took,
        };
        state.shadow.offer(&state, job);
        Ok(built)
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ApiError::Internal("worker"))?
}

/// Searches again by hand for one request in many, after it has been answered.
fn sample_recall(state: &Arc<AppState>, edition: &Arc<Edition>, factor: Vec<f32>, size: usize) {
    let every = state.settings.recall_every;
    let request = state.account_requests.fetch_add(1, Ordering::Relaxed);
    if every == 0 || !request.is_multiple_of(every) || factor.iter().all(|value| *value == 0.0) {
        return;
    }
    let (state, edition) = (Arc::clone(state), Arc::clone(edition));
    let turn = request / every;
    tokio::task::spawn_blocking(move || match sample(&edition.stock(), &factor, size, turn) {
        Ok((sampled, found)) => state.metrics.recall(sampled, found),
        // Said once, where the engine is looked at.
        Err(SearchError::Away { .. }) => {}
        Err(error) => tracing::warn!(code = error.code().as_str(), %error, "recall"),
    });
}

/// What is known of whom.
fn asker(state: &AppState, stock: &Stock<'_>, who: &Who, now_ms: i64) -> Result<Asker, ApiError> {
    let known = match who {
        Who::Anonymous => return Ok(Asker::Anonymous),
        Who::Account(account) => {
            let known = match &state.store {
                Some(store) => store.read(|connection| Known::of_account(Some(connection), stock, account))?,
                None => Known::of_account(None, stock, account).map_err(StoreError::from)?,
            };
            known.ok_or(ApiError::AccountUnknown)?
        }
        Who::Videos(videos) => {
            let (known, unknown) = Known::of_videos(stock, videos, now_ms);
            state.metrics.named(videos.len() - unknown, unknown);
            known
        }
    };
    Ok(Asker::Known(Box::new(known)))
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
pub(super) struct Lifetime {
    pub(super) expires_at_ms: i64,
    fresh_ms: i64,
}

impl Lifetime {
    pub(super) fn at(now_ms: i64, lifetime_ms: i64) -> Lifetime {
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
