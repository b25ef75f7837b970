//! The student of a sentence encoder: hashed character n-grams, a table of int8 rows that are summed, and one linear map into
//! the encoder's space. A text's n-grams are those of [`encode_text`], so that the student reads every script as the built-in
//! encoder does. Training makes it (`upnext-export`); what encodes with it, server or client, calls this.

use super::{Folding, encode_text};
use crate::feature::spec::TextSpec;
use crate::feature::validate::MAX_N;
use crate::{QuantRow, quantize};

/// int8 rows with a scale each.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelRows {
    dim: usize,
    levels: Vec<i8>,
    scales: Vec<f32>,
}

impl LevelRows {
    /// Rows of `dim` levels, row by row, and the scale of each. `None` where the lengths do not fit, `dim` is 0, or a scale is
    /// not finite.
    ///
    /// ```
    /// use upnext_core::text::LevelRows;
    /// let rows = LevelRows::new(2, vec![1, -3, 0, 127], vec![0.5, 1.0]).unwrap();
    /// assert_eq!((rows.dim(), rows.len()), (2, 2));
    /// assert!(LevelRows::new(3, vec![1, 2], vec![1.0]).is_none());
    /// ```
    #[must_use]
    pub fn new(dim: usize, levels: Vec<i8>, scales: Vec<f32>) -> Option<LevelRows> {
        let fits = dim > 0 && levels.len().checked_div(dim) == Some(scales.len()) && levels.len().is_multiple_of(dim);
        let fits = fits && scales.iter().all(|scale| scale.is_finite());
        fits.then_some(LevelRows { dim, levels, scales })
    }

    /// Quantises rows of `dim` values each; what is left over is dropped.
    #[must_use]
    pub fn quantised(dim: usize, values: &[f32]) -> LevelRows {
        let dim = dim.max(1);
        let mut levels = vec![0; values.len() / dim * dim];
        let rows = values.chunks_exact(dim).zip(levels.chunks_exact_mut(dim));
        let scales = rows.map(|(values, levels)| quantize(values, levels)).collect();
        LevelRows { dim, levels, scales }
    }

    /// Width of a row.
    #[must_use]
    pub const fn dim(&self) -> usize {
        self.dim
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.scales.len()
    }

    /// True where there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// Levels of all rows, row by row.
    #[must_use]
    pub fn levels(&self) -> &[i8] {
        &self.levels
    }

    /// Scale of each row.
    #[must_use]
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = QuantRow<'_>> {
        let rows = self.levels.chunks_exact(self.dim).zip(&self.scales);
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

/// A student in int8.
#[derive(Debug, Clone, PartialEq)]
pub struct Student {
    /// How text becomes n-grams; its `dim` is the number of rows of the table.
    pub grams: TextSpec,
    /// Seed of the n-grams' hash.
    pub seed: u64,
    table: LevelRows,
    map: LevelRows,
}

/// The buckets of a text's n-grams with their weights, in order; none for a text without a word.
#[must_use]
pub fn grams(spec: &TextSpec, seed: u64, folding: &Folding, text: &str) -> Vec<(u32, f32)> {
    let mut dense = vec![0.0; spec.dim as usize];
    encode_text(spec, seed, folding, text, &mut dense);
    let buckets = (0_u32..).zip(dense);
    buckets.filter(|(_, weight)| *weight != 0.0).collect()
}

impl Student {
    /// From a row for each bucket of n-grams (`table`) and one for each value of a vector (`map`). `None` where they are not of
    /// one width, or not one row for each bucket of `grams`, and where n-grams are of other lengths than 1 to 16.
    #[must_use]
    pub fn new(grams: TextSpec, seed: u64, table: LevelRows, map: LevelRows) -> Option<Student> {
        let lengths = (1..=grams.max_n).contains(&grams.min_n) && grams.max_n <= MAX_N;
        let fits = lengths && table.len() == grams.dim as usize && table.dim == map.dim;
        fits.then_some(Student {
            grams,
            seed,
            table,
            map,
        })
    }

    /// Width of a vector.
    #[must_use]
    pub const fn dim(&self) -> usize {
        self.map.len()
    }

    /// A row for each bucket of n-grams.
    #[must_use]
    pub const fn table(&self) -> &LevelRows {
        &self.table
    }

    /// A row for each value of a vector.
    #[must_use]
    pub const fn map(&self) -> &LevelRows {
        &self.map
    }

    /// Writes the text's vector, of length 1, to `out`, which holds [`Student::dim`] values. A text without a word
    /// gives zeros.
    ///
    /// ```
    /// use upnext_core::feature::spec::TextSpec;
    /// use upnext_core::text::{Folding, LevelRows, Student};
    /// let grams = TextSpec { dim: 4, min_n: 1, max_n: 1 };
    /// let table = LevelRows::quantised(2, &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0, -1.0, 2.0]);
    /// let map = LevelRows::quantised(2, &[1.0, 0.5, 0.0, 2.0, -1.0, 0.0]);
    /// let student = Student::new(grams, 7, table, map).unwrap();
    /// let (mut a, mut b) = ([0.0; 3], [0.0; 3]);
    /// student.encode(Folding::current(), "Night", &mut a);
    /// student.encode(Folding::current(), "NIGHT!", &mut b);
    /// assert_eq!(a, b);
    /// assert!((a.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
    /// ```
    pub fn encode(&self, folding: &Folding, text: &str, out: &mut [f32]) {
        let mut sum = vec![0.0; self.table.dim];
        for (row, weight) in grams(&self.grams, self.seed, folding, text) {
            self.table.row(row).add_to(weight, &mut sum);
        }
        for (out, row) in out.iter_mut().zip(self.map.iter()) {
            *out = row.dot(&sum);
        }
        super::normalise_l2(out);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GRAMS: TextSpec = TextSpec {
        dim: 3,
        min_n: 2,
        max_n: 4,
    };

    #[test]
    fn parts_that_do_not_fit_make_no_student() {
        let rows = |dim: usize, count: usize| LevelRows::quantised(dim, &vec![1.0; dim * count]);
        assert!(Student::new(GRAMS, 1, rows(2, 3), rows(2, 5)).is_some());
        assert!(Student::new(GRAMS, 1, rows(2, 4), rows(2, 5)).is_none());
        assert!(Student::new(GRAMS, 1, rows(2, 3), rows(3, 5)).is_none());
        for (min_n, max_n) in [(0, 4), (5, 4), (2, 17), (2, u32::MAX)] {
            let grams = TextSpec { min_n, max_n, ..GRAMS };
            assert!(
                Student::new(grams, 1, rows(2, 3), rows(2, 5)).is_none(),
                "{min_n} to {max_n}"
            );
        }
        for (dim, levels, scales) in [(0, 0, 0), (2, 3, 1), (2, 4, 1), (2, 2, 2)] {
            assert_eq!(LevelRows::new(dim, vec![0; levels], vec![0.0; scales]), None);
        }
        assert_eq!(LevelRows::new(1, vec![1], vec![f32::NAN]), None);
    }

    #[test]
    fn a_text_without_a_word_gives_zeros() {
        let table = LevelRows::quantised(1, &[1.0, 2.0, 3.0]);
        let student = Student::new(GRAMS, 1, table, LevelRows::quantised(1, &[1.0, 1.0])).unwrap();
        let mut out = [7.0; 2];
        student.encode(Folding::current(), " … ", &mut out);
        assert_eq!(out, [0.0; 2]);
        assert!(grams(&GRAMS, 1, Folding::current(), " … ").is_empty());
    }
}
