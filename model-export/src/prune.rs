//! The server's pruning of the catalogue, on tables: what training and evaluation ask of it.

use crate::towers::QuantRows;

/// Candidates that the server sends.
pub const CANDIDATES: usize = 500;

/// Inner product of a query with a row of `table`.
#[must_use]
pub fn score(table: &QuantRows, query: &[f32], video: u32) -> f32 {
    let start = video as usize * table.dim;
    let row = table.values.get(start..start + table.dim).unwrap_or(&[]);
    query.iter().zip(row).map(|(q, v)| q * v).sum()
}

/// The [`CANDIDATES`] best rows of a table for a query, best first, ties by row; rows of zeros, of which
/// nothing is known, are left out.
#[must_use]
pub fn nearest(table: &QuantRows, query: &[f32]) -> Vec<u32> {
    best(
        (0..table.len() as u32)
            .filter(|row| table.scales[*row as usize] > 0.0)
            .map(|row| (score(table, query, row), row)),
    )
}

/// The [`CANDIDATES`] rows of the highest score, best first, ties by row.
#[must_use]
pub fn best(scored: impl Iterator<Item = (f32, u32)>) -> Vec<u32> {
    let mut rows: Vec<(f32, u32)> = scored.collect();
    let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if rows.len() > CANDIDATES {
        rows.select_nth_unstable_by(CANDIDATES, order);
        rows.truncate(CANDIDATES);
    }
    rows.sort_unstable_by(order);
    rows.into_iter().map(|(_, row)| row).collect()
}
