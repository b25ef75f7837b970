//! A search made again by hand: how much of the truth the index finds, sampled while it serves.

use std::collections::BTreeSet;

use crate::stock::Stock;
use crate::vector_index::{SearchError, VectorIndex, inner_product};

/// Rows that one sample looks at: some milliseconds of one processor, however many rows there are.
pub const STRETCH: usize = 1 << 16;

/// Of the rows that are truly no worse for the factor than the last of the `k` that the index finds: how many there are, and
/// how many of them it finds. Where it misses none, these are the best `k`.
///
/// One stretch of [`STRETCH`] rows is looked at, another each `turn`, so that a table that is larger is gone through by many
/// requests, and none of them is held up by it.
///
/// # Errors
/// Those of the index.
pub fn sample(stock: &Stock<'_>, factor: &[f32], k: usize, turn: u64) -> Result<(usize, usize), SearchError> {
    let catalogue = stock.catalogue;
    let allowed = stock.visible();
    let index = &catalogue.factor_index;
    let hits = stock.nearest_factors(factor, k, allowed)?;
    let found: BTreeSet<u32> = hits.iter().map(|hit| hit.row).collect();
    let last = hits.last().filter(|_| hits.len() == k);
    // Videos that arrived since are scored one by one in any case: the question is about the bundle's rows.
    let stretches = index.rows().div_ceil(STRETCH).max(1) as u64;
    let start = (turn % stretches) as usize * STRETCH;
    let rows = (start..index.rows().min(start + STRETCH))
        .filter(|row| allowed.with_factor().contains(*row))
        .filter_map(|row| Some((inner_product(factor, index.row(row)?), row as u32)));
    let (mut true_rows, mut found_rows) = (0, 0);
    for (score, row) in rows {
        let is_true = last.is_none_or(|last| score.total_cmp(&last.score).then(last.row.cmp(&row)).is_ge());
        true_rows += usize::from(is_true);
        found_rows += usize::from(is_true && found.contains(&row));
    }
    Ok((true_rows, found_rows))
}
