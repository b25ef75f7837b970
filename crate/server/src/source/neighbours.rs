//! Neighbours: what those found relevant who found relevant what the account found relevant.

use std::collections::BTreeMap;

use upnext_core::block::source::NEIGHBOUR;

use super::{Ask, Candidate};

/// Videos of the account that neighbours are looked for by: the latest.
pub const LATEST: usize = 10;

/// The finds of neighbours, by falling weight, ties by row. `finds`: for each neighbour the number of videos that
/// both found relevant, and what they found relevant.
///
/// A neighbour's vote weighs what they share, over the root of how much they found: who likes everything says little.
#[must_use]
pub fn candidates(ask: &Ask<'_>, finds: &[(usize, Vec<String>)]) -> Vec<Candidate> {
    let mut votes: BTreeMap<usize, f32> = BTreeMap::new();
    for (shared, videos) in finds {
        let weight = *shared as f32 / (videos.len().max(1) as f32).sqrt();
        for row in videos
            .iter()
            .filter_map(|id| ask.stock.row_of(id))
            .filter(|row| ask.allowed.contains(*row))
        {
            *votes.entry(row).or_default() += weight;
        }
    }
    let mut candidates: Vec<Candidate> = votes
        .into_iter()
        .map(|(row, score)| Candidate {
            row: row as u32,
            sources: NEIGHBOUR,
            score,
        })
        .collect();
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    candidates.truncate(ask.size);
    candidates
}
