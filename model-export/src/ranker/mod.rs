//! The ranker: a small network over the signals that the core computes for a viewer and a candidate.

mod config;
mod fit;
mod network;
mod offers;
mod rows;

pub use config::RankerConfig;
pub use fit::{fit, work};
pub use offers::{OfferSource, offers};
pub use rows::{Offer, RowSource, Rows, signals_of};

#[cfg(test)]
mod tests;
