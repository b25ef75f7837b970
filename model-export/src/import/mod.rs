//! Public logs in their original file formats become the tables of DESIGN 4.
//!
//! Fields that a log lacks stay unknown; whatever is decided on the way stands in `dataset.json` as a note.

pub mod kuairand;
pub mod movielens;

use crate::table::Dataset;

/// An imported data set, and what was counted on the way: one line each, for a human.
#[derive(Debug)]
pub struct Imported {
    /// The data set.
    pub data: Dataset,
    /// Rows read, left out, and why.
    pub counts: Vec<String>,
}
