//! A set of rows as bits: the filter of a search.

/// A set of rows `0..rows`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
    rows: usize,
}

impl RowSet {
    /// The rows of `0..rows` for which `keep` says yes.
    pub fn new(rows: usize, mut keep: impl FnMut(usize) -> bool) -> RowSet {
        let mut words = vec![0; rows.div_ceil(64)];
        for row in (0..rows).filter(|row| keep(*row)) {
            words[row / 64] |= 1 << (row % 64);
        }
        RowSet { words, rows }
    }

    /// Whether the row is in the set; rows past the end are not.
    #[must_use]
    pub fn contains(&self, row: usize) -> bool {
        row < self.rows && self.words[row / 64] >> (row % 64) & 1 == 1
    }

    /// How many rows are in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }
}
