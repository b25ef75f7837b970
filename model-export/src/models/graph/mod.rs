//! A linear filter over the graph of users and items, in closed form: what a user found relevant is smoothed over the
//! graph, the broad tastes of the catalogue are added, and what spread too far is sharpened away.
//!
//! With `N = D_users^-½ R D_items^-½` and `P = NᵀN`, a user's row `r` of `R` scores `e^(−t P) (r P + w · r D^-½ V Vᵀ D^½)`,
//! where the columns of `V` are the leading right singular vectors of `N`.
//!
//! - Shen et al.: *How Powerful is Graph Convolution for Recommendation?*, 2021 (GF-CF): `t = 0`.
//! - Choi et al.: *Blurring-Sharpening Process Models for Collaborative Filtering*, 2023: sharpening; one step of
//!   Runge-Kutta, as there, is the Taylor series of the exponential up to the fourth power.

mod normal;
mod spectral;

use normal::{LANES, Normal};
use spectral::leading;

use super::Model;
use crate::Error;
use crate::factors::Ones;
use crate::linear::Packed;

/// Terms of the exponential's series.
const TERMS: usize = 4;

/// How to filter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GraphConfig {
    /// Singular vectors of the broad tastes; 0 leaves them out.
    pub rank: usize,
    /// `w`: weight of the broad tastes, at least 0.
    pub low_pass: f32,
    /// `t`: how long to sharpen, at least 0; above 4 the series is no longer near the exponential.
    pub sharpen: f32,
    /// Sweeps of the search for singular vectors.
    pub sweeps: usize,
    /// Seed of where that search begins.
    pub seed: u64,
}

/// The filter of one matrix of interactions.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphFilter {
    normal: Normal,
    /// `D^-½ V`, a row for each item.
    into: Vec<f32>,
    /// `w Vᵀ D^½`.
    back: Packed,
    rank: usize,
    sharpen: f32,
}

impl GraphFilter {
    /// Of `ones`. `progress` is told after each sweep.
    ///
    /// # Errors
    /// [`Error::ConfigInvalid`] for a setting out of its range, [`Error::TrainingDiverged`] where no singular vectors
    /// are found.
    pub fn of(ones: &Ones, config: &GraphConfig, progress: impl FnMut(usize)) -> Result<GraphFilter, Error> {
        let fits = |value: f32, most: f32| (0.0..=most).contains(&value);
        if !fits(config.low_pass, 100.0) || !fits(config.sharpen, 4.0) || config.rank > 4096 {
            return Err(Error::ConfigInvalid {
                option: "graph".to_owned(),
                reason: "--dim must be in 0..=4096, --low-pass in 0..=100, --sharpen in 0..=4".to_owned(),
            });
        }
        let normal = Normal::of(ones);
        let rank = match config.low_pass > 0.0 {
            true => config.rank.min(ones.columns()).min(ones.rows()),
            false => 0,
        };
        let vectors = leading(&normal, rank, config.sweeps, config.seed, progress)?;
        let scaled = |scale: &dyn Fn(usize) -> f32| -> Vec<f32> {
            let rows = vectors.chunks_exact(rank.max(1)).enumerate();
            rows.flat_map(|(item, row)| row.iter().map(move |v| (item, v)))
                .map(|(item, v)| v * scale(item))
                .collect()
        };
        let root = |item: usize| match normal.item_scale(item) {
            scale if scale > 0.0 => config.low_pass / scale,
            _ => 0.0,
        };
        Ok(GraphFilter {
            into: scaled(&|item| normal.item_scale(item)),
            back: Packed::transposed(&scaled(&root), rank),
            normal,
            rank,
            sharpen: config.sharpen,
        })
    }
}

impl Model for GraphFilter {
    fn scores(&self, users: &[u32], out: &mut [f32]) {
        let items = self.normal.items();
        if items == 0 {
            return;
        }
        let mut tastes = vec![0.0; users.len() * self.rank];
        for (user, taste) in users.iter().zip(tastes.chunks_exact_mut(self.rank.max(1))) {
            for item in self.normal.row(*user) {
                let row = &self.into[*item as usize * self.rank..(*item as usize + 1) * self.rank];
                taste.iter_mut().zip(row).for_each(|(t, v)| *t += v);
            }
        }
        out.fill(0.0);
        self.back.add_product(&tastes, out);
        for (users, out) in users.chunks(LANES).zip(out.chunks_mut(LANES * items)) {
            let mut all = self.normal.smoothed(users);
            for (lane, row) in out.chunks_exact(items).enumerate() {
                all.iter_mut().zip(row).for_each(|(all, v)| all[lane] += v);
            }
            if self.sharpen > 0.0 {
                // Horner's rule: x − t P (x − t/2 P (x − t/3 P (…))).
                let mut inner = all.clone();
                for term in (1..=TERMS).rev() {
                    let spread = self.normal.smooth(&inner);
                    let step = self.sharpen / term as f32;
                    for ((inner, all), spread) in inner.iter_mut().zip(&all).zip(&spread) {
                        (0..LANES).for_each(|lane| inner[lane] = all[lane] - step * spread[lane]);
                    }
                }
                all = inner;
            }
            for (lane, row) in out.chunks_exact_mut(items).enumerate() {
                row.iter_mut().zip(&all).for_each(|(v, all)| *v = all[lane]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
