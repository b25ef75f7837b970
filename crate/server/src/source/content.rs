//! The content shelf: what a newcomer gets. A function of the declared languages alone, so that
//! everybody who declares the same gets the same block, and a cache in between may keep it.

use upnext_core::block::source::CONTENT;

use super::{Ask, Candidate, by_place};
use crate::catalogue::Shelves;
use crate::row_hash::Rows;

/// The first videos of the shelves of the declared languages that may be offered; see [`of_shelves`].
#[must_use]
pub fn candidates(ask: &Ask<'_>) -> Vec<Candidate> {
    // A shelf is of the bundle's rows; what was told anew of one of its videos has a row of its own.
    let current = |row: u32| {
        let row = ask.stock.current(row as usize)?;
        ask.allowed.contains(row).then_some(row as u32)
    };
    of_shelves(&ask.stock.catalogue.shelves, ask.languages, ask.size, current)
}

/// The first `size` distinct videos of the languages' shelves, taken in turn, then of the shelf for all. `current` gives the
/// row that a shelf's video has now, `None` where it may not be offered.
///
/// In turn, because a request names a set of languages: the client sorts them, so that one address stands for
/// one set, and a first shelf that is taken whole would be the first of the alphabet.
/// The score falls from 1 towards 0 with the place.
#[must_use]
pub fn of_shelves(
    shelves: &Shelves,
    languages: &[String],
    size: usize,
    current: impl Fn(u32) -> Option<u32>,
) -> Vec<Candidate> {
    let preferred: Vec<&[u32]> = languages.iter().filter_map(|language| shelves.of(language)).collect();
    let longest = preferred.iter().map(|shelf| shelf.len()).max().unwrap_or(0);
    let in_turn = (0..longest).flat_map(|place| preferred.iter().filter_map(move |shelf| shelf.get(place)));
    let mut taken = Rows::with_capacity_and_hasher(size.min(longest + shelves.any().len()), Default::default());
    let rows: Vec<u32> = in_turn
        .chain(shelves.any())
        .filter_map(|row| current(*row))
        .filter(|row| taken.insert(*row))
        .take(size)
        .collect();
    by_place(&rows, CONTENT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    fn rows(json: &str, languages: &[&str], size: usize) -> Vec<u32> {
        let shelves = Shelves::parse(json.as_bytes(), 100).unwrap();
        let languages: Vec<String> = languages.iter().map(|l| (*l).to_owned()).collect();
        of_shelves(&shelves, &languages, size, Some)
            .iter()
            .map(|c| c.row)
            .collect()
    }

    #[test]
    fn languages_in_turn_then_the_rest() {
        let json = r#"{"de":[5,6],"en":[7,5],"ja":[8],"*":[9,7,6]}"#;
        assert_eq!(rows(json, &["en", "de-CH"], 9), [7, 5, 6, 9]);
        assert_eq!(rows(json, &["de", "en"], 9), [5, 7, 6, 9]);
        assert_eq!(rows(json, &["ja", "en", "de"], 9), [8, 7, 5, 6, 9]);
        assert_eq!(rows(json, &["xx"], 9), [9, 7, 6]);
        assert_eq!(rows(json, &["en"], 1), [7]);
    }

    proptest! {
        /// Distinct rows, at most `size`, scores falling inside 0..=1, nothing missing that a shelf has.
        #[test]
        fn a_list_of_distinct_rows_with_falling_scores(
            a in prop::collection::btree_set(0_u32..60, 0..40),
            b in prop::collection::btree_set(0_u32..60, 0..40),
            size in 0_usize..80,
            gap in 0_usize..8,
        ) {
            let json = serde_json::json!({ "de": a, "*": b }).to_string();
            let shelves = Shelves::parse(json.as_bytes(), 60).unwrap();
            let allowed = |row: u32| row as usize % 7 != gap;
            let list = of_shelves(&shelves, &["de".to_owned()], size, |row| allowed(row).then_some(row));
            let distinct: BTreeSet<u32> = list.iter().map(|c| c.row).collect();
            prop_assert_eq!(distinct.len(), list.len());
            let offered = a.union(&b).filter(|row| allowed(**row)).count();
            prop_assert_eq!(list.len(), size.min(offered));
            prop_assert!(list.windows(2).all(|w| w[0].score > w[1].score));
            prop_assert!(list.iter().all(|c| (0.0..=1.0).contains(&c.score)));
        }
    }
}
