//! From logs to a bundle: dataset, factors, towers, ranker, graphs, evaluation. One room per module;
//! the binary `upnext-export` is a thin command line over them.
//!
//! The online half lives in `upnext-core`; whatever both halves compute, this crate calls from there.

pub mod ablate;
pub mod analyse;
pub mod benchmark;
pub mod bootstrap;
pub mod bundle;
pub mod catalogue;
pub mod compile;
pub mod error;
pub mod evaluate;
pub mod factors;
pub mod given;
pub mod golden;
pub mod group;
pub mod import;
pub mod label;
pub mod linear;
pub mod models;
pub mod moments;
pub mod off_policy;
pub mod onnx;
pub mod progress;
pub mod prune;
pub mod ranker;
pub mod replay;
pub mod shard;
pub mod simulate;
pub mod split;
pub mod table;
pub mod text;
pub mod towers;
pub mod train;
pub mod vectors;

pub use error::Error;
