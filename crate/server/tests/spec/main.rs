//! The server as a client sees it: every answer, every error code, the start and the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod blocks;
mod bundle;
mod client;
mod errors;
mod fixture;
mod privacy;
mod process;
mod start;
