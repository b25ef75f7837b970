//! EASE (Steck 2019): the item-item weights with a zero diagonal that reproduce each user's items best, in closed form.

use rayon::prelude::*;

use super::Model;
use crate::Error;
use crate::factors::Ones;
use crate::linear::invert;

/// More items than this need more memory than their weights are worth: 1.6 GB twice.
pub const EASE_MAX_ITEMS: usize = 20_000;

/// Dense item-item weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Ease {
    pub(super) ones: Ones,
    /// Row `i` is what having `i` adds to each item.
    pub(super) weights: Vec<f32>,
}

impl Ease {
    /// `B = 1 − P / diag(P)`, `P = (XᵀX + l2)⁻¹`.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`] for more than [`EASE_MAX_ITEMS`] items or an `l2` that is not above 0,
    /// [`Error::TrainingDiverged`] where the inverse leaves the finite numbers.
    pub fn of(ones: &Ones, l2: f32) -> Result<Ease, Error> {
        let items = ones.columns();
        let invalid = |option: &str, reason: String| Error::ConfigInvalid {
            option: option.to_owned(),
            reason,
        };
        if items > EASE_MAX_ITEMS {
            return Err(invalid(
                "--model ease",
                format!("{items} items; at most {EASE_MAX_ITEMS}"),
            ));
        }
        if !(l2 > 0.0 && l2.is_finite()) {
            return Err(invalid("--reg", format!("{l2} must be above 0")));
        }
        let by_item = ones.transposed();
        let mut weights = vec![0.0_f32; items * items];
        weights
            .par_chunks_mut(items.max(1))
            .enumerate()
            .for_each(|(item, row)| {
                for user in by_item.row(item) {
                    ones.row(*user as usize)
                        .iter()
                        .for_each(|other| row[*other as usize] += 1.0);
                }
                row[item] += l2;
            });
        if !invert(&mut weights, items) {
            return Err(Error::TrainingDiverged {
                step: "EASE",
                at: "the inverse; raise --reg".to_owned(),
            });
        }
        let diagonal: Vec<f32> = (0..items).map(|i| -1.0 / weights[i * items + i]).collect();
        weights
            .par_chunks_mut(items.max(1))
            .enumerate()
            .for_each(|(item, row)| {
                row.iter_mut().zip(&diagonal).for_each(|(w, d)| *w *= d);
                row[item] = 0.0;
            });
        Ok(Ease {
            ones: ones.clone(),
            weights,
        })
    }
}

impl Model for Ease {
    fn scores(&self, users: &[u32], out: &mut [f32]) {
        let items = self.ones.columns();
        for (user, row) in users.iter().zip(out.chunks_exact_mut(items.max(1))) {
            row.fill(0.0);
            for seen in self.ones.row(*user as usize) {
                let weights = &self.weights[*seen as usize * items..(*seen as usize + 1) * items];
                row.iter_mut().zip(weights).for_each(|(score, w)| *score += w);
            }
        }
    }
}
