//! Slates of which each next video is relevant and unlike the ones before it. Pure algorithms over relevance,
//! directions and group numbers; they know nothing of blocks or viewers. `docs/diversity.md` compares them.

mod calibration;
mod dpp;
mod groups;
mod method;
mod mmr;
mod rows;
mod select;
mod ssd;
mod tally;

#[cfg(test)]
mod tests;

pub use calibration::Calibration;
pub use dpp::{Determinant, dpp};
pub use groups::Groups;
pub use method::Method;
pub use mmr::{Nearest, mmr};
pub use rows::UnitRows;
pub use select::{Spread, select};
pub use ssd::{Spectrum, ssd};
pub use tally::{Cap, Limits, Tally};

/// Picks that a next one must be unlike, with it, where a method looks back through a window: about what a page shows
/// at once. More rows than they are wide span no volume: where a slate is longer, the window must not be.
pub const WINDOW: usize = 16;
