//! The ranker: a small network over the signals that the core computes for a viewer and a candidate.

mod calibrate;
mod config;
mod fit;
mod heads;
mod network;
mod offers;
mod order;
mod rows;
mod visits;
mod watched;

pub use calibrate::Platt;
pub use config::{PerHead, RankerConfig};
pub use fit::{Ranker, fit, work};
pub use offers::{Asked, OfferMoment, OfferSource, offers};
pub use rows::{Choice, Offer, RowSource, Rows, Told, signals_of};
pub use visits::{VISIT_GAP_MS, beginnings};
pub use watched::{FULL_SECONDS, Watched, WatchedUnit};

#[cfg(test)]
mod tests;
