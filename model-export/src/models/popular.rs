//! How many found an item relevant: the same order for everybody.

use super::Model;
use crate::factors::Ones;

/// Counts of items.
#[derive(Debug, Clone, PartialEq)]
pub struct Popular {
    counts: Vec<f32>,
}

impl Popular {
    /// Of users × items.
    #[must_use]
    pub fn of(ones: &Ones) -> Popular {
        let mut counts = vec![0.0; ones.columns()];
        for user in 0..ones.rows() {
            ones.row(user).iter().for_each(|item| counts[*item as usize] += 1.0);
        }
        Popular { counts }
    }
}

impl Model for Popular {
    fn scores(&self, _users: &[u32], out: &mut [f32]) {
        out.chunks_exact_mut(self.counts.len().max(1))
            .for_each(|row| row.copy_from_slice(&self.counts));
    }
}
