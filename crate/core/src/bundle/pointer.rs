//! The pointer file `current.json`: which bundle is served now.

use serde::{Deserialize, Serialize};

use super::is_sha256_hex;
use crate::Error;

/// Content of `current.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// Id of the current bundle.
    pub bundle: String,
}

impl Pointer {
    /// Reads a pointer file.
    ///
    /// # Errors
    /// [`Error::BundleUnreadable`] where it is no JSON object with a bundle id.
    pub fn parse(bytes: &[u8]) -> Result<Pointer, Error> {
        let unreadable = |reason: String| Error::BundleUnreadable {
            file: "current.json".into(),
            reason,
        };
        let pointer: Pointer = serde_json::from_slice(bytes).map_err(|e| unreadable(e.to_string()))?;
        if !is_sha256_hex(&pointer.bundle) {
            return Err(unreadable("`bundle` is not 64 lower-case hex digits".into()));
        }
        Ok(pointer)
    }
}
