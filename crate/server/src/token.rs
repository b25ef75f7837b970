//! Account tokens: JSON Web Tokens signed with HS256, `sub` the account and `exp` the end, nothing more needed.

use std::path::Path;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, StartError};

/// Shortest secret in bytes: as long as the hash, as RFC 7518 asks for HS256.
pub const MIN_SECRET_BYTES: usize = 32;
/// Longest token in bytes.
pub const MAX_TOKEN_BYTES: usize = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
}

/// The secret that signs and checks tokens. Its `Debug` shows nothing of it.
pub struct TokenKey {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey")
    }
}

impl TokenKey {
    /// A key of at least [`MIN_SECRET_BYTES`] bytes.
    ///
    /// # Errors
    /// [`StartError::ConfigInvalid`] for a shorter one.
    pub fn new(secret: &[u8]) -> Result<TokenKey, StartError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(StartError::ConfigInvalid {
                option: "--token-secret-file",
                reason: format!(
                    "the secret has {} bytes and needs {MIN_SECRET_BYTES}; try `openssl rand -hex 32`",
                    secret.len()
                ),
            });
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["sub", "exp"]);
        // The end is checked below against the clock that was passed in.
        validation.validate_exp = false;
        Ok(TokenKey {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
        })
    }

    /// Reads the secret from a file; white space around it does not count.
    ///
    /// # Errors
    /// [`StartError::FileUnreadable`], or as [`TokenKey::new`].
    pub fn from_file(path: &Path) -> Result<TokenKey, StartError> {
        let bytes = std::fs::read(path).map_err(|error| StartError::FileUnreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        TokenKey::new(bytes.trim_ascii())
    }

    /// A token for an account, good until `expires_at_ms`.
    ///
    /// # Errors
    /// [`StartError::ConfigInvalid`] for an empty account.
    pub fn sign(&self, account: &str, expires_at_ms: i64) -> Result<String, StartError> {
        let invalid = |reason: String| StartError::ConfigInvalid {
            option: "--account",
            reason,
        };
        if account.is_empty() {
            return Err(invalid("is empty".to_owned()));
        }
        let claims = Claims {
            sub: account.to_owned(),
            exp: expires_at_ms.div_euclid(1000),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(|error| invalid(error.to_string()))
    }

    /// The account of a token that is well-formed, signed with this key and not over at `now_ms`.
    ///
    /// # Errors
    /// [`ApiError::TokenInvalid`], saying which of the three it is not.
    pub fn account(&self, token: &str, now_ms: i64) -> Result<String, ApiError> {
        let refuse = |reason| ApiError::TokenInvalid { reason };
        if token.len() > MAX_TOKEN_BYTES {
            return Err(refuse("too long"));
        }
        let claims = decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => refuse("not signed with this server's secret"),
                ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => refuse("not signed with HS256"),
                _ => refuse("malformed"),
            })?
            .claims;
        if claims.exp.saturating_mul(1000) <= now_ms {
            return Err(refuse("expired; get a new one"));
        }
        Ok(claims.sub)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn key(byte: u8) -> TokenKey {
        TokenKey::new(&[byte; 32]).unwrap()
    }

    fn reason(result: Result<String, ApiError>) -> &'static str {
        match result.unwrap_err() {
            ApiError::TokenInvalid { reason } => reason,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_signed_token_names_its_account_until_it_ends() {
        let token = key(1).sign("ann", NOW + 5_000).unwrap();
        assert_eq!(key(1).account(&token, NOW).unwrap(), "ann");
        assert_eq!(key(1).account(&token, NOW + 4_999).unwrap(), "ann");
        assert_eq!(reason(key(1).account(&token, NOW + 5_000)), "expired; get a new one");
    }

    #[test]
    fn forged_unsigned_and_broken_tokens_are_told_apart() {
        let token = key(1).sign("ann", NOW + 5_000).unwrap();
        assert_eq!(
            reason(key(2).account(&token, NOW)),
            "not signed with this server's secret"
        );
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbm4iLCJleHAiOjk5OTk5OTk5OTl9.";
        assert_eq!(reason(key(1).account(none, NOW)), "malformed");
        let longer = encode(
            &Header::new(Algorithm::HS512),
            &Claims {
                sub: "ann".to_owned(),
                exp: NOW,
            },
            &EncodingKey::from_secret(&[1; 32]),
        )
        .unwrap();
        assert_eq!(reason(key(1).account(&longer, NOW)), "not signed with HS256");
        assert_eq!(reason(key(1).account("", NOW)), "malformed");
        assert_eq!(reason(key(1).account(&"x".repeat(5000), NOW)), "too long");
        let without_end = encode(
            &Header::new(Algorithm::HS256),
            &serde_json::json!({ "sub": "ann" }),
            &EncodingKey::from_secret(&[1; 32]),
        )
        .unwrap();
        assert_eq!(reason(key(1).account(&without_end, NOW)), "malformed");
    }

    #[test]
    fn short_secrets_are_refused_and_none_is_shown() {
        assert_eq!(
            TokenKey::new(&[1; 31]).unwrap_err().code(),
            upnext_core::Code::ConfigInvalid
        );
        assert_eq!(format!("{:?}", key(65)), "TokenKey");
        assert!(key(1).sign("", NOW).is_err());
    }
}
