//! The two towers: user and item vectors whose dot product says what is watched next.

pub(crate) mod adam;
mod config;
mod fit;
pub(crate) mod graph;
mod inputs;
pub(crate) mod model;
mod sample;
mod vectors;
pub mod weights;

pub use config::{Objective, TowerConfig};
pub use fit::{Material, TrainedTowers, fit};
pub use inputs::{ItemInputs, UserInputs};
pub use sample::Examples;
pub use vectors::{QuantRows, item_vectors};

#[cfg(test)]
mod tests;
