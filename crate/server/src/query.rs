//! The declared inputs of a candidate request. There are no others: an unknown or repeated parameter is
//! refused, so that nothing of a viewer can slip into a request unnoticed.

use upnext_core::block::MAX_CANDIDATES;
use upnext_core::bundle::is_sha256_hex;
use upnext_core::request::MAX_LANGUAGES;

use crate::error::ApiError;

/// Longest query string in bytes.
pub const MAX_QUERY_BYTES: usize = 512;

/// What a candidate request declares beside its token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CandidateQuery {
    /// Bundle that the client holds; `None`: any.
    pub bundle: Option<String>,
    /// BCP 47 tags, distinct, in the order given.
    pub languages: Vec<String>,
    /// Number of candidates; `None`: the server's pool.
    pub size: Option<usize>,
}

impl CandidateQuery {
    /// Reads `bundle=ID&languages=de,en&size=500`, each optional, in any order.
    ///
    /// # Errors
    /// [`ApiError::RequestInvalid`] for an unknown or repeated parameter, a bundle id that is none, more than
    /// eight languages or one that is not a BCP 47 tag, a size outside 1..=4096.
    pub fn parse(query: &str) -> Result<CandidateQuery, ApiError> {
        if query.len() > MAX_QUERY_BYTES {
            return Err(invalid("query", format!("is longer than {MAX_QUERY_BYTES} bytes")));
        }
        let mut parsed = CandidateQuery::default();
        let mut seen: Vec<&str> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if seen.contains(&name) {
                return Err(invalid("query", "names a parameter twice"));
            }
            seen.push(name);
            match name {
                "bundle" => parsed.bundle = Some(bundle(value)?),
                "languages" => parsed.languages = languages(value)?,
                "size" => parsed.size = Some(size(value)?),
                // The name is not repeated: it may be the very thing that should not have been sent.
                _ => return Err(invalid("query", "takes bundle, languages and size, nothing else")),
            }
        }
        Ok(parsed)
    }
}

fn invalid(what: &str, reason: impl Into<String>) -> ApiError {
    ApiError::RequestInvalid {
        what: what.to_owned(),
        reason: reason.into(),
    }
}

fn bundle(value: &str) -> Result<String, ApiError> {
    if is_sha256_hex(value) {
        Ok(value.to_owned())
    } else {
        Err(invalid("bundle", "is not 64 lower-case hex digits"))
    }
}

fn size(value: &str) -> Result<usize, ApiError> {
    value
        .parse()
        .ok()
        .filter(|size| (1..=MAX_CANDIDATES).contains(size))
        .ok_or_else(|| invalid("size", format!("is not a whole number from 1 to {MAX_CANDIDATES}")))
}

fn languages(value: &str) -> Result<Vec<String>, ApiError> {
    let mut list: Vec<String> = Vec::new();
    // A comma may arrive percent-encoded: `URLSearchParams` writes it so.
    for tag in value
        .replace("%2C", ",")
        .replace("%2c", ",")
        .split(',')
        .filter(|tag| !tag.is_empty())
    {
        let is_tag = tag.len() <= 35
            && tag
                .split('-')
                .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !is_tag {
            return Err(invalid(
                "languages",
                "holds something that is not a BCP 47 tag such as de or pt-BR",
            ));
        }
        if !list.iter().any(|known| known.eq_ignore_ascii_case(tag)) {
            list.push(tag.to_owned());
        }
    }
    if list.len() > MAX_LANGUAGES {
        return Err(invalid("languages", format!("are more than {MAX_LANGUAGES}")));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_is_declared() {
        let id = "0f".repeat(32);
        let query = CandidateQuery::parse(&format!("size=300&languages=de-AT%2Cen,DE-at&bundle={id}")).unwrap();
        assert_eq!(
            query,
            CandidateQuery {
                bundle: Some(id),
                languages: vec!["de-AT".to_owned(), "en".to_owned()],
                size: Some(300)
            }
        );
        assert_eq!(CandidateQuery::parse("").unwrap(), CandidateQuery::default());
        assert_eq!(CandidateQuery::parse("languages=").unwrap(), CandidateQuery::default());
    }

    #[test]
    fn refuses_everything_else_without_repeating_it() {
        for query in [
            "age=33",
            "user=ann",
            "size=1&size=1",
            "size=0",
            "size=4097",
            "size=-1",
            "size=9e9",
            "size=",
            "bundle=",
            "bundle=../..",
            "bundle=AB",
            "languages=de;en",
            "languages=a,b,c,d,e,f,g,h,i",
            "languages=toolonglanguage",
            "languages=de-",
            "Size=1",
            "hour=22",
            "lat=48.1",
        ] {
            let error = CandidateQuery::parse(query).unwrap_err();
            assert_eq!(error.code(), upnext_core::Code::RequestInvalid, "{query}");
            let value = query.split('=').nth(1).unwrap_or_default();
            assert!(
                value.len() < 3 || !error.to_string().contains(value),
                "{query}: {error}"
            );
        }
        assert!(CandidateQuery::parse(&"a".repeat(600)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(query in ".{0,80}") {
            if let Ok(parsed) = CandidateQuery::parse(&query) {
                prop_assert!(parsed.languages.len() <= MAX_LANGUAGES);
                prop_assert!(parsed.size.is_none_or(|size| (1..=MAX_CANDIDATES).contains(&size)));
            }
        }
    }
}
