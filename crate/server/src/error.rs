//! What can go wrong, at start and in a request. Every error has one of the shared codes;
//! no message holds an account, a token or anything else of a person.

use std::path::PathBuf;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use upnext_core::{Code, Error};

use crate::store::StoreError;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The bundle is not what its manifest says, or contradicts itself.
    #[error(transparent)]
    Bundle(#[from] Error),
    /// No bundle at that place.
    #[error("no bundle at {path}: {reason}; write one with `upnext-export train --out BUNDLE`")]
    BundleMissing {
        /// the directory that was asked for
        path: PathBuf,
        /// what is missing there
        reason: String,
    },
    /// A file that cannot be read.
    #[error("{path} cannot be read: {reason}")]
    FileUnreadable {
        /// the file
        path: PathBuf,
        /// what the system said
        reason: String,
    },
    /// A table without a column that the server needs.
    #[error("{file} lacks the column {column}; write the bundle again with `upnext-export`")]
    ColumnMissing {
        /// file inside the bundle
        file: String,
        /// column
        column: String,
    },
    /// A table without rows.
    #[error("{file} has no rows; a server without videos has nothing to serve")]
    TableEmpty {
        /// file inside the bundle
        file: String,
    },
    /// What the server keeps cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An option outside its range.
    #[error("{option}: {reason}")]
    ConfigInvalid {
        /// option as it is typed
        option: &'static str,
        /// what is wrong and what would be right
        reason: String,
    },
}

impl StartError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            StartError::Bundle(error) => error.code(),
            StartError::BundleMissing { .. } => Code::BundleMissing,
            StartError::FileUnreadable { .. } => Code::FileUnreadable,
            StartError::ColumnMissing { .. } => Code::ColumnMissing,
            StartError::TableEmpty { .. } => Code::TableEmpty,
            StartError::Store(_) => Code::FileUnreadable,
            StartError::ConfigInvalid { .. } => Code::ConfigInvalid,
        }
    }
}

/// Why a request is refused or failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApiError {
    /// 400: the query or a header has the wrong shape.
    #[error("{what}: {reason}")]
    RequestInvalid {
        /// parameter, header or part of the request
        what: String,
        /// what is wrong and what would be right
        reason: String,
    },
    /// 405: a method that this address does not have.
    #[error("this address does not answer this method; see the header Allow")]
    MethodNotAllowed,
    /// 413: a body where none is read.
    #[error("a request here has no body")]
    BodyNotAllowed,
    /// 413: a larger body than is read.
    #[error("the body is larger than {limit} bytes; send less at once")]
    BodyTooLarge {
        /// largest body in bytes
        limit: usize,
    },
    /// 401: no account can be read from the token.
    #[error("the account token is {reason}")]
    TokenInvalid {
        /// malformed, forged, expired or not accepted here
        reason: &'static str,
    },
    /// 401: the admin key is missing or wrong.
    #[error("the admin key is missing, wrong, or not taken by this server")]
    AdminKeyInvalid,
    /// 404: nothing is written down here.
    #[error("this server keeps no events; start it with --data DIR")]
    NotKept,
    /// 404: a good token of an account that this bundle does not know.
    #[error("the account is not in this bundle; ask again without a token for the public shelves")]
    AccountUnknown,
    /// 404: no such route or file.
    #[error("no such address; see docs/server.md for the addresses there are")]
    NotFound,
    /// 409: the client holds another bundle.
    #[error("this server serves bundle {serving}; fetch /bundle/current.json and that bundle first")]
    BundleMismatch {
        /// id of the bundle that is served
        serving: String,
    },
    /// 503: the answer took longer than the request's time.
    #[error("the answer took too long; ask again later")]
    Timeout,
    /// 429: the account asks more often than it may.
    #[error("this account asks too often; ask again in {retry_after_seconds} s")]
    TooManyRequests {
        /// seconds until it may ask again
        retry_after_seconds: u32,
    },
    /// 503: more requests or writes are waiting than are taken.
    #[error("too much is waiting; ask again later")]
    Overloaded,
    /// 503: the store failed, nothing of the write is kept.
    #[error("nothing was kept, since the store failed; send it again later")]
    StoreFailed,
    /// 500: the fault is here.
    #[error("the server could not answer: {0}")]
    Internal(&'static str),
}

impl ApiError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            ApiError::RequestInvalid { .. }
            | ApiError::MethodNotAllowed
            | ApiError::BodyNotAllowed
            | ApiError::BodyTooLarge { .. } => Code::RequestInvalid,
            ApiError::TokenInvalid { .. } | ApiError::AdminKeyInvalid => Code::TokenInvalid,
            ApiError::AccountUnknown => Code::AccountUnknown,
            ApiError::NotFound | ApiError::NotKept => Code::NotFound,
            ApiError::BundleMismatch { .. } => Code::BundleMismatch,
            ApiError::Overloaded | ApiError::TooManyRequests { .. } => Code::Overloaded,
            ApiError::Timeout | ApiError::StoreFailed | ApiError::Internal(_) => Code::ServerError,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            ApiError::RequestInvalid { .. } => StatusCode::BAD_REQUEST,
            ApiError::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ApiError::BodyNotAllowed | ApiError::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::TokenInvalid { .. } | ApiError::AdminKeyInvalid => StatusCode::UNAUTHORIZED,
            ApiError::AccountUnknown | ApiError::NotFound | ApiError::NotKept => StatusCode::NOT_FOUND,
            ApiError::BundleMismatch { .. } => StatusCode::CONFLICT,
            ApiError::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            ApiError::Timeout | ApiError::Overloaded | ApiError::StoreFailed => StatusCode::SERVICE_UNAVAILABLE,
            ApiError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> ApiError {
        match error {
            StoreError::Busy => ApiError::Overloaded,
            StoreError::Open { .. } | StoreError::Failed { .. } => {
                tracing::error!(%error, "store");
                ApiError::StoreFailed
            }
        }
    }
}

/// The body of every error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// One of [`Code::ALL`].
    pub code: String,
    /// For a person: what, and how to mend it.
    pub message: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            code: self.code().as_str().to_owned(),
            message: self.to_string(),
        };
        let mut response = (self.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            ApiError::TokenInvalid { .. } => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer error=\"invalid_token\""),
                );
            }
            ApiError::AdminKeyInvalid => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("ApiKey in=\"header\", name=\"x-upnext-admin-key\""),
                );
            }
            ApiError::TooManyRequests { retry_after_seconds } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
            }
            ApiError::Timeout | ApiError::Overloaded | ApiError::StoreFailed => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;

    fn every_api_error() -> Vec<ApiError> {
        vec![
            ApiError::RequestInvalid {
                what: "size".to_owned(),
                reason: "is no number".to_owned(),
            },
            ApiError::MethodNotAllowed,
            ApiError::BodyNotAllowed,
            ApiError::BodyTooLarge { limit: 1 },
            ApiError::AdminKeyInvalid,
            ApiError::NotKept,
            ApiError::TooManyRequests { retry_after_seconds: 3 },
            ApiError::Overloaded,
            ApiError::StoreFailed,
            ApiError::TokenInvalid { reason: "expired" },
            ApiError::AccountUnknown,
            ApiError::NotFound,
            ApiError::BundleMismatch {
                serving: "ab".to_owned(),
            },
            ApiError::Timeout,
            ApiError::Internal("x"),
        ]
    }

    #[tokio::test]
    async fn every_error_is_json_with_its_code_and_is_never_cached() {
        for error in every_api_error() {
            let (code, status) = (error.code(), error.status());
            let response = error.into_response();
            assert_eq!(response.status(), status);
            assert!(status.is_client_error() || status.is_server_error());
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
            let bytes = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
            let body: ErrorBody = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(Code::parse(&body.code), Some(code));
            assert!(!body.message.is_empty());
        }
    }

    #[test]
    fn statuses_tell_the_kinds_apart() {
        let statuses: BTreeSet<u16> = every_api_error().iter().map(|e| e.status().as_u16()).collect();
        assert_eq!(
            statuses.into_iter().collect::<Vec<_>>(),
            [400, 401, 404, 405, 409, 413, 429, 500, 503]
        );
    }
}
