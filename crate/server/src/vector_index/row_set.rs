//! A set of rows as bits: the filter of a search.

use std::sync::Arc;

/// A set of rows `0..rows`.
///
/// Sets that differ in few rows share their bits ([`RowSet::without`]): a request bars some dozen videos out of a million, and
/// a copy of all bits for each would be most of what it writes to memory.
#[derive(Debug, Clone)]
pub struct RowSet {
    words: Arc<Vec<u64>>,
    rows: usize,
    /// Rows that have a bit and are not in the set, rising.
    barred: Vec<u32>,
}

impl RowSet {
    /// The rows of `0..rows` for which `keep` says yes.
    pub fn new(rows: usize, mut keep: impl FnMut(usize) -> bool) -> RowSet {
        let mut words = vec![0; rows.div_ceil(64)];
        for row in (0..rows).filter(|row| keep(*row)) {
            words[row / 64] |= 1 << (row % 64);
        }
        RowSet::of(words, rows)
    }

    fn of(words: Vec<u64>, rows: usize) -> RowSet {
        RowSet {
            words: Arc::new(words),
            rows,
            barred: Vec::new(),
        }
    }

    /// Whether the row is in the set; rows past the end are not.
    #[must_use]
    #[inline]
    pub fn contains(&self, row: usize) -> bool {
        row < self.rows && self.words[row / 64] >> (row % 64) & 1 == 1 && !self.bars(row)
    }

    #[inline]
    fn bars(&self, row: usize) -> bool {
        !self.barred.is_empty() && self.barred.binary_search(&(row as u32)).is_ok()
    }

    /// Puts a row in; one past the end cannot be.
    pub fn insert(&mut self, row: usize) {
        if row < self.rows {
            self.barred.retain(|barred| *barred as usize != row);
            Arc::make_mut(&mut self.words)[row / 64] |= 1 << (row % 64);
        }
    }

    /// Takes a row out; one past the end is not in.
    pub fn remove(&mut self, row: usize) {
        if row < self.rows {
            self.barred.retain(|barred| *barred as usize != row);
            Arc::make_mut(&mut self.words)[row / 64] &= !(1 << (row % 64));
        }
    }

    /// These rows but for a few, with the same bits in memory.
    ///
    /// ```
    /// use upnext_server::vector_index::RowSet;
    ///
    /// let all = RowSet::new(1_000_000, |_| true);
    /// let rest = all.without([7, 999_999, 2_000_000]);
    /// assert!(all.contains(7) && !rest.contains(7) && rest.contains(8));
    /// assert_eq!(rest.count(), 999_998);
    /// ```
    #[must_use]
    pub fn without(&self, rows: impl IntoIterator<Item = usize>) -> RowSet {
        let more = rows.into_iter().filter(|row| self.contains(*row)).map(|row| row as u32);
        let mut barred: Vec<u32> = self.barred.iter().copied().chain(more).collect();
        barred.sort_unstable();
        barred.dedup();
        RowSet {
            words: Arc::clone(&self.words),
            rows: self.rows,
            barred,
        }
    }

    /// These rows and more, as a set of `0..rows`.
    #[must_use]
    pub fn with(&self, rows: usize, more: impl Iterator<Item = usize>) -> RowSet {
        let mut words = self.whole_words();
        words.resize(rows.div_ceil(64), 0);
        for row in more.filter(|row| *row < rows) {
            words[row / 64] |= 1 << (row % 64);
        }
        RowSet::of(words, rows)
    }

    /// The rows that are in both.
    #[must_use]
    pub fn and(&self, other: &RowSet) -> RowSet {
        let (words, others) = (self.whole_words(), other.whole_words());
        let words = words.iter().zip(&others).map(|(a, b)| a & b).collect();
        RowSet::of(words, self.rows.min(other.rows))
    }

    /// Bits of the set itself.
    fn whole_words(&self) -> Vec<u64> {
        let mut words = self.words.to_vec();
        for row in &self.barred {
            words[*row as usize / 64] &= !(1 << (row % 64));
        }
        words
    }

    /// The rows of the set, rising.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let with_bit = self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(64 * at + bit)
            })
        });
        with_bit.filter(|row| !self.bars(*row))
    }

    /// How many rows are in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        let with_bit: usize = self.words.iter().map(|word| word.count_ones() as usize).sum();
        with_bit - self.barred.len()
    }
}

/// Sets are equal that hold the same rows of as many, however they keep them.
impl PartialEq for RowSet {
    fn eq(&self, other: &RowSet) -> bool {
        self.rows == other.rows && self.whole_words() == other.whole_words()
    }
}

impl Eq for RowSet {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// What may be done with a set.
    #[derive(Debug, Clone)]
    enum Step {
        Insert(usize),
        Remove(usize),
        Without(Vec<usize>),
        With(usize, Vec<usize>),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let some = || prop::collection::vec(0_usize..320, 0..20);
        let step = prop_oneof![
            (0_usize..320).prop_map(Step::Insert),
            (0_usize..320).prop_map(Step::Remove),
            some().prop_map(Step::Without),
            (0_usize..40, some()).prop_map(|(grown, rows)| Step::With(grown, rows)),
        ];
        prop::collection::vec(step, 0..12)
    }

    proptest! {
        /// Whatever is done with it, a set is the set of numbers that it stands for, and no other set changes with it.
        #[test]
        fn it_is_the_set_that_it_stands_for(
            rows in prop::collection::btree_set(0_usize..300, 0..200),
            mut count in 0_usize..300,
            steps in steps(),
            other in prop::collection::btree_set(0_usize..300, 0..200),
        ) {
            let first = RowSet::new(count, |row| rows.contains(&row));
            let mut plain: BTreeSet<usize> = rows.into_iter().filter(|row| *row < count).collect();
            let (mut set, before) = (first.clone(), plain.clone());
            for step in steps {
                match step {
                    Step::Insert(row) => {
                        set.insert(row);
                        plain.extend((row < count).then_some(row));
                    }
                    Step::Remove(row) => {
                        set.remove(row);
                        plain.remove(&row);
                    }
                    Step::Without(rows) => {
                        set = set.without(rows.iter().copied());
                        plain.retain(|row| !rows.contains(row));
                    }
                    Step::With(grown, rows) => {
                        count += grown;
                        set = set.with(count, rows.iter().copied());
                        plain.extend(rows.into_iter().filter(|row| *row < count));
                    }
                }
            }
            let listed: Vec<usize> = set.iter().collect();
            prop_assert_eq!(&listed, &plain.iter().copied().collect::<Vec<_>>());
            prop_assert!((0..count + 80).all(|row| set.contains(row) == plain.contains(&row)));
            prop_assert_eq!(listed.len(), set.count());
            prop_assert_eq!(&set, &RowSet::new(count, |row| plain.contains(&row)));
            prop_assert_eq!(first.iter().collect::<BTreeSet<_>>(), before);
            let both = set.and(&RowSet::new(300, |row| other.contains(&row)));
            prop_assert_eq!(both.iter().collect::<BTreeSet<_>>(), plain.intersection(&other).copied().collect());
        }
    }
}
