//! From an id to its row: a hash table of rows, whose ids lie elsewhere.
//!
//! A search by halves among a million ids looks at twenty rows and their texts, none of which a cache holds; this one looks at one
//! or two.

use std::hash::{BuildHasher, RandomState};

/// A slot without a row.
const FREE: u32 = u32::MAX;

/// Rows by the hash of their ids. Hashes are keyed by chance, so that nobody can choose ids that fall together.
#[derive(Debug, Clone)]
pub struct IdTable {
    /// A power of two of them, half of which are free at least. A row lies in the slot of its hash or in the next that was free.
    slots: Vec<u32>,
    keys: RandomState,
}

impl IdTable {
    /// Of rows `0..rows`, and how many of them have an id that an earlier one has: these are not in it.
    pub fn new<'a>(rows: usize, id: impl Fn(usize) -> &'a str) -> (IdTable, usize) {
        let mut table = IdTable {
            slots: vec![FREE; (2 * rows).next_power_of_two().max(2)],
            keys: RandomState::new(),
        };
        let mut twice = 0;
        for row in 0..rows {
            match table.find(id(row), &id) {
                Ok(_) => twice += 1,
                Err(slot) => table.slots[slot] = row as u32,
            }
        }
        (table, twice)
    }

    /// Row of an id; `of_row` gives the id of a row.
    pub fn row<'a>(&self, id: &str, of_row: impl Fn(usize) -> &'a str) -> Option<usize> {
        self.find(id, of_row).ok()
    }

    /// The id's row, or the free slot in which it would be.
    fn find<'a>(&self, id: &str, of_row: impl Fn(usize) -> &'a str) -> Result<usize, usize> {
        let last = self.slots.len() - 1;
        let mut slot = self.keys.hash_one(id) as usize & last;
        loop {
            match self.slots[slot] {
                FREE => return Err(slot),
                row if of_row(row as usize) == id => return Ok(row as usize),
                _ => slot = (slot + 1) & last,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// As a map of the first row of each id.
        #[test]
        fn it_finds_the_first_row_of_each_id(ids in prop::collection::vec("[ab]{0,4}", 0..60), asked in "[abc]{0,4}") {
            let (table, twice) = IdTable::new(ids.len(), |row| &ids[row]);
            let mut first = BTreeMap::new();
            for (row, id) in ids.iter().enumerate() {
                first.entry(id.as_str()).or_insert(row);
            }
            prop_assert_eq!(twice, ids.len() - first.len());
            for id in ids.iter().chain([&asked]) {
                prop_assert_eq!(table.row(id, |row| &ids[row]), first.get(id.as_str()).copied());
            }
        }
    }
}
