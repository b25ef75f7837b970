//! Where candidates come from. Each source is one file; [`merge`] puts them into one list.

pub mod cf;
pub mod content;
mod merge;

pub use merge::merge;

/// A video that a source proposes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Row of the video table.
    pub row: u32,
    /// Bits of [`upnext_core::block::source`].
    pub sources: u32,
    /// What the source orders by; comparable inside one source only.
    pub score: f32,
}
