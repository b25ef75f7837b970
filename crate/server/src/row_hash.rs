//! Maps and sets by row, for one request.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map from rows. Looked up, never listed: its order is nobody's business.
pub type RowMap<T> = HashMap<u32, T, BuildHasherDefault<RowHasher>>;
/// A set of rows, likewise.
pub type Rows = HashSet<u32, BuildHasherDefault<RowHasher>>;

/// Hash of a row, or of another small number that this process gave out: one product. Nobody chooses such numbers, so that it
/// needs no key.
#[derive(Debug, Default, Clone, Copy)]
pub struct RowHasher(u64);

/// 2⁶⁴ over the golden ratio (Knuth, *The Art of Computer Programming* 3, 6.4).
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl Hasher for RowHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, row: u32) {
        let product = (self.0 ^ u64::from(row)).wrapping_mul(GOLDEN);
        // A table takes its place from the lowest bits, and the highest are the best.
        self.0 = product ^ (product >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_map_by_row_is_a_map(rows in prop::collection::vec(any::<u32>(), 0..200), asked: u32) {
            let map: RowMap<usize> = rows.iter().enumerate().map(|(place, row)| (*row, place)).collect();
            let last = |row: u32| rows.iter().rposition(|other| *other == row);
            prop_assert!(rows.iter().chain([&asked]).all(|row| map.get(row).copied() == last(*row)));
        }
    }

    /// Rows that follow each other, or in steps, fall on as many slots of a table as chance would have them fall on.
    #[test]
    fn rows_in_steps_do_not_fall_together() {
        for step in [1_u32, 2, 64, 1000, 1 << 12, 1 << 20] {
            let mut slots: Vec<u64> = (0..1024_u32)
                .map(|place| {
                    let mut hasher = RowHasher::default();
                    hasher.write_u32(place.wrapping_mul(step));
                    hasher.finish() & 2047
                })
                .collect();
            slots.sort_unstable();
            slots.dedup();
            // Chance fills 2048·(1 − e^−½) ≈ 806 of them.
            assert!(slots.len() > 600, "step {step}: {} slots", slots.len());
        }
    }
}
