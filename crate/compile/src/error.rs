//! What can be wrong with a graph.

use upnext_core::Code;

/// Why a graph cannot be read, compiled or run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something the core refused.
    #[error(transparent)]
    Core(#[from] upnext_core::Error),
    /// It is not clear which output is meant.
    #[error("--output: {reason}")]
    OutputUnclear {
        /// what there is to choose from
        reason: String,
    },
    /// An op outside the compact set.
    #[error("{op}: {reason}; such a graph runs in the module `upnext/onnx` only, docs/compile.md says what else helps")]
    OpUnsupported {
        /// name of the op and of its node
        op: String,
        /// what about it
        reason: String,
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

impl Error {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Error::Core(error) => error.code(),
            Error::OutputUnclear { .. } => Code::ConfigInvalid,
            Error::OpUnsupported { .. } => Code::OpUnsupported,
            Error::OnnxInvalid { .. } => Code::OnnxInvalid,
        }
    }
}
