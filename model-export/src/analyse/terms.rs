//! Vocabularies: terms by how often the train side has them.

use std::collections::BTreeMap;

use upnext_core::feature::language_term;
use upnext_core::feature::spec::Vocabulary;

use crate::table::Category;

/// Terms and how often they were seen.
pub type Frequencies = BTreeMap<String, u64>;

/// Sums weights by term; a term of weight 0 was not seen. White space around a term is not part of it.
pub fn counted<'a>(terms: impl Iterator<Item = (&'a str, u64)>) -> Frequencies {
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for (term, weight) in terms.map(|(term, weight)| (term.trim(), weight)) {
        if weight > 0 && !term.is_empty() {
            *found.entry(term).or_default() += weight;
        }
    }
    found
        .into_iter()
        .map(|(term, weight)| (term.to_owned(), weight))
        .collect()
}

/// Terms of a column, each row with its weight; rows beyond `weights` do not count.
pub fn weighted(column: &Category, weights: &[u64]) -> Frequencies {
    let rows = weights.iter().enumerate();
    counted(rows.filter_map(|(row, weight)| Some((column.get(row)?, *weight))))
}

/// Languages by their primary subtag, as the encoder reads them.
pub fn languages(tags: Frequencies) -> Frequencies {
    let mut found = Frequencies::new();
    for (tag, weight) in tags {
        if let Some(term) = language_term(&tag) {
            *found.entry(term).or_default() += weight;
        }
    }
    found
}

/// The most frequent terms, at least `least` times seen, ties by the term; `size` is the most of
/// them, and the hashed rows for all others. No terms at all, no hashed rows.
pub fn vocabulary(found: Frequencies, size: (usize, u32), least: u64) -> Vocabulary {
    let (most, oov_buckets) = size;
    let oov_buckets = if found.is_empty() { 0 } else { oov_buckets };
    let mut terms: Vec<(String, u64)> = found.into_iter().filter(|(_, weight)| *weight >= least).collect();
    terms.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    terms.truncate(most);
    Vocabulary {
        terms: terms.into_iter().map(|(term, _)| term).collect(),
        oov_buckets,
    }
}
