//! Text: a sentence encoder of the BERT family read from a directory, vectors kept by content, and the small
//! student that takes the encoder's place on a device. Without such a directory text is encoded by
//! [`upnext_core::text`] alone.

pub mod bert;
pub mod distill;
mod recall;
mod source;
mod store;
pub mod student;
mod titles;
mod vectors;

pub use recall::{Recall, shortened};
pub use source::{TextSource, distinct};
pub use store::VectorStore;
pub use titles::{Titles, TitlesConfig};
pub use vectors::TextVectors;

#[cfg(test)]
mod fixture;
