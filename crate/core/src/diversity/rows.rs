//! Item vectors as directions.

use crate::program::kernel::{dot, scale, widen};

/// Rows of one width, each of length 1 or 0: what similarity is a plain dot product of.
#[derive(Debug, Clone, Default)]
pub struct UnitRows {
    width: usize,
    values: Vec<f32>,
}

const ZEROS: [f32; 64] = [0.0; 64];

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
        // A stretch at a time: `resize` writes one value after the other where the module is built for size.
        while self.values.len() < start + self.width {
            let more = (start + self.width - self.values.len()).min(ZEROS.len());
            self.values.extend_from_slice(&ZEROS[..more]);
        }
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

    /// The row with the largest cosine to `row`, of the width of these, and the cosine; the first where several are, and 0
    /// where none is above 0. A function of its own: its loop has the registers for itself.
    #[inline(never)]
    pub(crate) fn nearest(&self, row: &[f32]) -> (usize, f32) {
        let mut best = (0, 0.0);
        for (at, own) in self.values.chunks_exact(self.width.max(1)).enumerate() {
            let cosine = dot(row, own);
            if cosine > best.1 {
                best = (at, cosine);
            }
        }
        best
    }

    /// Cosine of two rows.
    #[inline(always)]
    #[must_use]
    pub fn cosine(&self, a: usize, b: usize) -> f32 {
        dot(self.row(a), self.row(b))
    }
}
