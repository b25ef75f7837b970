//! The bundle: manifest, integrity, and the parts that the device loads.
//!
//! Layout of a bundle root (a directory or any HTTP origin):
//! ```text
//! current.json                 {"bundle": "<id>"}: the pointer
//! <id>/manifest.json           id = SHA-256 of exactly these bytes, in hex
//! <id>/client/…  <id>/server/… files, each named with the first 8 hex digits of its SHA-256
//! ```

mod alignment;
mod check;
mod client;
mod digest;
mod manifest;
mod pointer;
mod tensors;

#[cfg(test)]
mod tests;

pub use alignment::Alignment;
pub use client::{ClientBundle, ClientModel, EngineKind};
pub use digest::{hex, is_sha256_hex, sha256, sha256_hex, unhex};
pub use manifest::{BUNDLE_VERSION, FileEntry, Manifest, Metrics, OLDEST_BUNDLE_VERSION, Role, Window};
pub use pointer::Pointer;
pub use tensors::{Tensors, write_f32};
