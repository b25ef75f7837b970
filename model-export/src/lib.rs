//! the binary `upnext-export` is a thin command line over them.
//!
//! The online half lives in `upnext-core`; whatever both halves compute, this crate calls from there.

pub mod error;
pub mod label;
pub mod progress;
pub mod split;
pub mod table;
pub mod towers;

pub use error::Error;
