//! Content shelves: what somebody gets of whom nothing is known but a language.
//!
//! A newcomer most likely wants what many found relevant of late: that is the order, by trend, ties by all relevant
//! events, then by row. Their first watches shall also tell much, so breadth is a constraint on it: videos are grouped by
//! k-means on item vectors, and of any [`STRETCH`] places in a row no group has more than [`MOST`] while others have
//! videos left.

use std::collections::{BTreeMap, VecDeque};

use super::kmeans::clusters;
use super::server_half::{ItemFigures, Items};
use crate::table::{Category, NONE};

/// The shelf for every language.
pub const ANY_LANGUAGE: &str = "*";
/// Longest shelf: four of the largest pages.
const MAX_SHELF: usize = 2_000;
/// Most groups of a catalogue.
const MAX_CLUSTERS: usize = 64;
/// Places in a row that are held broad: a slate as a page shows it.
const STRETCH: usize = 12;
/// Most of them for one group.
const MOST: usize = 3;
/// Seed of the grouping: the same catalogue gives the same shelves.
const SEED: u64 = 7;

/// Shelves by primary language subtag, and [`ANY_LANGUAGE`]: rows, best first.
#[must_use]
pub fn shelves(items: Items<'_>, figures: ItemFigures<'_>, language: &Category) -> BTreeMap<String, Vec<u32>> {
    let rows = figures.prior.len();
    let k = (rows as f64 / 20.0).sqrt().ceil() as usize;
    let group = clusters(items.vectors, items.vector_dim, k.clamp(1, MAX_CLUSTERS), SEED);
    let mut members: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for row in 0..rows as u32 {
        members.entry(ANY_LANGUAGE.to_owned()).or_default().push(row);
        let code = language.code(row as usize);
        if code != NONE {
            members
                .entry(primary_subtag(language.terms().name(code)))
                .or_default()
                .push(row);
        }
    }
    members.entry(ANY_LANGUAGE.to_owned()).or_default();
    let shelf = |rows: Vec<u32>| spread(rows, &group, figures);
    members
        .into_iter()
        .map(|(language, rows)| (language, shelf(rows)))
        .collect()
}

fn primary_subtag(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().to_lowercase()
}

/// Rows by falling trend, no group too often in a row.
fn spread(mut rows: Vec<u32>, group: &[usize], figures: ItemFigures<'_>) -> Vec<u32> {
    let trend = |row: u32| figures.trend[row as usize];
    let relevant = |row: u32| figures.relevant[row as usize];
    rows.sort_by(|a, b| {
        let more = trend(*b).total_cmp(&trend(*a));
        more.then(relevant(*b).cmp(&relevant(*a))).then(a.cmp(b))
    });
    // Of each group the places in `rows` that are still to come, best first.
    let mut queues: BTreeMap<usize, VecDeque<usize>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        queues.entry(group[*row as usize]).or_default().push_back(place);
    }
    let mut recent: VecDeque<usize> = VecDeque::new();
    let mut shelf = Vec::with_capacity(rows.len().min(MAX_SHELF));
    while shelf.len() < MAX_SHELF {
        let often = |group: &usize| recent.iter().filter(|g| *g == group).count() >= MOST;
        let heads = queues
            .iter()
            .filter_map(|(group, queue)| Some((often(group), *queue.front()?, *group)));
        let Some((_, place, group)) = heads.min() else { break };
        if let Some(queue) = queues.get_mut(&group) {
            queue.pop_front();
        }
        shelf.push(rows[place]);
        recent.push_back(group);
        if recent.len() == STRETCH {
            recent.pop_front();
        }
    }
    shelf
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn category(terms: &[Option<&str>]) -> Category {
        let mut column = Category::default();
        terms.iter().for_each(|t| column.push(*t));
        column
    }

    /// Two directions in the plane: rows of even index point east, odd ones north.
    fn plane(rows: usize) -> Vec<f32> {
        (0..rows)
            .flat_map(|r| if r % 2 == 0 { [1.0, 0.0] } else { [0.0, 1.0] })
            .collect()
    }

    fn items(vectors: &[f32]) -> Items<'_> {
        Items {
            vectors,
            vector_dim: 2,
            factors: &[],
            factor_dim: 1,
        }
    }

    #[test]
    fn a_shelf_is_popular_first_and_broad_in_every_stretch() {
        let vectors = plane(40);
        // What points east is the more popular half.
        let trend: Vec<f32> = (0..40)
            .map(|r| r as f32 + if r % 2 == 0 { 100.0 } else { 0.0 })
            .collect();
        let relevant = vec![3; 40];
        let figures = ItemFigures {
            prior: &[0.0; 40],
            effect: &[0.0; 40],
            trend: &trend,
            relevant: &relevant,
        };
        let all = shelves(items(&vectors), figures, &category(&[None; 40]));
        let shelf = &all[ANY_LANGUAGE];
        assert_eq!(shelf.len(), 40);
        assert_eq!(shelf[..5], [38, 36, 34, 39, 37], "three of a group, then others");
        for stretch in shelf[..24].windows(STRETCH) {
            assert!(
                stretch.iter().filter(|row| *row % 2 == 0).count() >= MOST,
                "{stretch:?}"
            );
        }
    }

    #[test]
    fn equal_trends_go_by_all_that_was_relevant() {
        let vectors = plane(4);
        let figures = ItemFigures {
            prior: &[0.0; 4],
            effect: &[0.0; 4],
            trend: &[0.0; 4],
            relevant: &[1, 4, 4, 9],
        };
        let all = shelves(items(&vectors), figures, &category(&[None; 4]));
        assert_eq!(all[ANY_LANGUAGE], [3, 1, 2, 0]);
    }

    #[test]
    fn a_language_has_a_shelf_of_its_primary_subtag() {
        let vectors = plane(4);
        let figures = ItemFigures {
            prior: &[0.0; 4],
            effect: &[0.0; 4],
            trend: &[0.0; 4],
            relevant: &[0; 4],
        };
        let language = category(&[Some("pt-BR"), Some("pt"), None, Some("ja")]);
        let all = shelves(items(&vectors), figures, &language);
        let lengths: Vec<(&str, usize)> = all.iter().map(|(l, s)| (l.as_str(), s.len())).collect();
        assert_eq!(lengths, [("*", 4), ("ja", 1), ("pt", 2)]);
    }

    proptest! {
        /// Every row of the language once, and the same shelf for the same catalogue.
        #[test]
        fn a_shelf_holds_every_row_once(seed in any::<u64>(), rows in 1_usize..120) {
            let value = |i: usize| ((seed >> (i % 57)) & 15) as f32 - 7.0;
            let vectors: Vec<f32> = (0..rows * 2).map(value).collect();
            let prior: Vec<f32> = (0..rows).map(|i| value(i + 3)).collect();
            let relevant: Vec<u32> = (0..rows).map(|i| value(i + 5).abs() as u32).collect();
            let effect = vec![0.5; rows];
            let figures = ItemFigures { prior: &prior, effect: &effect, trend: &prior, relevant: &relevant };
            let language = category(&vec![None; rows]);
            let all = shelves(items(&vectors), figures, &language);
            let mut sorted = all[ANY_LANGUAGE].clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..rows as u32).collect::<Vec<_>>());
            prop_assert_eq!(all, shelves(items(&vectors), figures, &language));
        }
    }
}
