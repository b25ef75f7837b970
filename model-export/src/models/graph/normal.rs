//! Interactions divided by the square roots of both ends' degrees, and products with them.

use crate::factors::Ones;

/// Rows that one product carries: they share what is read of the graph.
pub(super) const LANES: usize = 8;

/// One value for each of the rows.
pub(super) type Lanes = [f32; LANES];

/// `N = D_users^-½ R D_items^-½`; who has nothing is 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Normal {
    by_user: Ones,
    by_item: Ones,
    user_scale: Vec<f32>,
    item_scale: Vec<f32>,
}

impl Normal {
    /// Of the ones, whatever their confidence.
    pub(super) fn of(ones: &Ones) -> Normal {
        let by_item = ones.transposed();
        Normal {
            user_scale: scales(ones),
            item_scale: scales(&by_item),
            by_user: ones.clone(),
            by_item,
        }
    }

    /// Number of items.
    pub(super) fn items(&self) -> usize {
        self.item_scale.len()
    }

    /// Number of users.
    pub(super) fn users(&self) -> usize {
        self.user_scale.len()
    }

    /// Items of a user.
    pub(super) fn row(&self, user: u32) -> &[u32] {
        self.by_user.row(user as usize)
    }

    /// One by the square root of an item's users; 0 where it has none.
    pub(super) fn item_scale(&self, item: usize) -> f32 {
        self.item_scale[item]
    }

    /// `r P` of the rows `r` of at most [`LANES`] users, by the few that the graph joins to them.
    pub(super) fn smoothed(&self, users: &[u32]) -> Vec<Lanes> {
        let mut all = vec![[0.0; LANES]; self.items()];
        let mut near = vec![0.0_f32; self.users()];
        for (lane, user) in users.iter().take(LANES).enumerate() {
            let mut touched = Vec::new();
            for item in self.row(*user) {
                for other in self.by_item.row(*item as usize) {
                    let near = &mut near[*other as usize];
                    if *near == 0.0 {
                        touched.push(*other);
                    }
                    *near += self.item_scale[*item as usize];
                }
            }
            for other in touched {
                let scale = self.user_scale[other as usize];
                let weight = std::mem::take(&mut near[other as usize]) * scale * scale;
                for item in self.row(other) {
                    all[*item as usize][lane] += weight;
                }
            }
        }
        for (all, scale) in all.iter_mut().zip(&self.item_scale) {
            all.iter_mut().for_each(|v| *v *= scale);
        }
        all
    }

    /// `x P` of dense rows.
    pub(super) fn smooth(&self, x: &[Lanes]) -> Vec<Lanes> {
        let scaled: Vec<Lanes> = x.iter().zip(&self.item_scale).map(|(x, s)| x.map(|v| v * s)).collect();
        let users: Vec<Lanes> = (0..self.users())
            .map(|user| {
                sum(
                    &scaled,
                    self.by_user.row(user),
                    self.user_scale[user] * self.user_scale[user],
                )
            })
            .collect();
        (0..self.items())
            .map(|item| sum(&users, self.by_item.row(item), self.item_scale[item]))
            .collect()
    }

    /// `P y` of a row-major matrix with a row for each item and `width` columns, on all cores.
    pub(super) fn spread(&self, y: &[f32], width: usize) -> Vec<f32> {
        let users = product(&self.by_user, y, width, &self.user_scale, &self.item_scale);
        product(&self.by_item, &users, width, &self.item_scale, &self.user_scale)
    }
}

/// One by the square root of each row's ones.
fn scales(ones: &Ones) -> Vec<f32> {
    (0..ones.rows())
        .map(|row| match ones.row(row).len() {
            0 => 0.0,
            count => 1.0 / (count as f32).sqrt(),
        })
        .collect()
}

/// The sum of some rows, times `scale`.
fn sum(rows: &[Lanes], of: &[u32], scale: f32) -> Lanes {
    let mut sum = [0.0; LANES];
    for row in of {
        let row = &rows[*row as usize];
        (0..LANES).for_each(|lane| sum[lane] += row[lane]);
    }
    sum.map(|v| v * scale)
}

/// `diag(outer) · ones · diag(inner) · y`.
fn product(ones: &Ones, y: &[f32], width: usize, outer: &[f32], inner: &[f32]) -> Vec<f32> {
    use rayon::prelude::*;
    let mut out = vec![0.0_f32; ones.rows() * width];
    out.par_chunks_exact_mut(width.max(1))
        .enumerate()
        .for_each(|(row, out)| {
            for column in ones.row(row) {
                let column = *column as usize;
                let factor = outer[row] * inner[column];
                let y = &y[column * width..(column + 1) * width];
                out.iter_mut().zip(y).for_each(|(o, y)| *o += factor * y);
            }
        });
    out
}
