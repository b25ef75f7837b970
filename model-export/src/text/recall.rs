//! Whether a query's vector finds the title that it was made from, among all.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use upnext_core::hash::hash64;

use super::TextVectors;
use crate::linear::Packed;

/// Ranks at which recall is told.
pub const AT: [usize; 3] = [1, 10, 100];

/// Queries that are ranked together.
const TOGETHER: usize = 256;

/// A query made of a title: half of its words, rounded up, in their order; which ones is drawn from seed and title.
/// `None` for a title of one word, of which none can be left out.
///
/// ```
/// use upnext_export::text::shortened;
/// let query = shortened("The Good, the Bad and the Ugly", 1).unwrap();
/// assert_eq!(query.split(' ').count(), 4);
/// assert_eq!(shortened("Alien", 1), None);
/// ```
#[must_use]
pub fn shortened(title: &str, seed: u64) -> Option<String> {
    let words: Vec<&str> = title.split_whitespace().collect();
    if words.len() < 2 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(hash64(seed, title.as_bytes()));
    let mut kept: Vec<usize> = (0..words.len()).collect();
    kept.shuffle(&mut rng);
    kept.truncate(words.len().div_ceil(2));
    kept.sort_unstable();
    Some(kept.iter().map(|i| words[*i]).collect::<Vec<_>>().join(" "))
}

/// Share of queries whose own title is among the first k, by k.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Recall(pub BTreeMap<String, f64>);

impl Recall {
    /// Ranks all documents for each query by the vectors' inner product; `own[i]` is the document of query `i`. Of
    /// equal scores the earlier document is first, so that a vector of zeros finds the first documents alone.
    #[must_use]
    pub fn measure(queries: &TextVectors, documents: &TextVectors, own: &[usize]) -> Recall {
        let mut ranks = Vec::new();
        for_scores(queries, documents, |query, scores| {
            let at = own[query];
            let before = |(i, score): (usize, &f32)| *score > scores[at] || (*score == scores[at] && i < at);
            ranks.push(
                scores
                    .iter()
                    .enumerate()
                    .filter(|(i, score)| before((*i, *score)))
                    .count(),
            );
        });
        let share = |k: usize| ranks.iter().filter(|rank| **rank < k).count() as f64 / ranks.len().max(1) as f64;
        Recall(AT.into_iter().map(|k| (format!("recall@{k}"), share(k))).collect())
    }
}

/// Mean share of a query's first `k` documents that two ways of encoding queries and documents have in common.
#[must_use]
pub fn agreement(a: [&TextVectors; 2], b: [&TextVectors; 2], k: usize) -> f64 {
    let first = |[queries, documents]: [&TextVectors; 2]| {
        let mut found: Vec<Vec<usize>> = Vec::new();
        for_scores(queries, documents, |_, scores| {
            let mut order: Vec<usize> = (0..scores.len()).collect();
            let by_score = |a: &usize, b: &usize| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b));
            if k < order.len() {
                order.select_nth_unstable_by(k, by_score);
                order.truncate(k);
            }
            found.push(order);
        });
        found
    };
    let (a, b) = (first(a), first(b));
    let shares = a
        .iter()
        .zip(&b)
        .map(|(a, b)| a.iter().filter(|i| b.contains(i)).count() as f64 / a.len().max(1) as f64);
    shares.sum::<f64>() / a.len().max(1) as f64
}

fn for_scores(queries: &TextVectors, documents: &TextVectors, mut each: impl FnMut(usize, &[f32])) {
    let dim = documents.dim;
    let documents = Packed::transposed(&documents.values, dim);
    for (block, some) in queries.values.chunks(TOGETHER * dim.max(1)).enumerate() {
        let scores = documents.product(some);
        for (i, row) in scores.chunks_exact(documents.columns().max(1)).enumerate() {
            each(block * TOGETHER + i, row);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand::RngExt;

    fn random(rows: usize, dim: usize, rng: &mut ChaCha8Rng) -> TextVectors {
        TextVectors {
            dim,
            // Few values, so that scores tie.
            values: (0..rows * dim).map(|_| rng.random_range(-2..=2) as f32).collect(),
        }
    }

    /// A zero is 0 here, never −0, which `total_cmp` would put behind it.
    fn ranking(query: &[f32], documents: &TextVectors) -> Vec<usize> {
        let score = |i: &usize| -> f32 { documents.row(*i).iter().zip(query).map(|(a, b)| a * b).sum::<f32>() + 0.0 };
        let mut order: Vec<usize> = (0..documents.len()).collect();
        order.sort_by(|a, b| score(b).total_cmp(&score(a)));
        order
    }

    #[test]
    fn recall_and_agreement_are_those_of_sorted_lists() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let (documents, queries, others) = (
            random(150, 3, &mut rng),
            random(400, 3, &mut rng),
            random(400, 3, &mut rng),
        );
        let own: Vec<usize> = (0..400).map(|_| rng.random_range(0..150)).collect();
        let lists =
            |queries: &TextVectors| -> Vec<Vec<usize>> { queries.rows().map(|q| ranking(q, &documents)).collect() };
        let (a, b) = (lists(&queries), lists(&others));
        let Recall(found) = Recall::measure(&queries, &documents, &own);
        for k in AT {
            let hits = a.iter().zip(&own).filter(|(list, own)| list[..k].contains(own)).count();
            assert_eq!(found[&format!("recall@{k}")], hits as f64 / 400.0);
        }
        let common = |(a, b): (&Vec<usize>, &Vec<usize>)| a[..10].iter().filter(|i| b[..10].contains(i)).count();
        let wanted = a.iter().zip(&b).map(common).sum::<usize>() as f64 / 4000.0;
        assert!((agreement([&queries, &documents], [&others, &documents], 10) - wanted).abs() < 1e-12);
        assert_eq!(agreement([&queries, &documents], [&queries, &documents], 10), 1.0);
    }

    #[test]
    fn a_query_keeps_half_of_the_words_in_their_order() {
        let title = "one two three four five six seven";
        let words: Vec<&str> = title.split(' ').collect();
        let mut made = std::collections::BTreeSet::new();
        for seed in 0..40 {
            let query = shortened(title, seed).unwrap();
            let at: Vec<usize> = query
                .split(' ')
                .map(|w| words.iter().position(|x| *x == w).unwrap())
                .collect();
            assert!(at.len() == 4 && at.is_sorted(), "{query}");
            assert_eq!(shortened(title, seed).unwrap(), query);
            made.insert(query);
        }
        assert!(made.len() > 10);
    }
}
