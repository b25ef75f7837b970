//! Content shelves: for each language, rows of videos, best first.

use std::collections::{BTreeMap, BTreeSet};

use upnext_core::{Error, ErrorKind};

/// The shelf for every language.
pub const ANY_LANGUAGE: &str = "*";

const FILE: &str = "server/shelves.json";

/// Language (primary subtag, lower case) to rows, and [`ANY_LANGUAGE`].
#[derive(Debug, Clone, PartialEq)]
pub struct Shelves {
    shelves: BTreeMap<String, Vec<u32>>,
}

impl Shelves {
    /// Reads `{language: [row, …], "*": [row, …]}`.
    ///
    /// # Errors
    /// [`Error::BundleUnreadable`] for another shape, [`Error::BundleIncomplete`] without `"*"`,
    /// [`Error::IdOutOfRange`] for a row that no video has, [`Error::BundleInconsistent`] for one that comes twice.
    pub fn parse(bytes: &[u8], rows: usize) -> Result<Shelves, Error> {
        let shelves: BTreeMap<String, Vec<u32>> = serde_json::from_slice(bytes).map_err(|error| {
            Error::from(ErrorKind::BundleUnreadable {
                file: FILE.to_owned(),
                reason: error.to_string(),
            })
        })?;
        if !shelves.contains_key(ANY_LANGUAGE) {
            return Err(Error::from(ErrorKind::BundleIncomplete {
                file: format!("shelf \"{ANY_LANGUAGE}\" of {FILE}"),
            }));
        }
        for (language, shelf) in &shelves {
            if let Some(row) = shelf.iter().find(|row| **row as usize >= rows) {
                return Err(Error::from(ErrorKind::IdOutOfRange {
                    what: format!("row of shelf \"{language}\""),
                    found: i64::from(*row),
                    limit: rows as i64,
                }));
            }
            let distinct = shelf.iter().collect::<BTreeSet<_>>().len();
            if distinct != shelf.len() {
                return Err(Error::from(ErrorKind::BundleInconsistent {
                    what: format!("distinct rows of shelf \"{language}\""),
                    expected: shelf.len().to_string(),
                    found: distinct.to_string(),
                }));
            }
        }
        Ok(Shelves { shelves })
    }

    /// The shelf of a BCP 47 tag: its own, else that of its primary subtag.
    #[must_use]
    pub fn of(&self, language: &str) -> Option<&[u32]> {
        let lower = language.to_ascii_lowercase();
        let primary = lower.split('-').next().unwrap_or_default();
        self.shelves
            .get(&lower)
            .or_else(|| self.shelves.get(primary))
            .map(Vec::as_slice)
    }

    /// The shelf for every language.
    #[must_use]
    pub fn any(&self) -> &[u32] {
        self.shelves.get(ANY_LANGUAGE).map_or(&[], Vec::as_slice)
    }

    /// Number of shelves.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shelves.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use upnext_core::Code;

    #[test]
    fn a_region_falls_back_to_its_language() {
        let shelves = Shelves::parse(br#"{"de":[1],"pt-br":[2],"pt":[3],"*":[0,1,2,3]}"#, 4).unwrap();
        assert_eq!(shelves.of("de-AT"), Some(&[1][..]));
        assert_eq!(shelves.of("PT-BR"), Some(&[2][..]));
        assert_eq!(shelves.of("pt-PT"), Some(&[3][..]));
        assert_eq!(shelves.of("ja"), None);
        assert_eq!(shelves.any(), [0, 1, 2, 3]);
        assert_eq!(shelves.count(), 4);
    }

    #[test]
    fn wrong_shelves_have_their_codes() {
        let code = |json: &str| Shelves::parse(json.as_bytes(), 2).unwrap_err().code();
        assert_eq!(code("[]"), Code::BundleUnreadable);
        assert_eq!(code("{\"*\":[-1]}"), Code::BundleUnreadable);
        assert_eq!(code("{\"de\":[0]}"), Code::BundleIncomplete);
        assert_eq!(code("{\"*\":[2]}"), Code::IdOutOfRange);
        assert_eq!(code("{\"*\":[1,1]}"), Code::BundleInconsistent);
    }
}
