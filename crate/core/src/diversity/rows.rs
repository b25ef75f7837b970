//! Item vectors as directions.

use crate::program::kernel::{dot, scale, widen};

/// Rows of one width, each of length 1 or 0: what similarity is a plain dot product of.
#[derive(Debug, Clone, Default)]
pub struct UnitRows {
    width: usize,
    values: Vec<f32>,
}

impl UnitRows {
    /// No rows yet, room for `rows`.
    #[must_use]
    pub fn new(width: usize, rows: usize) -> UnitRows {
        UnitRows {
            width,
            values: Vec::with_capacity(width * rows),
        }
    }

    /// Appends a row, scaled to length 1. Zeros, and rows that are not finite, become zeros:
    /// alike to nothing. Shorter rows are filled up with zeros, longer ones cut.
    pub fn push(&mut self, row: impl IntoIterator<Item = f32>) {
        let start = self.values.len();
        self.values
            .extend(row.into_iter().chain(core::iter::repeat(0.0)).take(self.width));
        self.settle(start);
    }

    /// Appends the direction of a quantised row, likewise.
    pub fn push_levels(&mut self, levels: &[i8]) {
        let start = self.values.len();
        self.values.resize(start + self.width, 0.0);
        widen(levels, &mut self.values[start..]);
        self.settle(start);
    }

    fn settle(&mut self, start: usize) {
        let row = &mut self.values[start..];
        let norm = dot(row, row).sqrt();
        // One over an infinite norm is 0.
        let by = if norm > 0.0 { 1.0 / norm } else { 0.0 };
        if by > 0.0 {
            scale(row, by);
        } else {
            row.fill(0.0);
        }
    }

    /// Row `index`; empty outside.
    #[inline(always)]
    #[must_use]
    pub fn row(&self, index: usize) -> &[f32] {
        self.values
            .get(index * self.width..(index + 1) * self.width)
            .unwrap_or(&[])
    }

    /// Cosine of two rows.
    #[inline(always)]
    #[must_use]
    pub fn cosine(&self, a: usize, b: usize) -> f32 {
        dot(self.row(a), self.row(b))
    }
}
