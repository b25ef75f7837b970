//! What training, server and device share: tables' labels, features, bundle, candidate block,
//! compact programs, scoring, diversity, pipeline and the metrics of a slate.
//!
//! Pure: no clock, I/O, randomness, threads or panics. Time and seeds are arguments.

pub mod agreement;
pub mod block;
pub mod bundle;
mod code;
mod context;
pub mod disclosure;
pub mod diversity;
pub mod encounter;
pub mod engine;
mod error;
mod event;
pub mod experiment;
pub mod explore;
pub mod fatigue;
pub mod feature;
pub mod filter;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod fixture;
pub mod fold_in;
pub mod hash;
pub mod head;
pub mod history;
pub mod metrics;
pub mod personal;
pub mod pipeline;
mod profile;
pub mod program;
mod protobuf;
mod purpose;
mod quantize;
pub mod reason;
pub mod request;
pub mod reward;
pub mod score;
pub mod signal;
pub mod text;
pub mod tree;
pub mod viewer;

pub use code::Code;
pub use context::{Context, LocalTime};
pub use error::{Error, ErrorKind};
pub use event::{EventKind, RELEVANT_FRACTION, fraction_watched, relevant};
pub use profile::Profile;
pub use purpose::{Purpose, Purposes};
pub use quantize::{QuantRow, quantize};
