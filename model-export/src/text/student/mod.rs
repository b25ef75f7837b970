//! The student: hashed character n-grams, a table of int8 rows that are summed, and one linear map into the space of
//! a sentence encoder. A text's n-grams are those of [`upnext_core::text`], as on a device.

mod file;
mod fit;

use upnext_core::feature::spec::TextSpec;
use upnext_core::text::{Folding, encode_text};
use upnext_core::{QuantRow, quantize};

pub use fit::{Fitted, Lesson, StudentConfig, fit};

/// A student in int8.
#[derive(Debug, Clone, PartialEq)]
pub struct Student {
    /// How text becomes n-grams; its `dim` is the number of rows of the table.
    pub grams: TextSpec,
    /// Seed of the n-grams' hash.
    pub seed: u64,
    /// A row for each bucket of n-grams.
    table: Rows,
    /// A row for each value of a vector.
    map: Rows,
}

/// int8 rows with a scale each.
#[derive(Debug, Clone, PartialEq)]
struct Rows {
    dim: usize,
    levels: Vec<i8>,
    scales: Vec<f32>,
}

impl Rows {
    fn new(dim: usize, values: &[f32]) -> Rows {
        let mut levels = vec![0; values.len()];
        let rows = values.chunks_exact(dim.max(1)).zip(levels.chunks_exact_mut(dim.max(1)));
        let scales = rows.map(|(values, levels)| quantize(values, levels)).collect();
        Rows { dim, levels, scales }
    }

    fn iter(&self) -> impl Iterator<Item = QuantRow<'_>> {
        let rows = self.levels.chunks_exact(self.dim.max(1)).zip(&self.scales);
        rows.map(|(values, scale)| QuantRow { scale: *scale, values })
    }

    fn row(&self, row: u32) -> QuantRow<'_> {
        let start = row as usize * self.dim;
        QuantRow {
            scale: self.scales.get(row as usize).copied().unwrap_or(0.0),
            values: self.levels.get(start..start + self.dim).unwrap_or_default(),
        }
    }
}

/// The buckets of a text's n-grams with their weights, in order; none for a text without a word.
#[must_use]
pub fn grams(spec: &TextSpec, seed: u64, text: &str) -> Vec<(u32, f32)> {
    let mut dense = vec![0.0; spec.dim as usize];
    encode_text(spec, seed, Folding::current(), text, &mut dense);
    let buckets = (0_u32..).zip(dense);
    buckets.filter(|(_, weight)| *weight != 0.0).collect()
}

impl Student {
    /// Width of a vector: that of the teacher.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.map.scales.len()
    }

    /// Writes the text's vector, of length 1, to `out`, which holds [`Student::dim`] values. A text without a word
    /// gives zeros.
    pub fn encode(&self, text: &str, out: &mut [f32]) {
        let mut sum = vec![0.0; self.table.dim];
        for (row, weight) in grams(&self.grams, self.seed, text) {
            self.table.row(row).add_to(weight, &mut sum);
        }
        for (out, row) in out.iter_mut().zip(self.map.iter()) {
            *out = row.dot(&sum);
        }
        let norm = out.iter().map(|v| v * v).sum::<f32>().sqrt();
        if norm > 0.0 {
            out.iter_mut().for_each(|v| *v /= norm);
        }
    }
}

#[cfg(test)]
mod tests;
