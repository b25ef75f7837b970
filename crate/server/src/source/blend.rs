//! Blending: each source has a quota, each video comes once, with the bits of every source that named it.

use super::Candidate;
use crate::row_hash::RowMap;

/// What a source offers, and how many places it has for itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Candidates, best first.
    pub candidates: Vec<Candidate>,
    /// Places that nobody takes from it while it has candidates for them.
    pub quota: usize,
}

/// The first `size` distinct videos: from each part in turn as many as its quota, then, part by part, whatever else
/// they offer until all places are taken. A video keeps the place and score of the part that brought it, and gets
/// the bits of all that named it.
#[must_use]
pub fn blend(parts: &[Part], size: usize) -> Vec<Candidate> {
    let offered: usize = parts.iter().map(|part| part.candidates.len()).sum();
    let most = size.min(offered);
    let mut blended: Vec<Candidate> = Vec::with_capacity(most);
    let mut places: RowMap<usize> = RowMap::with_capacity_and_hasher(most, Default::default());
    let mut rests = Vec::with_capacity(parts.len());
    for part in parts {
        let mut rest = part.candidates.iter();
        let mut left = part.quota.min(size - blended.len());
        while left > 0 {
            let Some(candidate) = rest.next() else { break };
            left -= usize::from(take(*candidate, &mut blended, &mut places));
        }
        rests.push(rest);
    }
    for candidate in rests.into_iter().flatten() {
        if blended.len() == size {
            break;
        }
        take(*candidate, &mut blended, &mut places);
    }
    for candidate in parts.iter().flat_map(|part| &part.candidates) {
        if let Some(place) = places.get(&candidate.row) {
            blended[*place].sources |= candidate.sources;
        }
    }
    blended
}

/// Whether the video is new to the list; if so, it is in it now.
fn take(candidate: Candidate, blended: &mut Vec<Candidate>, places: &mut RowMap<usize>) -> bool {
    let is_new = !places.contains_key(&candidate.row);
    if is_new {
        places.insert(candidate.row, blended.len());
        blended.push(candidate);
    }
    is_new
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(bit: u32, rows: &[u32], quota: usize) -> Part {
        let candidates = rows
            .iter()
            .map(|row| Candidate {
                row: *row,
                sources: bit,
                score: 100.0 * bit as f32 - *row as f32,
            })
            .collect();
        Part { candidates, quota }
    }

    fn rows(blended: &[Candidate]) -> Vec<u32> {
        blended.iter().map(|candidate| candidate.row).collect()
    }

    #[test]
    fn quotas_first_then_whatever_is_left_in_order() {
        let parts = [
            part(1, &[1, 2, 3, 4], 2),
            part(2, &[2, 9, 8], 1),
            part(4, &[7, 1, 6], 0),
        ];
        assert_eq!(rows(&blend(&parts, 3)), [1, 2, 9]);
        assert_eq!(rows(&blend(&parts, 6)), [1, 2, 9, 3, 4, 8]);
        assert_eq!(rows(&blend(&parts, 99)), [1, 2, 9, 3, 4, 8, 7, 6]);
        assert!(blend(&parts, 0).is_empty());
    }

    proptest! {
        #[test]
        fn each_video_once_with_all_its_bits_and_no_quota_is_taken_away(
            a in prop::collection::btree_set(0_u32..40, 0..30),
            b in prop::collection::btree_set(0_u32..40, 0..30),
            quotas in (0_usize..20, 0_usize..20),
            more in 0_usize..40,
        ) {
            let (a, b): (Vec<u32>, Vec<u32>) = (a.into_iter().collect(), b.into_iter().rev().collect());
            let size = quotas.0 + quotas.1 + more;
            let blended = blend(&[part(1, &a, quotas.0), part(4, &b, quotas.1)], size);
            let mut distinct = rows(&blended);
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), blended.len());
            let all: std::collections::BTreeSet<u32> = a.iter().chain(&b).copied().collect();
            prop_assert_eq!(blended.len(), size.min(all.len()));
            for candidate in &blended {
                let bits = u32::from(a.contains(&candidate.row)) | (u32::from(b.contains(&candidate.row)) << 2);
                prop_assert_eq!(candidate.sources, bits);
            }
            let of = |bit: u32| blended.iter().filter(|candidate| candidate.sources & bit != 0).count();
            prop_assert!(of(1) >= quotas.0.min(a.len()));
            prop_assert!(of(4) >= quotas.1.min(b.len()));
        }
    }
}
