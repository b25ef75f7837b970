//! A search made again by hand: how much of the truth the index finds, sampled while it serves.

use std::collections::BTreeSet;

use crate::stock::Stock;
use crate::vector_index::{RowSet, SearchError, VectorIndex, inner_product};

/// Of the `k` rows that truly have the largest inner product with the factor: how many there are, and how many of
/// them the index finds.
///
/// # Errors
/// Those of the index.
pub fn sample(stock: &Stock<'_>, factor: &[f32], k: usize) -> Result<(usize, usize), SearchError> {
    let catalogue = stock.catalogue;
    let allowed: RowSet = stock.visible();
    let index = &catalogue.factor_index;
    let found: BTreeSet<u32> = stock
        .nearest_factors(factor, k, &allowed)?
        .into_iter()
        .map(|hit| hit.row)
        .collect();
    // Videos that arrived since are scored one by one in any case: the question is about the bundle's rows.
    let mut truth: Vec<(f32, u32)> = (0..index.rows())
        .filter(|row| allowed.contains(*row) && catalogue.warm.contains(*row))
        .filter_map(|row| Some((inner_product(factor, index.row(row)?), row as u32)))
        .collect();
    let added = found.iter().filter(|row| **row as usize >= index.rows()).count();
    let wanted = k.saturating_sub(added);
    if wanted < truth.len() {
        truth.select_nth_unstable_by(wanted, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        truth.truncate(wanted);
    }
    let hits = truth.iter().filter(|(_, row)| found.contains(row)).count();
    Ok((truth.len(), hits))
}
