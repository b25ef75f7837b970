//! Compact programs of ONNX graphs, and weights as such programs hold them.
//!
//! The compiler itself is the crate `upnext-compile`, which the module `upnext/onnx` carries too; here it speaks by
//! this crate's errors.

mod weights;

pub use upnext_compile::{Precision, Wanted};
pub use weights::{rounded_ranker, rounded_tower};

use upnext_core::program::Program;

use crate::Error;

/// As [`upnext_compile::compile`].
///
/// # Errors
/// [`Error::OnnxInvalid`] where tract rejects the graph, [`Error::OpUnsupported`], with the node's
/// name, where a node is outside the compact set, `program-invalid` where the program is too large.
pub fn compile(name: &str, onnx: &[u8]) -> Result<Program, Error> {
    Ok(upnext_compile::compile(name, onnx)?)
}

/// As [`compile`], with weights of such a precision.
///
/// # Errors
/// Those of [`compile`].
pub fn compile_as(name: &str, onnx: &[u8], precision: Precision) -> Result<Program, Error> {
    Ok(upnext_compile::compile_as(name, onnx, precision)?)
}

/// As [`upnext_compile::prepare`].
///
/// # Errors
/// [`Error::OnnxInvalid`] for bytes that are no ONNX, lack weights, or hold an op that tract does not know;
/// [`Error::ConfigInvalid`] where it is not clear which output is meant.
pub fn prepare(name: &str, onnx: &[u8], wanted: Wanted<'_>) -> Result<Vec<u8>, Error> {
    Ok(upnext_compile::prepare(name, onnx, wanted)?)
}

#[cfg(test)]
mod tests;
