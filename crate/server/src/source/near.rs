//! Near what was liked: item vectors with the largest inner product with the latest relevant videos' mean.

use upnext_core::block::source::CONTENT;

use super::{Ask, Candidate};
use crate::account::Past;
use crate::vector_index::SearchError;

/// Videos whose mean is taken: the latest.
const LATEST: usize = 10;

/// The videos nearest to the account's latest relevant ones, these left out; none for an account without any.
///
/// # Errors
/// Those of [`VectorIndex::search`](crate::vector_index::VectorIndex::search).
pub fn candidates(ask: &Ask<'_>, past: &Past) -> Result<Vec<Candidate>, SearchError> {
    let latest = &past.liked[..past.liked.len().min(LATEST)];
    let mut mean = vec![0.0_f32; ask.stock.catalogue.vectors.dim()];
    for vector in latest.iter().filter_map(|(row, _)| ask.stock.vector(*row)) {
        mean.iter_mut()
            .zip(vector)
            .for_each(|(sum, value)| *sum += value / latest.len() as f32);
    }
    if mean.iter().all(|value| *value == 0.0) {
        return Ok(Vec::new());
    }
    let rows: Vec<usize> = latest.iter().map(|(row, _)| *row).collect();
    let allowed = ask.allowed.without(&rows);
    let hits = ask.stock.nearest_vectors(&mean, ask.size, &allowed)?;
    Ok(hits
        .into_iter()
        .map(|hit| Candidate {
            row: hit.row,
            sources: CONTENT,
            score: hit.score,
        })
        .collect())
}
