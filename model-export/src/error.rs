//! What can go wrong between logs and bundle: rich here, one stable code at the surface.

use std::path::{Path, PathBuf};

use upnext_core::Code;

/// An error of `upnext-export`: what, where, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something the core refused.
    #[error(transparent)]
    Core(#[from] upnext_core::Error),
    /// A file or directory cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// the file
        path: PathBuf,
        /// what the system, or the decoder, said
        reason: String,
    },
    /// No bundle where one was expected.
    #[error("no bundle at {path}: {reason}; write one with `upnext-export train --out BUNDLE`")]
    BundleMissing {
        /// the directory that was asked for
        path: PathBuf,
        /// what is missing there
        reason: String,
    },
    /// A table without a row.
    #[error("{path}: the {table} table has no row; nothing can be learnt from it")]
    TableEmpty {
        /// the file
        path: PathBuf,
        /// videos, users or interactions
        table: &'static str,
    },
    /// A table without a column that it must have.
    #[error("{path}: no column `{column}`; found: {found}")]
    ColumnMissing {
        /// the file
        path: PathBuf,
        /// the column
        column: String,
        /// the columns that are there
        found: String,
    },
    /// More malformed rows than the stated share.
    #[error(
        "{malformed} of {rows} rows of {path} are malformed, more than the share {allowed} that --max-malformed allows\n{report}"
    )]
    RowsMalformed {
        /// the file
        path: PathBuf,
        /// malformed rows
        malformed: u64,
        /// rows read
        rows: u64,
        /// share allowed
        allowed: f64,
        /// the first of each kind, one per line
        report: String,
    },
    /// A line of a file of interactions that cannot be read.
    #[error("{path}:{line}: {reason}")]
    LineMalformed {
        /// the file
        path: PathBuf,
        /// from 1
        line: usize,
        /// what is wrong, and what was expected
        reason: String,
    },
    /// A user without a single event where one is needed.
    #[error("user {user} has no event before {until}")]
    UserWithoutEvents {
        /// the user's id
        user: String,
        /// end of the window, UTC
        until: String,
    },
    /// A side of the time split without events.
    #[error("no {what} in the {side} window [{from}, {until}); move the split in dataset.json")]
    SplitEmpty {
        /// factors, train or test
        side: &'static str,
        /// what is missing: interactions, examples, relevant examples
        what: &'static str,
        /// start, UTC
        from: String,
        /// end, UTC
        until: String,
    },
    /// An impression whose chance of being shown is not known.
    #[error(
        "the propensity of {video}, shown to {user} at {at}, is {found}; an off-policy estimate needs one above 0 and at most 1 of every impression it judges"
    )]
    PropensityUnusable {
        /// the user's id
        user: String,
        /// the video's id
        video: String,
        /// UTC
        at: String,
        /// the value, or `missing`
        found: String,
    },
    /// Training left the finite numbers.
    #[error("{step} left the finite numbers at {at}; lower its learning rate")]
    TrainingDiverged {
        /// which training
        step: &'static str,
        /// epoch and step
        at: String,
    },
    /// An option or configuration value outside its range.
    #[error("{option}: {reason}")]
    ConfigInvalid {
        /// the option or the key
        option: String,
        /// what is wrong, and what would be right
        reason: String,
    },
    /// Factors of another solver that do not belong to the data set.
    #[error("the factors in {path} do not fit: {unfit}; docs/spark.md says what they must be")]
    FactorsUnfit {
        /// their directory
        path: PathBuf,
        /// why
        unfit: crate::given::Unfit,
    },
    /// A sentence encoder of an architecture that is not read.
    #[error("{path}: unsupported {reason}")]
    TextModelUnsupported {
        /// the file that says so
        path: PathBuf,
        /// what it says, and what is read
        reason: String,
    },
    /// A sentence encoder, or a student, whose files are damaged or contradict one another.
    #[error("{path}: {reason}")]
    TextModelInvalid {
        /// the file
        path: PathBuf,
        /// what is wrong
        reason: String,
    },
    /// A receipt that contradicts itself, or this program.
    #[error("the receipt's inputs give another {what}: {found}, it names {expected}")]
    ReceiptMismatch {
        /// what differs: hash, or a place of the slate
        what: String,
        /// what the receipt names
        expected: String,
        /// what the inputs give
        found: String,
    },
    /// An op outside the compact set.
    #[error("{op}: {reason}; such a graph runs in the module `upnext/onnx` only, docs/compile.md says what else helps")]
    OpUnsupported {
        /// name of the op and of its node
        op: String,
        /// what about it
        reason: String,
    },
    /// A program that does not compute what its graph does.
    #[error("the program of {name} and {against} differ: {found}")]
    OutputsDiffer {
        /// file or role
        name: String,
        /// tract, or the file of known answers
        against: String,
        /// how far they are from each other
        found: String,
    },
    /// An ONNX graph that cannot be read or run.
    #[error("ONNX graph {name}: {reason}")]
    OnnxInvalid {
        /// file or role
        name: String,
        /// what the reader said
        reason: String,
    },
}

impl From<upnext_compile::Error> for Error {
    fn from(error: upnext_compile::Error) -> Error {
        use upnext_compile::Error as Graph;
        match error {
            Graph::Core(error) => Error::Core(error),
            Graph::OutputUnclear { reason } => Error::ConfigInvalid {
                option: "--output".to_owned(),
                reason,
            },
            Graph::OpUnsupported { op, reason } => Error::OpUnsupported { op, reason },
            Graph::OnnxInvalid { name, reason } => Error::OnnxInvalid { name, reason },
        }
    }
}

impl Error {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Error::Core(error) => error.code(),
            Error::File { .. } => Code::FileUnreadable,
            Error::BundleMissing { .. } => Code::BundleMissing,
            Error::TableEmpty { .. } => Code::TableEmpty,
            Error::ColumnMissing { .. } => Code::ColumnMissing,
            Error::RowsMalformed { .. } | Error::LineMalformed { .. } | Error::PropensityUnusable { .. } => {
                Code::RowsMalformed
            }
            Error::UserWithoutEvents { .. } => Code::UserWithoutEvents,
            Error::SplitEmpty { .. } => Code::SplitEmpty,
            Error::TrainingDiverged { .. } => Code::TrainingDiverged,
            Error::ConfigInvalid { .. } => Code::ConfigInvalid,
            Error::FactorsUnfit { unfit, .. } => unfit.code(),
            Error::TextModelUnsupported { .. } => Code::TextModelUnsupported,
            Error::TextModelInvalid { .. } => Code::TextModelInvalid,
            Error::ReceiptMismatch { .. } => Code::ReceiptMismatch,
            Error::OpUnsupported { .. } => Code::OpUnsupported,
            Error::OutputsDiffer { .. } => Code::ProgramInvalid,
            Error::OnnxInvalid { .. } => Code::OnnxInvalid,
        }
    }

    /// An error about a file: for `map_err(Error::file(path))`.
    pub fn file<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> Error + '_ {
        move |reason| Error::File {
            path: path.to_path_buf(),
            reason: reason.to_string(),
        }
    }
}
