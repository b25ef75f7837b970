//! The ranker: a small network over the signals that the core computes for a viewer and a candidate.

mod calibrate;
mod config;
mod fit;
mod heads;
mod network;
mod offers;
mod order;
mod rows;

pub use calibrate::Platt;
pub use config::{PerHead, RankerConfig};
pub use fit::{Ranker, fit, work};
pub use offers::{OfferSource, offers};
pub use rows::{Offer, RowSource, Rows, Told, signals_of};

#[cfg(test)]
mod tests;
