//! The ranker: a small network over the signals that the core computes for a viewer and a candidate.

mod fit;
mod offers;
mod rows;

pub use fit::{RankerConfig, fit};
pub use offers::{OfferSource, offers};
pub use rows::{Offer, RowSource, Rows, signals_of};

#[cfg(test)]
mod tests;
