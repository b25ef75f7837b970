//! From ONNX to a compact program: tract reads, checks and simplifies the graph, then its typed
//! nodes are lowered one after the other to the few ops that the device's interpreter knows.
//!
//! ```text
//! ONNX bytes ── prepare ─► one output, ops that are read right ── load ─► typed, decluttered graph
//!            ── lower ─► ops and weights ── fuse ─► fewer ── narrow ─► program
//! ```
//! The decluttered graph, not the optimised one: optimising packs weights for tract's own kernels.
//!
//! A program works on one row at a time, so the batch axis vanishes. Each value of the graph is
//! described by a `value::Value`: constants are hoisted into weights, and what only exists inside
//! a pattern (a norm, a mask of padding) is held back until the pattern is complete.
//!
//! `upnext-export compile` and the module `upnext/onnx` in a page call these same functions, so what one of them
//! refuses, with the name of the node, the other does too. [`OnnxRunner`] runs the graph itself, by tract.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let onnx = std::fs::read("tower.onnx")?;
//! let program = upnext_compile::compile("tower.onnx", &onnx)?;
//! std::fs::write("tower.program", program.encode())?;
//! # Ok(())
//! # }
//! ```

mod activation;
mod arith;
mod axes;
mod complete;
mod cut;
mod dims;
mod emit;
mod error;
mod fuse;
mod known;
mod load;
mod lower;
mod matmul;
mod narrow;
mod prepare;
mod rewrite;
mod run;
mod shape;
mod station;
mod sum;
mod value;

pub use error::Error;
pub use load::{LoadedGraph, load};
pub use narrow::{Precision, Share};
pub use prepare::Wanted;
pub use run::{OnnxRunner, RunnerInput};

use prost::Message;
use upnext_core::program::Program;

/// Compiles ONNX bytes to a compact program with weights in f32; `name` names the graph in errors.
///
/// # Errors
/// [`Error::OnnxInvalid`] where tract rejects the graph, [`Error::OpUnsupported`], with the node's
/// name, where a node is outside the compact set, `program-invalid` where the program is too large.
pub fn compile(name: &str, onnx: &[u8]) -> Result<Program, Error> {
    compile_as(name, onnx, Precision::F32)
}

/// As [`compile`], with weights of such a precision.
///
/// # Errors
/// Those of [`compile`].
pub fn compile_as(name: &str, onnx: &[u8], precision: Precision) -> Result<Program, Error> {
    let graph = load(name, onnx)?;
    let program = fuse::fuse(lower::lower(name, &graph)?);
    Ok(Program::from_message(narrow::narrow(program, precision))?)
}

/// The same graph as another ONNX model: one output, weights within, no op that tract reads otherwise than it is
/// defined. What this gives runs on both engines.
///
/// # Errors
/// [`Error::OnnxInvalid`] for bytes that are no ONNX, lack weights, or hold an op that tract does not know;
/// [`Error::OutputUnclear`] where it is not clear which output is meant.
pub fn prepare(name: &str, onnx: &[u8], wanted: Wanted<'_>) -> Result<Vec<u8>, Error> {
    Ok(prepare::prepare(name, onnx, wanted)?.encode_to_vec())
}
