//! The admin key: what a site's own services show before they write.

use std::path::Path;

use axum::http::HeaderMap;
use subtle::ConstantTimeEq;
use upnext_core::bundle::sha256;

use crate::error::{ApiError, StartError};

/// Header that carries the key.
pub const HEADER: &str = "x-upnext-admin-key";
/// Shortest key in bytes.
pub const MIN_KEY_BYTES: usize = 32;

/// The key by its hash. Its `Debug` shows nothing of it.
pub struct AdminKey {
    digest: [u8; 32],
}

impl std::fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminKey")
    }
}

impl AdminKey {
    /// A key of at least [`MIN_KEY_BYTES`] bytes.
    ///
    /// # Errors
    /// [`StartError::ConfigInvalid`] for a shorter one.
    pub fn new(key: &[u8]) -> Result<AdminKey, StartError> {
        if key.len() < MIN_KEY_BYTES {
            return Err(StartError::ConfigInvalid {
                option: "--admin-key-file",
                reason: format!(
                    "the key has {} bytes and needs {MIN_KEY_BYTES}; try `openssl rand -hex 32`",
                    key.len()
                ),
            });
        }
        Ok(AdminKey { digest: sha256(key) })
    }

    /// Reads the key from a file; white space around it does not count.
    ///
    /// # Errors
    /// [`StartError::FileUnreadable`], or as [`AdminKey::new`].
    pub fn from_file(path: &Path) -> Result<AdminKey, StartError> {
        let bytes = std::fs::read(path).map_err(|error| StartError::FileUnreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        AdminKey::new(bytes.trim_ascii())
    }

    /// Whether this is the key. Takes the same time for every wrong one: hashes are compared, without an early end.
    #[must_use]
    pub fn is(&self, key: &[u8]) -> bool {
        sha256(key).ct_eq(&self.digest).into()
    }
}

/// Whether the request shows the admin key; `false` where it shows none at all.
///
/// # Errors
/// [`ApiError::AdminKeyInvalid`] for a wrong key, for two of them, and where this server has none.
pub fn is_admin(headers: &HeaderMap, key: Option<&AdminKey>) -> Result<bool, ApiError> {
    let mut shown = headers.get_all(HEADER).iter();
    match (shown.next(), shown.next(), key) {
        (None, ..) => Ok(false),
        (Some(value), None, Some(key)) if key.is(value.as_bytes()) => Ok(true),
        _ => Err(ApiError::AdminKeyInvalid),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_key_itself_opens() {
        let key = AdminKey::new(&[b'k'; 32]).unwrap();
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, value.parse().unwrap());
            }
            headers
        };
        let right = "k".repeat(32);
        assert_eq!(is_admin(&headers(&[]), Some(&key)), Ok(false));
        assert_eq!(is_admin(&headers(&[&right]), Some(&key)), Ok(true));
        assert_eq!(
            is_admin(&headers(&[&right, &right]), Some(&key)),
            Err(ApiError::AdminKeyInvalid)
        );
        assert_eq!(is_admin(&headers(&[&right]), None), Err(ApiError::AdminKeyInvalid));
        for wrong in ["", "k", &"k".repeat(31), &"k".repeat(33), &"j".repeat(32)] {
            assert_eq!(is_admin(&headers(&[wrong]), Some(&key)), Err(ApiError::AdminKeyInvalid));
        }
        assert!(AdminKey::new(&[1; 31]).is_err());
        assert_eq!(format!("{key:?}"), "AdminKey");
    }
}
