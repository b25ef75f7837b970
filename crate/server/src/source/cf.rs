//! Collaborative filtering: the videos whose factors have the largest inner product with the account's.

use upnext_core::block::source::CF;

use super::{Ask, Candidate};
use crate::vector_index::SearchError;

/// The best videos for an account's factor, best first, ties by row.
///
/// Videos without a factor (nobody had watched them when the factors were learnt) are left out: an inner
/// product of zero would say something about them, and nothing is known. An account without a factor gets none.
///
/// # Errors
/// Those of [`VectorIndex::search`](crate::vector_index::VectorIndex::search); none for a factor of this bundle.
pub fn candidates(ask: &Ask<'_>, factor: &[f32]) -> Result<Vec<Candidate>, SearchError> {
    if factor.iter().all(|value| *value == 0.0) {
        return Ok(Vec::new());
    }
    let hits = ask.stock.nearest_factors(factor, ask.size, ask.allowed)?;
    Ok(hits
        .into_iter()
        .map(|hit| Candidate {
            row: hit.row,
            sources: CF,
            score: hit.score,
        })
        .collect())
}
