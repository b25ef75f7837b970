//! The two towers: user and item vectors whose dot product says what is watched next.

pub mod weights;
