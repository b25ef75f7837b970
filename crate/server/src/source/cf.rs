//! Collaborative filtering: the videos whose factors have the largest inner product with the account's.

use upnext_core::Error;
use upnext_core::block::source::CF;

use super::Candidate;
use crate::catalogue::Catalogue;
use crate::vector_index::VectorIndex;

/// The best `size` videos for an account's factor, best first, ties by row.
///
/// Videos without a factor (nobody had watched them when the factors were learnt) are left out: an inner
/// product of zero would say something about them, and nothing is known. An account without a factor gets none.
///
/// # Errors
/// Those of [`VectorIndex::search`]; none for a factor of this catalogue's accounts.
pub fn candidates(catalogue: &Catalogue, factor: &[f32], size: usize) -> Result<Vec<Candidate>, Error> {
    if factor.iter().all(|value| *value == 0.0) {
        return Ok(Vec::new());
    }
    let hits = catalogue.factor_index.search(factor, size, Some(&catalogue.warm))?;
    Ok(hits
        .into_iter()
        .map(|hit| Candidate {
            row: hit.row,
            sources: CF,
            score: hit.score,
        })
        .collect())
}
