//! What each address answers.

pub mod bundle;
pub mod candidates;
mod conditional;
pub mod health;
