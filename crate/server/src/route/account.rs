//! Who asks: the account of a bearer token.

use axum::http::{HeaderMap, header};

use crate::app::AppState;
use crate::error::ApiError;

/// The account of the request's token; `None` for a request without one.
///
/// # Errors
/// [`ApiError::TokenInvalid`] for a bad token, two of them, or where this server takes none;
/// [`ApiError::TooManyRequests`] for an account that asks too often.
pub fn account(state: &AppState, headers: &HeaderMap, now_ms: i64) -> Result<Option<String>, ApiError> {
    let account = bearer_account(state, headers, now_ms)?;
    if let Some(account) = &account {
        state.limits.take(account, now_ms)?;
    }
    Ok(account)
}

/// The same, and the request does not count towards what the account may ask: for answers that cost nothing.
///
/// # Errors
/// [`ApiError::TokenInvalid`].
pub fn bearer_account(state: &AppState, headers: &HeaderMap, now_ms: i64) -> Result<Option<String>, ApiError> {
    let Some(token) = bearer(headers)? else { return Ok(None) };
    let key = state.token_key.as_ref().ok_or(ApiError::TokenInvalid {
        reason: "not taken by this server",
    })?;
    key.account(token, now_ms).map(Some)
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
