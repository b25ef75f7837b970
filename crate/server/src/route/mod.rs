//! What each address answers.

mod account;
pub mod accounts;
pub mod bundle;
pub mod candidates;
mod conditional;
pub mod events;
pub mod health;
pub mod metrics;
pub mod online;
pub mod openapi;
pub mod recent;
pub mod reports;
pub mod videos;

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::{BytesRejection, PathRejection};

use crate::error::ApiError;
use crate::video::check_id;

/// The id in a path.
fn path_id(id: Result<Path<String>, PathRejection>) -> Result<String, ApiError> {
    let Path(id) = id.map_err(|_| ApiError::RequestInvalid {
        what: "id".to_owned(),
        reason: "is not UTF-8".to_owned(),
    })?;
    check_id(&id)?;
    Ok(id)
}

/// The body of a request, where it could be read and is not too large.
fn body(bytes: Result<Bytes, BytesRejection>, limit: usize) -> Result<Bytes, ApiError> {
    bytes.map_err(|rejection| match rejection.status() {
        axum::http::StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge { limit },
        _ => ApiError::RequestInvalid {
            what: "body".to_owned(),
            reason: "could not be read to its end".to_owned(),
        },
    })
}
