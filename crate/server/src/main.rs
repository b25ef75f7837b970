//! Candidate server.
fn main() {}
