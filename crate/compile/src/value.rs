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

impl Ids {
    /// Ranges of columns that follow one another, in order.
    pub fn runs(&self) -> Vec<(u32, u32)> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for column in &self.columns {
            match runs.last_mut() {
                Some((_, to)) if to == column => *to += 1,
                _ => runs.push((*column, column + 1)),
            }
        }
        runs
    }
}

/// `Σ x · W` over buffers.
#[derive(Debug, Clone)]
pub struct Product {
    /// Values that come out.
    pub width: usize,
    /// Buffers with their weights, `width of the buffer × width`, row-major.
    pub parts: Vec<(u32, Arc<Vec<f32>>)>,
}

/// A buffer, seen as groups of `len` values one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    /// The buffer.
    pub of: u32,
    /// Values of a group.
    pub len: usize,
}

/// The divisor of a norm: `max(‖x‖₂, least)` for `L2Norm`, `√(mean of x² + least)` for `RmsNorm`.
#[derive(Debug, Clone, Copy)]
pub struct Norm {
    /// The op that divides by it.
    pub code: OpCode,
    /// What is normed.
    pub groups: Groups,
    /// Floor or epsilon.
    pub least: f32,
}

/// A value of the graph, seen from one row.
///
/// [`Value::Const`], [`Value::Rows`], [`Value::Ids`] and [`Value::Product`] are real; the others are stations of a
/// pattern, which end in one op of the program, or in several where the pattern is not completed.
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
    /// `max(Σx², floor²)` of each group.
    SumSquares {
        /// The groups.
        groups: Groups,
        /// Its square is the least value.
        floor: f32,
    },
    /// `mean of x² + epsilon` of each group.
    MeanSquares {
        /// The groups.
        groups: Groups,
        /// What is added.
        epsilon: f32,
    },
    /// `Σx` of each group.
    Sum(Groups),
    /// Mean of each group.
    Mean(Groups),
    /// What a buffer is divided by.
    Norm(Norm),
    /// One over that.
    InverseNorm(Norm),
}
