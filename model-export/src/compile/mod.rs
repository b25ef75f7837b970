//! From ONNX to a compact program: tract reads, checks and simplifies the graph, then its typed
//! nodes are lowered one after the other to the few ops that the device's interpreter knows.
//!
//! ```text
//! ONNX bytes ── load ─► typed, decluttered graph ── lower ─► ops and weights ── fuse ─► program
//! ```
//! The decluttered graph, not the optimised one: optimising packs weights for tract's own kernels.
//!
//! A program works on one row at a time, so the batch axis vanishes. Each value of the graph is
//! described by a [`value::Value`]: constants are hoisted into weights, and what only exists inside
//! a pattern (a norm, a mask of padding) is held back until the pattern is complete.

mod arith;
mod emit;
mod fuse;
mod load;
mod lower;
mod matmul;
mod shape;
mod value;

pub use load::{LoadedGraph, load};

use upnext_core::program::Program;

use crate::Error;

/// Compiles ONNX bytes to a compact program; `name` names the graph in errors.
///
/// # Errors
/// [`Error::OnnxInvalid`] where tract rejects the graph, [`Error::OpUnsupported`], with the node's
/// name, where a node is outside the compact set, `program-invalid` where the program is too large.
pub fn compile(name: &str, onnx: &[u8]) -> Result<Program, Error> {
    let graph = load(name, onnx)?;
    let program = lower::lower(name, &graph)?;
    Ok(Program::from_message(fuse::fuse(program))?)
}

#[cfg(test)]
mod tests;
