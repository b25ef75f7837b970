//! Item-item neighbours by cosine: an item scores the sum of its likeness to what the user found relevant.

use rayon::prelude::*;

use super::Model;
use crate::factors::Ones;

/// For each item, the items that have it among their neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemKnn {
    ones: Ones,
    starts: Vec<usize>,
    of: Vec<(u32, f32)>,
}

impl ItemKnn {
    /// The `neighbours` nearest of each item by `both / (√(a·b) + shrink)`, where `a`, `b` and `both` count who found the
    /// one, the other and both relevant. `shrink` doubts likeness that few vouch for.
    #[must_use]
    pub fn of(ones: &Ones, neighbours: usize, shrink: f32) -> ItemKnn {
        let by_item = ones.transposed();
        let items = ones.columns();
        let nearest: Vec<Vec<(u32, f32)>> = (0..items)
            .into_par_iter()
            .map_init(
                || vec![0.0_f32; items],
                |both, item| {
                    let mut touched = Vec::new();
                    for user in by_item.row(item) {
                        for other in ones.row(*user as usize) {
                            let count = &mut both[*other as usize];
                            if *count == 0.0 {
                                touched.push(*other);
                            }
                            *count += 1.0;
                        }
                    }
                    let own = by_item.row(item).len() as f32;
                    let mut likeness: Vec<(u32, f32)> = touched
                        .iter()
                        .filter(|other| **other as usize != item)
                        .map(|other| {
                            let scale = (own * by_item.row(*other as usize).len() as f32).sqrt() + shrink;
                            (*other, both[*other as usize] / scale)
                        })
                        .collect();
                    touched.iter().for_each(|other| both[*other as usize] = 0.0);
                    likeness.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                    likeness.truncate(neighbours);
                    likeness
                },
            )
            .collect();
        let mut starts = vec![0; items + 1];
        for (other, _) in nearest.iter().flatten() {
            starts[*other as usize + 1] += 1;
        }
        (0..items).for_each(|i| starts[i + 1] += starts[i]);
        let mut next = starts.clone();
        let mut of = vec![(0, 0.0); starts[items]];
        for (item, likeness) in nearest.iter().enumerate() {
            for (other, value) in likeness {
                of[next[*other as usize]] = (item as u32, *value);
                next[*other as usize] += 1;
            }
        }
        ItemKnn {
            ones: ones.clone(),
            starts,
            of,
        }
    }
}

impl Model for ItemKnn {
    fn scores(&self, users: &[u32], out: &mut [f32]) {
        let items = self.ones.columns();
        for (user, row) in users.iter().zip(out.chunks_exact_mut(items.max(1))) {
            row.fill(0.0);
            for seen in self.ones.row(*user as usize) {
                let from = *seen as usize;
                for (item, likeness) in &self.of[self.starts[from]..self.starts[from + 1]] {
                    row[*item as usize] += likeness;
                }
            }
        }
    }
}
