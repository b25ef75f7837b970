//! Leading singular vectors of a large sparse matrix, by subspace iteration from a random start (Halko, Martinsson and
//! Tropp: *Finding Structure with Randomness*, 2011).

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::normal::Normal;
use crate::Error;
use crate::linear::{Eigen, Packed, gram};

/// Directions beyond those that are wanted: they take up what the last wanted ones would be disturbed by.
const SPARE: usize = 16;

/// Eigenvalues below this share of the greatest are noise of f32.
const NOISE: f64 = 1e-10;

/// Leading eigenvectors of `P = NᵀN`, as columns of a row-major matrix with a row for each item. Their order is open: what
/// they are for is the space that they span.
///
/// # Errors
/// [`Error::TrainingDiverged`] where the iteration leaves the finite numbers.
pub(super) fn leading(
    normal: &Normal,
    rank: usize,
    sweeps: usize,
    seed: u64,
    mut progress: impl FnMut(usize),
) -> Result<Vec<f32>, Error> {
    if rank == 0 {
        return Ok(Vec::new());
    }
    let width = (rank + SPARE).min(normal.items());
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let start: Vec<f32> = (0..normal.items() * width)
        .map(|_| StandardNormal.sample(&mut rng))
        .collect();
    let mut basis = orthonormal(&normal.spread(&start, width), width, width)?;
    for sweep in 1..=sweeps {
        let kept = if sweep == sweeps { rank } else { width };
        basis = orthonormal(&normal.spread(&basis, width), width, kept)?;
        progress(sweep);
    }
    Ok(basis)
}

/// An orthonormal basis of what the columns span, the `kept` directions in which they are longest. After a product
/// of `P` with an orthonormal basis those are the ones of its greatest eigenvalues.
fn orthonormal(y: &[f32], width: usize, kept: usize) -> Result<Vec<f32>, Error> {
    let diverged = || Error::TrainingDiverged {
        step: "graph filter",
        at: "the search for singular vectors".to_owned(),
    };
    let eigen = Eigen::of(gram(y, width), width).ok_or_else(diverged)?;
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|a, b| eigen.values[*b].total_cmp(&eigen.values[*a]).then(a.cmp(b)));
    let least = eigen.values[order[0]].max(0.0) * NOISE;
    let rotation: Vec<f32> = order[..kept]
        .iter()
        .flat_map(|k| {
            let value = eigen.values[*k];
            // A direction that is not there stays empty.
            let scale = if value > least { value.sqrt().recip() } else { 0.0 };
            eigen.vectors[k * width..(k + 1) * width]
                .iter()
                .map(move |v| (v * scale) as f32)
        })
        .collect();
    Ok(Packed::transposed(&rotation, width).product(y))
}
