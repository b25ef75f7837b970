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

    /// Puts a row in; one past the end cannot be.
    pub fn insert(&mut self, row: usize) {
        if row < self.rows {
            self.words[row / 64] |= 1 << (row % 64);
        }
    }

    /// Takes a row out; one past the end is not in.
    pub fn remove(&mut self, row: usize) {
        if row < self.rows {
            self.words[row / 64] &= !(1 << (row % 64));
        }
    }

    /// These rows and more, as a set of `0..rows`.
    #[must_use]
    pub fn with(&self, rows: usize, more: impl Iterator<Item = usize>) -> RowSet {
        let mut words = self.words.clone();
        words.resize(rows.div_ceil(64), 0);
        for row in more.filter(|row| *row < rows) {
            words[row / 64] |= 1 << (row % 64);
        }
        RowSet { words, rows }
    }

    /// The rows that are in both.
    #[must_use]
    pub fn and(&self, other: &RowSet) -> RowSet {
        RowSet {
            words: self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect(),
            rows: self.rows.min(other.rows),
        }
    }

    /// The rows of the set, rising.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(64 * at + bit)
            })
        })
    }

    /// How many rows are in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_lists_what_it_contains(rows in prop::collection::btree_set(0_usize..300, 0..200), count in 0_usize..300) {
            let set = RowSet::new(count, |row| rows.contains(&row));
            let listed: Vec<usize> = set.iter().collect();
            prop_assert_eq!(&listed, &rows.into_iter().filter(|row| *row < count).collect::<Vec<_>>());
            prop_assert!(listed.iter().all(|row| set.contains(*row)));
            prop_assert_eq!(listed.len(), set.count());
        }
    }
}
