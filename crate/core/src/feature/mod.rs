//! Features: one function per encoder, called by training, server and device alike.

#[cfg(test)]
pub(crate) mod fixture;
mod history;
mod item;
mod location;
mod prior;
mod scalar;
pub mod spec;
mod user;
pub(crate) mod validate;
mod vocabulary;

pub use history::{PastEvent, Pool};
pub(crate) use history::{before, recency};
pub use item::{EncodedItem, ItemEncoder, ItemLayout, VideoFeatures, encode_item};
pub use location::{on_globe, unit_vector};
pub use prior::{
    PriorCounts, Tally, logit, observed_over_expected, sigmoid, video_effect, video_expectation, video_prior,
};
pub(crate) use user::encode_categorical;
pub use user::{EncodedUser, UserEncoder, UserLayout, encode_user};
pub use vocabulary::{VocabularyIndex, language_term};

/// One category column of a tower's input: values are rows `0..rows` of its embedding table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name, for tables and messages.
    pub name: &'static str,
    /// Rows of its table; row 0 is unknown.
    pub rows: u32,
}
