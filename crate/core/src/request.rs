//! The candidate request: a function of *declared public inputs* and nothing else.
//!
//! This module imports nothing that knows the viewer: a test reads its source and says so, and another compiles it in a
//! crate that has no profile, context, history or slate (`tests/node/layers.test.mjs`).

use crate::Error;
use crate::block::{MAX_CANDIDATES, MAX_ID_BYTES};

/// Most languages of a request.
pub const MAX_LANGUAGES: usize = 8;
/// Most videos that a request of mode [`Mode::Recent`] names.
pub const MAX_RECENT: usize = 50;

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nobody: public blocks per language, the same for all, cacheable.
    #[default]
    Anonymous,
    /// A signed account token: the server prunes with the account's factor.
    Account {
        /// The token, as the site issued it.
        token: String,
    },
    /// Nobody, who says by their own choice which videos they found relevant of late: the server folds them in for this
    /// answer, and keeps nothing.
    Recent {
        /// Ids, the latest first, at most [`MAX_RECENT`]; of one that comes twice the first counts.
        videos: Vec<String>,
    },
}

/// Everything that a request may depend on.
///
/// There is no place for anything else. This compiles:
/// ```
/// # use upnext_core::request::{DeclaredInputs, Mode};
/// # let (origin, bundle_id) = (String::new(), "ab".repeat(32));
/// let inputs = DeclaredInputs { origin, bundle_id, languages: vec![], size: 500, mode: Mode::Anonymous };
/// ```
/// And this, one bit more, does not:
/// ```compile_fail,E0560
/// # use upnext_core::request::{DeclaredInputs, Mode};
/// # let (origin, bundle_id) = (String::new(), "ab".repeat(32));
/// let inputs = DeclaredInputs { origin, bundle_id, languages: vec![], size: 500, mode: Mode::Anonymous, evening: true };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredInputs {
    /// Scheme, host and path prefix of the server; empty: the page's own origin.
    pub origin: String,
    /// Id of the loaded bundle.
    pub bundle_id: String,
    /// BCP 47 tags that the site declared; order, case and repetition make no difference.
    pub languages: Vec<String>,
    /// Number of candidates wanted, 1..=[`MAX_CANDIDATES`].
    pub size: usize,
    /// Who asks.
    pub mode: Mode,
}

/// A request: GET without a body, POST with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateRequest {
    /// Address with query.
    pub url: String,
    /// Headers, in order.
    pub headers: Vec<(&'static str, String)>,
    /// The videos of mode [`Mode::Recent`] as `{"recent":["id",…]}`: addresses are written down and kept on the way, bodies
    /// are not.
    pub body: Option<String>,
}

/// Builds the request.
///
/// # Errors
/// [`ErrorKind::RequestInvalid`](crate::ErrorKind::RequestInvalid) for an input outside its range; the token is never in the message.
///
/// ```
/// use upnext_core::request::{DeclaredInputs, Mode, candidate_request};
/// let request = candidate_request(&DeclaredInputs {
///     origin: "https://example.org".into(),
///     bundle_id: "ab".repeat(32),
///     languages: vec!["de".into(), "DE".into(), "ar".into()],
///     size: 500,
///     mode: Mode::Anonymous,
/// })?;
/// assert!(request.url.starts_with("https://example.org/v1/candidates?bundle=abab"));
/// assert!(request.url.ends_with("&languages=ar,de&size=500"));
/// # Ok::<(), upnext_core::Error>(())
/// ```
pub fn candidate_request(inputs: &DeclaredInputs) -> Result<CandidateRequest, Error> {
    let origin = inputs.origin.trim_end_matches('/');
    let http = ["http://", "https://"].iter().any(|scheme| origin.starts_with(scheme));
    let plain = origin
        .bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#'));
    if !(origin.is_empty() || http && plain) {
        return Err(invalid(
            "origin",
            "needs http:// or https://, a host and a path, or to be empty",
        ));
    }
    if !crate::bundle::is_sha256_hex(&inputs.bundle_id) {
        return Err(invalid("bundle id", "is 64 lower-case hex digits"));
    }
    if !(1..=MAX_CANDIDATES).contains(&inputs.size) {
        return Err(invalid(
            "size",
            format!("is {}, needed is 1..={MAX_CANDIDATES}", inputs.size),
        ));
    }
    let mut url = format!("{origin}/v1/candidates?bundle={}", inputs.bundle_id);
    let languages = languages(&inputs.languages)?;
    if !languages.is_empty() {
        url.push_str("&languages=");
        url.push_str(&languages.join(","));
    }
    url.push_str(&format!("&size={}", inputs.size));

    let mut headers = vec![("accept", "application/x-protobuf".to_owned())];
    let mut body = None;
    match &inputs.mode {
        Mode::Anonymous => {}
        Mode::Account { token } => {
            if token.is_empty() || token.len() > 4096 || !token.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(invalid("token", "is 1..=4096 visible ASCII characters"));
            }
            headers.push(("authorization", format!("Bearer {token}")));
        }
        Mode::Recent { videos } => {
            headers.push(("content-type", "application/json".to_owned()));
            body = Some(recent(videos)?);
        }
    }
    Ok(CandidateRequest { url, headers, body })
}

/// `{"recent":["id",…]}`.
fn recent(videos: &[String]) -> Result<String, Error> {
    let mut body = "{\"recent\":[".to_owned();
    for (place, id) in videos.iter().enumerate() {
        if place >= MAX_RECENT || !(1..=MAX_ID_BYTES).contains(&id.len()) {
            return Err(invalid(
                "recent",
                format!("is at most {MAX_RECENT} ids of 1..={MAX_ID_BYTES} bytes"),
            ));
        }
        if videos[..place].contains(id) {
            continue;
        }
        if place > 0 {
            body.push(',');
        }
        body.push('"');
        for letter in id.chars() {
            match letter {
                '"' | '\\' => body.extend(['\\', letter]),
                '\0'..='\x1f' => body.push_str(&format!("\\u{:04x}", u32::from(letter))),
                _ => body.push(letter),
            }
        }
        body.push('"');
    }
    body.push_str("]}");
    Ok(body)
}

/// Sorted and distinct in lower case: one address per set of languages, so that caches can share it.
fn languages(tags: &[String]) -> Result<Vec<String>, Error> {
    let mut sorted = Vec::with_capacity(tags.len());
    for tag in tags {
        // BCP 47 subtags are of at most eight characters; nothing here needs escaping in an address.
        let subtag = |s: &str| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric());
        if tag.len() > 35 || !tag.split('-').all(subtag) {
            return Err(invalid("languages", "are BCP 47 tags such as `en` or `zh-Hant`"));
        }
        sorted.push(tag.to_ascii_lowercase());
    }
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() > MAX_LANGUAGES {
        return Err(invalid(
            "languages",
            format!("are {}, at most {MAX_LANGUAGES}", sorted.len()),
        ));
    }
    Ok(sorted)
}

fn invalid(what: &str, reason: impl Into<String>) -> Error {
    Error::from(crate::ErrorKind::RequestInvalid {
        what: what.to_owned(),
        reason: reason.into(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Code;
    use proptest::prelude::*;

    fn inputs() -> DeclaredInputs {
        DeclaredInputs {
            origin: "http://127.0.0.1:8787/".into(),
            bundle_id: "0f".repeat(32),
            languages: vec!["en".into()],
            size: 10,
            mode: Mode::Anonymous,
        }
    }

    #[test]
    fn source_names_no_type_that_knows_the_viewer() {
        let source = include_str!("request.rs");
        let (code, _) = source.split_once("#[cfg(test)]").unwrap();
        // What it may import, in full; anything else of the crate would show here.
        let imports: Vec<&str> = code.lines().filter(|l| l.starts_with("use ")).collect();
        assert_eq!(
            imports,
            ["use crate::Error;", "use crate::block::{MAX_CANDIDATES, MAX_ID_BYTES};"]
        );
        let paths: Vec<&str> = code
            .split("crate::")
            .skip(1)
            .filter_map(|p| p.split(|c: char| !c.is_alphanumeric() && c != '_').next())
            .collect();
        assert!(
            paths
                .iter()
                .all(|p| ["Error", "ErrorKind", "block", "bundle"].contains(p)),
            "{paths:?}"
        );
        for local in [
            "Context",
            "Profile",
            "History",
            "Viewer",
            "Event",
            "Slate",
            "Receipt",
            "now_ms",
            "use super",
        ] {
            assert!(!code.contains(local), "the request builder names {local}");
        }
    }

    #[test]
    fn one_address_per_set_of_languages() {
        let url = |languages: &[&str]| {
            let languages = languages.iter().map(|l| (*l).to_owned()).collect();
            candidate_request(&DeclaredInputs { languages, ..inputs() })
                .unwrap()
                .url
        };
        assert_eq!(url(&["en", "zh-Hant", "EN"]), url(&["ZH-hant", "en"]));
        assert!(url(&[]).ends_with("0f&size=10"));
    }

    #[test]
    fn the_token_is_a_header_and_the_address_is_that_of_anybody() {
        let account = DeclaredInputs {
            mode: Mode::Account { token: "t.o.k".into() },
            ..inputs()
        };
        let (signed, anonymous) = (
            candidate_request(&account).unwrap(),
            candidate_request(&inputs()).unwrap(),
        );
        assert_eq!(signed.url, anonymous.url);
        assert_eq!(signed.headers[1], ("authorization", "Bearer t.o.k".to_owned()));
        assert_eq!(signed.headers[..1], anonymous.headers);
        assert_eq!((&signed.body, &anonymous.body), (&None, &None));
    }

    fn named(videos: &[&str]) -> Result<CandidateRequest, Error> {
        let videos = videos.iter().map(|id| (*id).to_owned()).collect();
        candidate_request(&DeclaredInputs {
            mode: Mode::Recent { videos },
            ..inputs()
        })
    }

    #[test]
    fn videos_that_are_named_are_a_body_and_the_address_is_that_of_anybody() {
        let request = named(&["v2", "猫", "v2", "a\"\\\n\u{1}"]).unwrap();
        let anonymous = candidate_request(&inputs()).unwrap();
        assert_eq!(request.url, anonymous.url);
        assert_eq!(request.headers[..1], anonymous.headers);
        assert_eq!(request.headers[1..], [("content-type", "application/json".to_owned())]);
        assert_eq!(request.body.unwrap(), r#"{"recent":["v2","猫","a\"\\\u000a\u0001"]}"#);
        assert_eq!(
            named(&[]).unwrap().body.unwrap(),
            r#"{"recent":[]}"#,
            "no video is a list too"
        );
        assert!(named(&["v"; MAX_RECENT]).is_ok());
        for wrong in [
            &["v"; MAX_RECENT + 1][..],
            &[""],
            &["x".repeat(MAX_ID_BYTES + 1).as_str()],
        ] {
            assert_eq!(named(wrong).unwrap_err().code(), Code::RequestInvalid);
        }
    }

    proptest! {
        /// Whatever the ids are, any reader of JSON finds them again.
        #[test]
        fn the_body_is_json_that_holds_the_ids(ids in prop::collection::btree_set("(?s).{1,20}", 0..12)) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let body = named(&ids).unwrap().body.unwrap();
            let read: serde_json::Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(read, serde_json::json!({ "recent": ids }));
        }
    }

    #[test]
    fn refuses_what_would_change_the_address_or_split_a_header() {
        let wrong = [
            DeclaredInputs {
                origin: "javascript:alert(1)".into(),
                ..inputs()
            },
            DeclaredInputs {
                origin: "http://h/?x=".into(),
                ..inputs()
            },
            DeclaredInputs {
                bundle_id: "../x".into(),
                ..inputs()
            },
            DeclaredInputs {
                languages: vec!["en&size=1".into()],
                ..inputs()
            },
            DeclaredInputs {
                languages: (0..9).map(|i| format!("a{i}")).collect(),
                ..inputs()
            },
            DeclaredInputs { size: 0, ..inputs() },
            DeclaredInputs {
                size: MAX_CANDIDATES + 1,
                ..inputs()
            },
            DeclaredInputs {
                mode: Mode::Account {
                    token: "secret\r\nx: y".into(),
                },
                ..inputs()
            },
        ];
        for inputs in wrong {
            let error = candidate_request(&inputs).unwrap_err();
            assert_eq!(error.code(), Code::RequestInvalid);
            assert!(!error.to_string().contains("secret"));
        }
    }
}
