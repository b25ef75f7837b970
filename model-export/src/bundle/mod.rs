//! The bundle on disk: written once, named by what is in it, read back with every byte verified.
//!
//! ```text
//! ROOT/current.json          {"bundle": "<id>"}, replaced last and atomically
//! ROOT/<id>/manifest.json    its SHA-256 is the id
//! ROOT/<id>/client/…         public, small
//! ROOT/<id>/server/…         never served
//! ```
//! The bundle that was current before stays; older ones are removed.

mod align;
mod enlarge;
mod inspect;
mod kmeans;
mod read;
mod replace;
mod server_half;
mod shelves;
mod trained;
mod write;

pub use align::alignment;
pub use enlarge::{Enlarged, enlarge};
pub use inspect::{FileReport, ProgramReport, Report, inspect};
pub use read::{Bundle, ItemTensors, VideoFigures};
pub use replace::{DeviceGraph, Replaced, replace_graph};
pub(crate) use server_half::to_parquet;
pub use server_half::{Accounts, ItemFigures, Items};
pub use shelves::{ANY_LANGUAGE, shelves};
pub use trained::Trained;
pub use write::{Draft, Header};

#[cfg(test)]
mod tests;
