//! Merging: sources in order of trust, each video once, with the bits of every source that named it.

use std::collections::BTreeMap;

use super::Candidate;

/// The first `size` distinct videos of the sources, taken source by source. A video keeps the place and
/// score of the first source that named it, and gets the bits of all.
#[must_use]
pub fn merge(sources: &[Vec<Candidate>], size: usize) -> Vec<Candidate> {
    let mut places: BTreeMap<u32, usize> = BTreeMap::new();
    let mut merged: Vec<Candidate> = Vec::new();
    for candidate in sources.iter().flatten() {
        if let Some(place) = places.get(&candidate.row) {
            merged[*place].sources |= candidate.sources;
        } else if merged.len() < size {
            places.insert(candidate.row, merged.len());
            merged.push(*candidate);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(bit: u32, rows: &[u32]) -> Vec<Candidate> {
        rows.iter()
            .map(|row| Candidate {
                row: *row,
                sources: bit,
                score: 100.0 * bit as f32 - *row as f32,
            })
            .collect()
    }

    proptest! {
        #[test]
        fn each_video_once_with_all_its_bits(
            a in prop::collection::btree_set(0_u32..40, 0..30),
            b in prop::collection::btree_set(0_u32..40, 0..30),
            size in 0_usize..70,
        ) {
            let (a, b): (Vec<u32>, Vec<u32>) = (a.into_iter().collect(), b.into_iter().collect());
            let merged = merge(&[list(1, &a), list(4, &b)], size);
            let mut expected: Vec<u32> = a.iter().chain(b.iter().filter(|row| !a.contains(row))).copied().collect();
            expected.truncate(size);
            prop_assert_eq!(merged.iter().map(|c| c.row).collect::<Vec<_>>(), expected);
            for candidate in &merged {
                let bits = u32::from(a.contains(&candidate.row)) | (u32::from(b.contains(&candidate.row)) << 2);
                prop_assert_eq!(candidate.sources, bits);
                let first = if bits & 1 == 1 { 1 } else { 4 };
                prop_assert_eq!(candidate.score, 100.0 * first as f32 - candidate.row as f32);
            }
        }
    }
}
