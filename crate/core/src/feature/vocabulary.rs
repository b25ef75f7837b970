//! Categories: terms with rows of their own, hashed rows for the rest, row 0 for unknown.

use crate::feature::spec::Vocabulary;
use crate::hash::{bucket, hash64};

impl Vocabulary {
    /// Number of rows of the embedding table: unknown, terms, hashed.
    ///
    /// Saturates; [`FeatureSpec::validate`](crate::feature::spec::FeatureSpec::validate) bounds it far below.
    #[must_use]
    pub fn rows(&self) -> u32 {
        u32::try_from(self.terms.len())
            .unwrap_or(u32::MAX)
            .saturating_add(self.oov_buckets)
            .saturating_add(1)
    }

    /// The row of a term, surrounding white space ignored. Missing or empty is unknown, row 0.
    ///
    /// ```
    /// use upnext_core::feature::spec::Vocabulary;
    /// let v = Vocabulary { terms: vec!["phone".into(), "tv".into()], oov_buckets: 0 };
    /// assert_eq!([v.row(7, Some("tv")), v.row(7, Some("watch")), v.row(7, None)], [2, 0, 0]);
    /// ```
    #[must_use]
    pub fn row(&self, seed: u64, term: Option<&str>) -> u32 {
        row(self, seed, term, |term| {
            self.terms.iter().position(|known| known == term)
        })
    }

    /// A sorted look-up with the same rows, for encoding many.
    #[must_use]
    pub fn index(&self) -> VocabularyIndex<'_> {
        let mut order: Vec<u32> = (0..).take(self.terms.len()).collect();
        order.sort_unstable_by_key(|at| (self.terms.get(*at as usize), *at));
        VocabularyIndex {
            vocabulary: self,
            order,
        }
    }
}

/// [`Vocabulary::row`] by binary search.
#[derive(Debug, Clone)]
pub struct VocabularyIndex<'a> {
    vocabulary: &'a Vocabulary,
    order: Vec<u32>,
}

impl VocabularyIndex<'_> {
    /// As [`Vocabulary::row`].
    #[must_use]
    pub fn row(&self, seed: u64, term: Option<&str>) -> u32 {
        row(self.vocabulary, seed, term, |term| {
            let known = |at: &u32| self.vocabulary.terms.get(*at as usize).map(String::as_str);
            let first = self.order.partition_point(|at| known(at) < Some(term));
            self.order
                .get(first)
                .filter(|at| known(at) == Some(term))
                .map(|at| *at as usize)
        })
    }
}

fn row(vocabulary: &Vocabulary, seed: u64, term: Option<&str>, find: impl Fn(&str) -> Option<usize>) -> u32 {
    let Some(term) = term.map(str::trim).filter(|term| !term.is_empty()) else {
        return 0;
    };
    // Bounds of the spec keep these sums far below u32::MAX.
    match find(term) {
        Some(at) => 1 + at as u32,
        None if vocabulary.oov_buckets == 0 => 0,
        None => 1 + vocabulary.terms.len() as u32 + bucket(hash64(seed, term.as_bytes()), vocabulary.oov_buckets),
    }
}

/// What stands for a language in vocabularies: the primary subtag of a BCP 47 tag, lower-case.
/// `None` where there is none, it is not ASCII letters, or it says "undetermined" (`und`).
///
/// ```
/// use upnext_core::feature::language_term;
/// assert_eq!(language_term("PT-br").as_deref(), Some("pt"));
/// assert_eq!(language_term("zh_Hant").as_deref(), Some("zh"));
/// assert_eq!(language_term("und"), None);
/// ```
#[must_use]
pub fn language_term(tag: &str) -> Option<String> {
    let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
    let fits = (2..=8).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_alphabetic());
    (fits && !primary.eq_ignore_ascii_case("und")).then(|| primary.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::fixture::terms;
    use proptest::prelude::*;

    #[test]
    fn an_unseen_term_hashes_behind_the_known_ones_or_is_unknown() {
        let hashed = terms(&["a", "b"], 10);
        assert!((3..13).contains(&hashed.row(1, Some("zebra"))));
        assert_eq!(hashed.row(1, Some("zebra")), hashed.row(1, Some(" zebra ")));
        assert_eq!(terms(&["a", "b"], 0).row(1, Some("zebra")), 0);
    }

    #[test]
    fn missing_and_empty_are_unknown_even_where_unseen_terms_hash() {
        let hashed = terms(&["a"], 10);
        assert_eq!(
            [hashed.row(1, None), hashed.row(1, Some("")), hashed.row(1, Some(" \t"))],
            [0, 0, 0]
        );
    }

    #[test]
    fn a_language_is_its_primary_subtag() {
        for (tag, term) in [
            ("EN-us", "en"),
            ("zh-Hant-TW", "zh"),
            ("haw", "haw"),
            (" sr_Latn", "sr"),
        ] {
            assert_eq!(language_term(tag).as_deref(), Some(term));
        }
        for tag in ["", "-", "x", "und-Latn", "日本", "e1", "verylongtag"] {
            assert_eq!(language_term(tag), None, "{tag}");
        }
    }

    proptest! {
        #[test]
        fn the_index_gives_the_same_rows_and_all_are_within_the_table(
            mut words in prop::collection::vec("[a-e猫é]{1,3}", 0..30),
            asked in "[a-e猫é ]{0,4}",
            oov in 0..5_u32,
            seed: u64,
        ) {
            words.sort();
            words.dedup();
            words.reverse();
            let vocabulary = Vocabulary { terms: words, oov_buckets: oov };
            let index = vocabulary.index();
            for term in vocabulary.terms.iter().map(String::as_str).chain([asked.as_str()]) {
                let row = vocabulary.row(seed, Some(term));
                prop_assert_eq!(index.row(seed, Some(term)), row);
                prop_assert!(row < vocabulary.rows());
            }
            for (at, term) in (1..).zip(&vocabulary.terms) {
                prop_assert_eq!(vocabulary.row(seed, Some(term)), at);
            }
            prop_assert_eq!(index.row(seed, None), 0);
        }
    }
}
