//! The ranker: a small network over the signals that the core computes for a viewer and a candidate.

mod fit;
mod rows;

pub use fit::{RankerConfig, fit};
pub use rows::{RowSource, Rows, signals_of};

#[cfg(test)]
mod tests;
