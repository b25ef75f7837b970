//! Account tokens: JSON Web Tokens signed with HS256 or EdDSA (Ed25519), `sub` the account and `exp` the end, nothing
//! more needed.

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

/// What an Ed25519 public key in PEM begins with, in base64: the twelve bytes that say what it is.
const ED25519_PEM: &str = "MCowBQYDK2VwAyEA";

/// The secret that signs and checks tokens, or the public key that checks them. Its `Debug` shows nothing of it.
pub struct TokenKey {
    /// None: somebody else signs.
    encoding: Option<EncodingKey>,
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
        Ok(TokenKey {
            encoding: Some(EncodingKey::from_secret(secret)),
            decoding: DecodingKey::from_secret(secret),
            validation: validation(Algorithm::HS256),
        })
    }

    /// The key that checks tokens which somebody else signs with EdDSA: PEM as `openssl pkey -pubout` writes it, a
    /// JSON Web Key, or its `x` alone.
    ///
    /// # Errors
    /// [`StartError::ConfigInvalid`] for anything else.
    pub fn public(text: &str) -> Result<TokenKey, StartError> {
        let invalid = || StartError::ConfigInvalid {
            option: "--token-public-key-file",
            reason: "holds no Ed25519 public key in PEM, as a JSON Web Key, or as its `x` alone".to_owned(),
        };
        let text = text.trim();
        let x = if text.starts_with('{') {
            let key: Jwk = serde_json::from_str(text).map_err(|_| invalid())?;
            Some(key.x).filter(|_| key.kty == "OKP" && key.crv == "Ed25519")
        } else if text.starts_with("-----BEGIN PUBLIC KEY-----") {
            let body: String = text
                .lines()
                .filter(|line| !line.starts_with("-----"))
                .map(str::trim)
                .collect();
            let key = body.strip_prefix(ED25519_PEM);
            key.map(|key| key.trim_end_matches('=').replace('+', "-").replace('/', "_"))
        } else {
            Some(text.to_owned())
        };
        // 32 bytes are 43 characters of base64.
        let x = x.filter(|x| x.len() == 43).ok_or_else(invalid)?;
        Ok(TokenKey {
            encoding: None,
            decoding: DecodingKey::from_ed_components(&x).map_err(|_| invalid())?,
            validation: validation(Algorithm::EdDSA),
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
        let key = self
            .encoding
            .as_ref()
            .ok_or_else(|| invalid("cannot be signed for with a public key".to_owned()))?;
        encode(&Header::new(Algorithm::HS256), &claims, key).map_err(|error| invalid(error.to_string()))
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
                ErrorKind::InvalidSignature => refuse("not signed with this server's key"),
                ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
                    refuse("not signed with this server's algorithm")
                }
                _ => refuse("malformed"),
            })?
            .claims;
        if claims.exp.saturating_mul(1000) <= now_ms {
            return Err(refuse("expired; get a new one"));
        }
        Ok(claims.sub)
    }
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
}

/// One algorithm and no other: a token cannot choose how it is checked.
fn validation(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["sub", "exp"]);
    // The end is checked against the clock that was passed in.
    validation.validate_exp = false;
    validation
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
        assert_eq!(reason(key(2).account(&token, NOW)), "not signed with this server's key");
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
        assert_eq!(
            reason(key(1).account(&longer, NOW)),
            "not signed with this server's algorithm"
        );
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

    /// The first key pair of RFC 8032, 7.1.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
                       MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
                       -----END PUBLIC KEY-----\n";
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

    fn ed25519(sub: &str) -> String {
        let seed = (0..32).map(|byte| u8::from_str_radix(&SEED[2 * byte..2 * byte + 2], 16).unwrap());
        // PKCS #8 of an Ed25519 key: sixteen bytes that say so, then the seed.
        let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
        der.extend(seed);
        let claims = Claims {
            sub: sub.to_owned(),
            exp: NOW / 1000 + 60,
        };
        encode(&Header::new(Algorithm::EdDSA), &claims, &EncodingKey::from_ed_der(&der)).unwrap()
    }

    #[test]
    fn a_public_key_in_any_form_checks_what_its_owner_signed() {
        let jwk = format!("{{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"{X}\",\"kid\":\"1\"}}");
        for form in [X, PEM, &jwk] {
            let public = TokenKey::public(form).unwrap();
            assert_eq!(public.account(&ed25519("ann"), NOW).unwrap(), "ann");
            assert!(public.sign("ann", NOW).is_err(), "a public key signs nothing");
        }
        let x25519 = jwk.replace("Ed25519", "X25519");
        let rsa = PEM.replace("MCowBQYDK2VwAyEA", "MIIBIjANBgkqhkiG");
        for wrong in ["", "short", &x25519, &rsa, "{}", &X.replace('q', "!")] {
            let error = TokenKey::public(wrong).map(|_| ()).unwrap_err();
            assert_eq!(error.code(), upnext_core::Code::ConfigInvalid, "{wrong}");
        }
    }

    #[test]
    fn a_public_key_is_no_secret_and_a_secret_no_public_key() {
        let public = TokenKey::public(X).unwrap();
        // The old trick: sign with HS256, the public key being the secret.
        let claims = Claims {
            sub: "ann".to_owned(),
            exp: NOW / 1000 + 60,
        };
        for secret in [X.as_bytes(), PEM.as_bytes()] {
            let forged = encode(
                &Header::new(Algorithm::HS256),
                &claims,
                &EncodingKey::from_secret(secret),
            )
            .unwrap();
            assert_eq!(
                reason(public.account(&forged, NOW)),
                "not signed with this server's algorithm"
            );
        }
        assert_eq!(
            reason(key(1).account(&ed25519("ann"), NOW)),
            "not signed with this server's algorithm"
        );
        let mut cut = ed25519("ann");
        let middle = cut.len() - 20;
        cut.replace_range(middle..=middle, if cut.as_bytes()[middle] == b'A' { "B" } else { "A" });
        assert_eq!(reason(public.account(&cut, NOW)), "not signed with this server's key");
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
