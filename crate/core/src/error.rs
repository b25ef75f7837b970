//! What can go wrong in the core. No message holds anything of the viewer.

use crate::Code;

/// An error of the core: what, where, and how to mend it.
///
/// A pointer, because most functions hand up what others found: forty bytes of names and values would be moved each time.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Error {
        Error(Box::new(kind))
    }
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.0.code()
    }
}

/// What went wrong, with what is needed to mend it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// The manifest, spec or another JSON file of the bundle does not parse.
    #[error("{file} of the bundle is not readable: {reason}; write the bundle again with `upnext-export`")]
    BundleUnreadable {
        /// file inside the bundle
        file: String,
        /// what the parser said
        reason: String,
    },
    /// A format version that this build does not read.
    #[error("{what} has format version {found}, this program reads {expected}; use matching releases")]
    BundleVersion {
        /// which file or message
        what: &'static str,
        /// version found
        found: u32,
        /// version this build reads
        expected: u32,
    },
    /// Size or hash differ from the manifest.
    #[error("{file} does not match the manifest (expected {expected}, found {found}); fetch the bundle again")]
    BundleCorrupt {
        /// path inside the bundle
        file: String,
        /// size or SHA-256 named by the manifest
        expected: String,
        /// size or SHA-256 of the bytes
        found: String,
    },
    /// A needed file is absent.
    #[error("the bundle lacks {file}; write or fetch it again")]
    BundleIncomplete {
        /// path or role of the file
        file: String,
    },
    /// Parts of one bundle disagree.
    #[error("the bundle contradicts itself: {what} should be {expected} and is {found}")]
    BundleInconsistent {
        /// what disagrees
        what: String,
        /// expected value
        expected: String,
        /// found value
        found: String,
    },
    /// Two bundle ids met.
    #[error("{what} belongs to bundle {found}, loaded is {expected}; fetch both anew")]
    BundleMismatch {
        /// what carries the id
        what: &'static str,
        /// id of the loaded bundle
        expected: String,
        /// id it carries
        found: String,
    },
    /// Bytes that are no candidate block.
    #[error("the candidate block cannot be decoded: {reason}")]
    BlockUnreadable {
        /// what the decoder said
        reason: String,
    },
    /// A bound of the candidate block is broken.
    #[error("the candidate block is invalid: {what} is {found}, expected {expected}")]
    BlockInvalid {
        /// column or bound
        what: &'static str,
        /// what would be right
        expected: String,
        /// what was found
        found: String,
    },
    /// The block's time is over.
    #[error("the candidate block expired at {expired_at_ms} ms, now is {now_ms} ms; fetch a new one")]
    BlockExpired {
        /// expiry, Unix milliseconds
        expired_at_ms: i64,
        /// the clock that was passed in
        now_ms: i64,
    },
    /// NaN or infinity.
    #[error("{what}[{index}] is not a finite number")]
    NotFinite {
        /// which vector or column
        what: &'static str,
        /// first offending index
        index: usize,
    },
    /// An id outside its table.
    #[error("{what} {found} is outside 0..{limit}")]
    IdOutOfRange {
        /// which feature or table
        what: String,
        /// the id
        found: i64,
        /// first id that is too large
        limit: i64,
    },
    /// A compact program that does not validate.
    #[error("compact program: {reason}; compile the bundle again")]
    ProgramInvalid {
        /// what does not validate, with op index
        reason: String,
    },
    /// An ONNX graph that the engine cannot read or run.
    #[error("ONNX graph: {reason}")]
    OnnxInvalid {
        /// what the engine said
        reason: String,
    },
    /// Wrong shape of a request, an option or an event.
    #[error("{what}: {reason}")]
    RequestInvalid {
        /// which argument
        what: String,
        /// what is wrong and what would be right
        reason: String,
    },
    /// A profile or history that cannot be read.
    #[error("stored {what} cannot be read: {reason}; the stored bytes are left as they are")]
    ProfileInvalid {
        /// profile or history
        what: &'static str,
        /// what the parser said
        reason: String,
    },
    /// Asked before a bundle or a block was there.
    #[error("{what} is not loaded yet")]
    NotReady {
        /// bundle or block
        what: &'static str,
    },
}

impl ErrorKind {
    /// The stable code of errors of this kind.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            ErrorKind::BundleUnreadable { .. } => Code::BundleUnreadable,
            ErrorKind::BundleVersion { .. } => Code::BundleVersion,
            ErrorKind::BundleCorrupt { .. } => Code::BundleCorrupt,
            ErrorKind::BundleIncomplete { .. } => Code::BundleIncomplete,
            ErrorKind::BundleInconsistent { .. } => Code::BundleInconsistent,
            ErrorKind::BundleMismatch { .. } => Code::BundleMismatch,
            ErrorKind::BlockUnreadable { .. } => Code::BlockUnreadable,
            ErrorKind::BlockInvalid { .. } => Code::BlockInvalid,
            ErrorKind::BlockExpired { .. } => Code::BlockExpired,
            ErrorKind::NotFinite { .. } => Code::NotFinite,
            ErrorKind::IdOutOfRange { .. } => Code::IdOutOfRange,
            ErrorKind::ProgramInvalid { .. } => Code::ProgramInvalid,
            ErrorKind::OnnxInvalid { .. } => Code::OnnxInvalid,
            ErrorKind::RequestInvalid { .. } => Code::RequestInvalid,
            ErrorKind::ProfileInvalid { .. } => Code::ProfileInvalid,
            ErrorKind::NotReady { .. } => Code::NotReady,
        }
    }
}

#[cfg(test)]
mod tests {
    /// The compact module is built without `Debug`: what is written with it is empty there.
    #[test]
    fn no_message_is_written_with_debug() {
        fn sources(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true => sources(&path, found),
                    false => found.push(path),
                }
            }
        }
        let mut found = Vec::new();
        sources(
            &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut found,
        );
        assert!(found.len() > 50);
        for path in found.iter().filter(|path| !path.to_string_lossy().contains("tests")) {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            for (at, line) in code.lines().enumerate() {
                let is_debug = line.contains(concat!(":", "?}")) && !line.trim_start().starts_with("//");
                assert!(!is_debug, "{}:{} writes with Debug", path.display(), at + 1);
            }
        }
    }
}
