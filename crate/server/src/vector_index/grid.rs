//! What every index is held to: one grid of tests, for whatever makes an index of rows. [`naive`] is its oracle.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use upnext_core::Code;

use super::{Hit, RowSet, VectorIndex, inner_product};

/// Makes an index over `rows × dim` values.
pub type Maker<'a> = &'a dyn Fn(usize, &[f32]) -> Box<dyn VectorIndex>;

/// The one-line oracle: score every allowed row, sort, cut.
pub fn naive(rows: &[f32], dim: usize, query: &[f32], k: usize, allowed: Option<&RowSet>) -> Vec<Hit> {
    let mut hits: Vec<Hit> = rows
        .chunks_exact(dim)
        .enumerate()
        .filter(|(row, _)| allowed.is_none_or(|set| set.contains(*row)))
        .map(|(row, values)| Hit {
            row: row as u32,
            score: inner_product(query, values),
        })
        .collect();
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    hits.truncate(k);
    hits
}

/// Seeded noise: splitmix64 mapped to −1..1.
pub fn noise(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed;
    (0..len)
        .map(|_| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Sums of four values of noise: near enough to normal.
fn normal(seed: u64, len: usize) -> Vec<f32> {
    noise(seed, 4 * len)
        .chunks_exact(4)
        .map(|four| four.iter().sum())
        .collect()
}

/// Rows round `centres` centres; with one they are alike in all directions.
pub fn clustered(seed: u64, count: usize, dim: usize, centres: usize, width: f32) -> Vec<f32> {
    let middle = normal(seed ^ 1, centres * dim);
    let mut rows = normal(seed, count * dim);
    for (row, values) in rows.chunks_exact_mut(dim).enumerate() {
        let middle = &middle[row * 7 % centres * dim..][..dim];
        values.iter_mut().zip(middle).for_each(|(v, m)| *v = *v * width + m);
    }
    rows
}

/// Share of the true hits that were found.
pub fn recall(found: &[Hit], truth: &[Hit]) -> f64 {
    let rows: std::collections::BTreeSet<u32> = found.iter().map(|hit| hit.row).collect();
    truth.iter().filter(|hit| rows.contains(&hit.row)).count() as f64 / truth.len() as f64
}

/// How the rows of a case lie.
#[derive(Debug, Clone, Copy)]
pub enum Lie {
    /// Noise of this size.
    Noise(f32),
    /// Round nine centres.
    Clustered,
    /// So many different ones, again and again.
    Repeated(usize),
}

/// A search.
#[derive(Debug, Clone)]
pub struct Case {
    /// Seed of rows and query.
    pub seed: u64,
    /// Width of a row.
    pub dim: usize,
    /// Number of rows.
    pub count: usize,
    /// Number of hits that are asked for.
    pub k: usize,
    /// How the rows lie.
    pub lie: Lie,
    /// Rows that are allowed: those whose number this divides (`true`), or all but those; `None`: no filter.
    pub filter: Option<(usize, bool)>,
}

/// Searches of all kinds: any width, count, `k` and filter.
pub fn cases() -> impl Strategy<Value = Case> {
    let lies = prop_oneof![
        prop::sample::select(vec![1e-6_f32, 1.0, 1e6]).prop_map(Lie::Noise),
        Just(Lie::Clustered),
        (1_usize..5).prop_map(Lie::Repeated),
    ];
    let filters = prop::option::of((1_usize..60, any::<bool>()));
    (any::<u64>(), 1_usize..140, 0_usize..500, 0_usize..120, lies, filters).prop_map(
        |(seed, dim, count, k, lie, filter)| Case {
            seed,
            dim,
            count,
            k,
            lie,
            filter,
        },
    )
}

impl Case {
    /// `count × dim` values.
    pub fn rows(&self) -> Vec<f32> {
        let Case { seed, dim, count, .. } = *self;
        match self.lie {
            Lie::Noise(size) => noise(seed, count * dim).into_iter().map(|v| v * size).collect(),
            Lie::Clustered => clustered(seed, count, dim, 9, 0.2),
            Lie::Repeated(kinds) => {
                let kind = noise(seed, kinds * dim);
                (0..count)
                    .flat_map(|row| &kind[row % kinds * dim..][..dim])
                    .copied()
                    .collect()
            }
        }
    }

    /// `dim` values.
    pub fn query(&self) -> Vec<f32> {
        noise(self.seed ^ 1, self.dim)
    }

    /// The filter as a set.
    pub fn allowed(&self) -> Option<RowSet> {
        let (modulus, is_multiple) = self.filter?;
        Some(RowSet::new(self.count, |row| (row % modulus == 0) == is_multiple))
    }
}

/// An exact index answers as the oracle: hits, scores and order; rows that repeat have equal scores and come by row.
pub fn answers_as_the_oracle(make: Maker<'_>, case: &Case) -> Result<(), TestCaseError> {
    let (rows, query, allowed) = (case.rows(), case.query(), case.allowed());
    let index = make(case.dim, &rows);
    prop_assert!(index.is_exact());
    prop_assert_eq!((index.rows(), index.dim()), (case.count, case.dim));
    let hits = index.search(&query, case.k, allowed.as_ref()).unwrap();
    prop_assert_eq!(hits, naive(&rows, case.dim, &query, case.k, allowed.as_ref()));
    Ok(())
}

/// However little an index looks at: a filter never under-fills, every hit is allowed and comes once, its score is the true
/// one but for `rounding` (relative to the lengths of both), best first and ties by row.
pub fn never_under_fills(make: Maker<'_>, case: &Case, rounding: f32) -> Result<(), TestCaseError> {
    let (rows, query, allowed) = (case.rows(), case.query(), case.allowed());
    let index = make(case.dim, &rows);
    let hits = index.search(&query, case.k, allowed.as_ref()).unwrap();
    let available = allowed.as_ref().map_or(case.count, RowSet::count);
    prop_assert_eq!(hits.len(), case.k.min(available));
    let length = |values: &[f32]| inner_product(values, values).sqrt();
    for hit in &hits {
        let row = hit.row as usize;
        prop_assert!(allowed.as_ref().is_none_or(|set| set.contains(row)));
        let values = &rows[row * case.dim..][..case.dim];
        let error = (hit.score - inner_product(&query, values)).abs();
        prop_assert!(
            error <= rounding * length(&query) * length(values),
            "row {row} is off by {error}"
        );
    }
    let in_order = |a: &Hit, b: &Hit| a.score > b.score || (a.score == b.score && a.row < b.row);
    prop_assert!(hits.windows(2).all(|pair| in_order(&pair[0], &pair[1])));
    let mut distinct: Vec<u32> = hits.iter().map(|hit| hit.row).collect();
    distinct.sort_unstable();
    distinct.dedup();
    prop_assert_eq!(distinct.len(), hits.len());
    Ok(())
}

/// A query of another width and one that is not finite are refused; no hits are none, and no rows have none.
pub fn refuses_what_it_cannot_search(make: Maker<'_>) {
    let index = make(8, &noise(8, 40 * 8));
    let code = |query: &[f32]| index.search(query, 1, None).unwrap_err().code();
    assert_eq!(code(&[0.0; 7]), Code::RequestInvalid);
    assert_eq!(code(&[0.0; 9]), Code::RequestInvalid);
    for value in [f32::NAN, f32::INFINITY] {
        let mut query = [0.0; 8];
        query[3] = value;
        assert_eq!(code(&query), Code::NotFinite);
    }
    assert!(index.search(&[1.0; 8], 0, None).unwrap().is_empty());
    let none = RowSet::new(40, |_| false);
    assert!(index.search(&[1.0; 8], 5, Some(&none)).unwrap().is_empty());
    assert!(make(3, &[]).search(&[1.0; 3], 5, None).unwrap().is_empty());
}

/// Zeros are a row and a query like any other: all scores are 0, and the first rows come first.
pub fn takes_zeros(make: Maker<'_>) {
    let mut rows = noise(9, 200 * 16);
    rows[40 * 16..150 * 16].fill(0.0);
    let index = make(16, &rows);
    for query in [vec![0.0; 16], noise(10, 16)] {
        assert_eq!(
            index.search(&query, 120, None).unwrap(),
            naive(&rows, 16, &query, 120, None)
        );
    }
}

/// The mean share of the best `k` that is found, over ten queries.
pub fn mean_recall(make: Maker<'_>, rows: &[f32], dim: usize, k: usize) -> f64 {
    let index = make(dim, rows);
    let queries = clustered(77, 10, dim, 1, 1.0);
    let of_query = |query: &[f32]| {
        recall(
            &index.search(query, k, None).unwrap(),
            &naive(rows, dim, query, k, None),
        )
    };
    queries.chunks_exact(dim).map(of_query).sum::<f64>() / 10.0
}
