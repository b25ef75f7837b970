//! What the module does in a real browser, kernel by kernel, on the golden rows and on bad input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_input;
mod golden;
mod kernel;
