//! The student of a sentence encoder, made: [`upnext_core::text::Student`] is what it becomes, and what encodes with it.

mod file;
mod fit;

pub use file::{read, to_safetensors};
pub use fit::{Fitted, Lesson, StudentConfig, fit};
pub use upnext_core::text::Student;

#[cfg(test)]
mod tests;
