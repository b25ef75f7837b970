//! The pointer file `current.json`: which bundle is served now.

use serde::Serialize;

use super::is_sha256_hex;
use crate::tree::{FromTree as _, Tree, record};
use crate::{Error, ErrorKind};

/// Content of `current.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pointer {
    /// Id of the current bundle.
    pub bundle: String,
}

record!(Pointer { bundle });

impl Pointer {
    /// Reads a pointer file.
    ///
    /// # Errors
    /// [`ErrorKind::BundleUnreadable`] where it is no JSON object with a bundle id.
    pub fn parse(bytes: &[u8]) -> Result<Pointer, Error> {
        let unreadable = |reason: String| {
            Error::from(ErrorKind::BundleUnreadable {
                file: "current.json".into(),
                reason,
            })
        };
        let pointer = Tree::parse(bytes)
            .and_then(Pointer::from_tree)
            .map_err(|e| unreadable(e.to_string()))?;
        if !is_sha256_hex(&pointer.bundle) {
            return Err(unreadable("`bundle` is not 64 lower-case hex digits".into()));
        }
        Ok(pointer)
    }
}
