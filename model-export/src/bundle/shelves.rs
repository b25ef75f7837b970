//! Content shelves: what somebody gets of whom nothing is known but a language.
//!
//! A shelf shall be good, and shall show a newcomer the breadth of the catalogue, so that their first
//! watches tell much. Videos are grouped by k-means on item vectors. Inside a group the best come
//! first: by the standardised quality (prior + effect, log-odds of relevance) plus the standardised
//! log-popularity, ties by row. Places are dealt to groups one by one by the Sainte-Laguë rule with
//! the square root of a group's relevant events as its weight: what is watched more gets more
//! places, small groups get some, and every prefix of the shelf is as mixed as the whole.

use std::collections::BTreeMap;

use super::kmeans::clusters;
use super::server_half::{ItemFigures, Items, log_popularity};
use crate::table::{Category, NONE};

/// The shelf for every language.
pub const ANY_LANGUAGE: &str = "*";
/// Longest shelf: four of the largest pages.
const MAX_SHELF: usize = 2_000;
/// Most groups of a catalogue.
const MAX_CLUSTERS: usize = 64;
/// Seed of the grouping: the same catalogue gives the same shelves.
const SEED: u64 = 7;

/// Shelves by primary language subtag, and [`ANY_LANGUAGE`]: rows, best first.
#[must_use]
pub fn shelves(items: Items<'_>, figures: ItemFigures<'_>, language: &Category) -> BTreeMap<String, Vec<u32>> {
    let rows = figures.prior.len();
    let k = (rows as f64 / 20.0).sqrt().ceil() as usize;
    let group = clusters(items.vectors, items.vector_dim, k.clamp(1, MAX_CLUSTERS), SEED);
    let popularity: Vec<f32> = figures.relevant.iter().map(|n| log_popularity(*n)).collect();
    let relevance: Vec<f32> = figures.prior.iter().zip(figures.effect).map(|(p, e)| p + e).collect();
    let quality: Vec<f32> = standardised(&relevance)
        .zip(standardised(&popularity))
        .map(|(a, b)| a + b)
        .collect();
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
    let shelf = |rows: Vec<u32>| spread(&rows, &group, &quality, figures.relevant);
    members
        .into_iter()
        .map(|(language, rows)| (language, shelf(rows)))
        .collect()
}

fn primary_subtag(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().to_lowercase()
}

/// `(value − mean) / standard deviation`; zeros where all are equal.
fn standardised(values: &[f32]) -> impl Iterator<Item = f32> + '_ {
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
    let std = variance.sqrt();
    values.iter().map(move |v| {
        if std > 0.0 {
            ((f64::from(*v) - mean) / std) as f32
        } else {
            0.0
        }
    })
}

/// A group with places still to fill.
struct Queue {
    weight: f64,
    taken: usize,
    /// Worst first, so that the best is popped.
    rows: Vec<u32>,
}

fn spread(rows: &[u32], group: &[usize], quality: &[f32], relevant: &[u32]) -> Vec<u32> {
    let mut queues: BTreeMap<usize, Queue> = BTreeMap::new();
    for row in rows {
        let queue = queues.entry(group[*row as usize]).or_insert(Queue {
            weight: 1.0,
            taken: 0,
            rows: Vec::new(),
        });
        queue.weight += f64::from(relevant[*row as usize]);
        queue.rows.push(*row);
    }
    let mut queues: Vec<Queue> = queues.into_values().collect();
    for queue in &mut queues {
        queue.weight = queue.weight.sqrt();
        queue
            .rows
            .sort_by(|a, b| quality[*a as usize].total_cmp(&quality[*b as usize]).then(b.cmp(a)));
    }
    let mut shelf = Vec::with_capacity(rows.len().min(MAX_SHELF));
    while shelf.len() < MAX_SHELF {
        let claim = |q: &Queue| q.weight / (2 * q.taken + 1) as f64;
        // Of equal claims the first group's: `max_by` would give the last.
        let next = queues
            .iter_mut()
            .filter(|q| !q.rows.is_empty())
            .rev()
            .max_by(|a, b| claim(a).total_cmp(&claim(b)));
        let Some(queue) = next else { break };
        queue.taken += 1;
        shelf.extend(queue.rows.pop());
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
    fn a_shelf_starts_with_the_best_of_each_group() {
        let vectors = plane(40);
        let prior: Vec<f32> = (0..40).map(|r| r as f32).collect();
        let relevant = vec![3; 40];
        let figures = ItemFigures {
            prior: &prior,
            effect: &[0.0; 40],
            relevant: &relevant,
        };
        let all = shelves(items(&vectors), figures, &category(&[None; 40]));
        let shelf = &all[ANY_LANGUAGE];
        assert_eq!(shelf.len(), 40);
        let mut first: Vec<u32> = shelf[..2].to_vec();
        first.sort_unstable();
        assert_eq!(first, [38, 39], "the best even and the best odd row");
    }

    #[test]
    fn a_language_has_a_shelf_of_its_primary_subtag() {
        let vectors = plane(4);
        let figures = ItemFigures {
            prior: &[0.0; 4],
            effect: &[0.0; 4],
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
            let figures = ItemFigures { prior: &prior, effect: &effect, relevant: &relevant };
            let language = category(&vec![None; rows]);
            let all = shelves(items(&vectors), figures, &language);
            let mut sorted = all[ANY_LANGUAGE].clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..rows as u32).collect::<Vec<_>>());
            prop_assert_eq!(all, shelves(items(&vectors), figures, &language));
        }
    }
}
