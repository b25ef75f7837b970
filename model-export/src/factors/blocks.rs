//! Rows dealt into blocks at random, so that descent on all cores has no race: at any moment each block of users meets
//! another block of items (Gemulla et al. 2011).

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Blocks on each side. Fixed, so that the number of threads changes nothing.
pub(crate) const BLOCKS: usize = 8;

/// Which row lies where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Deal {
    /// Block and place of each row.
    places: Vec<(u8, u32)>,
    /// Rows of each block.
    rows: Vec<Vec<u32>>,
}

impl Deal {
    /// Deals `count` rows. At random, as ids may have a pattern of their own.
    pub(crate) fn new(count: usize, seed: u64) -> Deal {
        let mut order: Vec<u32> = (0..count as u32).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut places = vec![(0, 0); count];
        let mut rows = vec![Vec::new(); BLOCKS];
        for (i, row) in order.into_iter().enumerate() {
            let block = i % BLOCKS;
            places[row as usize] = (block as u8, rows[block].len() as u32);
            rows[block].push(row);
        }
        Deal { places, rows }
    }

    /// Block and place in it of a row.
    pub(crate) fn place(&self, row: usize) -> (usize, usize) {
        let (block, place) = self.places[row];
        (usize::from(block), place as usize)
    }

    /// Rows of a block, by place.
    pub(crate) fn rows(&self, block: usize) -> &[u32] {
        &self.rows[block]
    }

    /// The values of each block's rows.
    pub(crate) fn blocks(&self, values: &[f32], dim: usize) -> Vec<Vec<f32>> {
        let of = |rows: &Vec<u32>| {
            let rows = rows
                .iter()
                .flat_map(|row| &values[*row as usize * dim..(*row as usize + 1) * dim]);
            rows.copied().collect()
        };
        self.rows.iter().map(of).collect()
    }

    /// Back in their order.
    pub(crate) fn gather(&self, blocks: &[Vec<f32>], dim: usize, values: &mut [f32]) {
        for (row, target) in values.chunks_exact_mut(dim).enumerate() {
            let (block, place) = self.place(row);
            target.copy_from_slice(&blocks[block][place * dim..(place + 1) * dim]);
        }
    }
}
