//! What Milvus says when it does not answer.

use super::proto::Status;

/// Codes of Milvus: no such collection, and one that is not in memory yet, as after a restart.
const NOT_FOUND: i32 = 100;
const NOT_LOADED: i32 = 101;
/// The same as `NOT_FOUND` in the codes of Milvus 2.2.
const LEGACY_NOT_FOUND: i32 = 4;

/// Most of a reason that is repeated.
const MOST_BYTES: usize = 200;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The collection is not there.
    #[error("Milvus does not have the collection")]
    Missing,
    /// The collection is there, its rows are not in memory.
    #[error("Milvus has not loaded the collection yet")]
    Unloaded,
    /// It took too long.
    #[error("Milvus did not answer in time")]
    Slow,
    /// It is not there.
    #[error("Milvus cannot be reached: {0}")]
    Unreachable(String),
    /// It says no.
    #[error("Milvus says: {0}")]
    Refused(String),
    /// Another server makes the collection anew.
    #[error("another server has taken over filling the collection")]
    Taken,
    /// It has not as many rows as were written.
    #[error("the collection holds {found} of {wanted} rows")]
    Rows {
        /// rows that there are
        found: i64,
        /// rows that there must be
        wanted: usize,
    },
}

impl Fault {
    /// What a status says that does not say yes.
    pub(super) fn of(status: &Status) -> Fault {
        match (status.code, status.legacy_code) {
            (NOT_FOUND, _) | (0, LEGACY_NOT_FOUND) => Fault::Missing,
            (NOT_LOADED, _) => Fault::Unloaded,
            (code, _) => Fault::Refused(format!("{} (code {code})", plain(&status.reason))),
        }
    }

    /// A refusal, in others' words.
    pub(super) fn refused(reason: &str) -> Fault {
        Fault::Refused(plain(reason))
    }

    /// What cannot be reached, in others' words.
    pub(super) fn unreachable(reason: impl AsRef<str>) -> Fault {
        Fault::Unreachable(plain(reason.as_ref()))
    }
}

/// A reason without what it may repeat of the question: which rows an account must not get is nobody's business.
fn plain(reason: &str) -> String {
    let reason = reason.split('[').next().unwrap_or_default().trim();
    reason[..reason.floor_char_boundary(MOST_BYTES)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_old_and_new() {
        let of = |legacy_code, code| {
            Fault::of(&Status {
                legacy_code,
                code,
                reason: "why".to_owned(),
            })
        };
        assert_eq!(of(1, 100), Fault::Missing);
        assert_eq!(of(4, 0), Fault::Missing);
        assert_eq!(of(1, 101), Fault::Unloaded);
        assert_eq!(of(1, 65_535), Fault::Refused("why (code 65535)".to_owned()));
    }

    #[test]
    fn a_reason_does_not_repeat_the_question() {
        assert_eq!(
            plain("cannot parse expression: row in [1,2,3]"),
            "cannot parse expression: row in"
        );
        assert_eq!(plain(&"é".repeat(300)).len(), MOST_BYTES);
    }
}
