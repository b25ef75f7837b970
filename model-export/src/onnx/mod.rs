//! ONNX: the three graphs of a bundle, written with a small builder of our own.
//!
//! | graph | inputs | output |
//! |---|---|---|
//! | user tower | `categorical` int64 `[n, C]`, `dense` f32 `[n, D]` | `vector` f32 `[n, v]`, unit length |
//! | item tower | `categorical` int64 `[n, 5]`, `tags` int64 `[n, T]`, `dense` f32 `[n, D]` | `vector` f32 `[n, v]`, unit length |
//! | ranker | `signals` f32 `[n, S]` | `logits` f32 `[n, 5]`, the core's `HEADS` |
//!
//! Opset 17, dynamic batch `n`. `Gather` does not check ids: who feeds a graph validates them first.

mod builder;
pub mod case;
mod layers;
mod towers;
pub mod vectors;

pub use builder::{GraphBuilder, Value};
pub use towers::{item_tower, ranker, user_tower};
pub use upnext_compile::{OnnxRunner, RunnerInput};
