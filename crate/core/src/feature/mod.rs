//! Features: one function per encoder, called by training, server and device alike.

pub mod spec;
