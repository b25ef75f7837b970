//! From logs to a bundle.
fn main() {}
