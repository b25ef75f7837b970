//! What is known about one value of the graph while it is lowered.

use std::sync::Arc;

use tract_onnx::prelude::Tensor;
use upnext_core::program::format::OpCode;

/// Integer ids: columns of an input of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// The input's buffer.
    pub buffer: u32,
    /// Which of its columns, in order.
    pub columns: Vec<u32>,
}

/// `Σ x · W` over buffers.
#[derive(Debug, Clone)]
pub struct Product {
    /// Values that come out.
    pub width: usize,
    /// Buffers with their weights, `width of the buffer × width`, row-major.
    pub parts: Vec<(u32, Arc<Vec<f32>>)>,
}

/// The divisor of a norm: `max(‖x‖₂, least)` for `L2Norm`, `√(mean of x² + least)` for `RmsNorm`.
#[derive(Debug, Clone, Copy)]
pub struct Norm {
    /// The op that divides by it.
    pub code: OpCode,
    /// The buffer.
    pub of: u32,
    /// Floor or epsilon.
    pub least: f32,
}

/// A value of the graph, seen from one row.
///
/// [`Value::Const`], [`Value::Rows`], [`Value::Ids`] and [`Value::Product`] are real; the others are stations of a
/// pattern, which end in one op of the program or in an error that names the node.
#[derive(Debug, Clone)]
pub enum Value {
    /// The same for every row.
    Const(Arc<Tensor>),
    /// Floats in a buffer, the row's axes flattened in order.
    Rows(u32),
    /// Ids of an input.
    Ids(Ids),
    /// Rows of a table, one per id: `[ids, width]`.
    Lookup {
        /// Index of the table among the weights.
        table: u32,
        /// Which rows.
        ids: Ids,
    },
    /// Which ids are 0.
    Absent(Ids),
    /// Which ids are not 0.
    Present(Ids),
    /// [`Value::Lookup`] with the rows of id 0 set to zero.
    PresentRows {
        /// Index of the table among the weights.
        table: u32,
        /// Which rows.
        ids: Ids,
    },
    /// Sum of [`Value::PresentRows`] over the ids.
    PresentSum {
        /// Index of the table among the weights.
        table: u32,
        /// Which rows.
        ids: Ids,
    },
    /// How many ids are not 0.
    Count(Ids),
    /// How many ids are not 0, at least 1.
    CountOrOne(Ids),
    /// One over [`Value::CountOrOne`].
    InverseCount(Ids),
    /// A sum of products with weights: tract takes the product of a concatenation apart, and as one
    /// dense layer over the concatenation it is put together again.
    Product(Product),
    /// `x²` of a buffer.
    Square(u32),
    /// `max(Σx², floor²)` of a buffer.
    SumSquares {
        /// The buffer.
        of: u32,
        /// Its square is the least value.
        floor: f32,
    },
    /// `mean of x² + epsilon` of a buffer.
    MeanSquares {
        /// The buffer.
        of: u32,
        /// What is added.
        epsilon: f32,
    },
    /// `Σx` of a buffer.
    Sum(u32),
    /// Mean of a buffer.
    Mean(u32),
    /// What a buffer is divided by.
    Norm(Norm),
    /// One over that.
    InverseNorm(Norm),
}
