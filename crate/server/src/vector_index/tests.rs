#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use upnext_core::{Code, quantize};

use super::dot::{BLOCK, QuantQuery, Rows, Scores, score, score_portable};
use super::exact::inner_product;
use super::{ExactIndex, Hit, RowSet, VectorIndex};

/// The one-line oracle: score every allowed row, sort, cut.
pub(super) fn naive(rows: &[f32], dim: usize, query: &[f32], k: usize, allowed: Option<&RowSet>) -> Vec<Hit> {
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

fn index(rows: &[f32], dim: usize) -> ExactIndex {
    let mut levels = vec![0; rows.len()];
    let scales: Vec<f32> = rows
        .chunks_exact(dim)
        .zip(levels.chunks_exact_mut(dim))
        .map(|(row, out)| quantize(row, out))
        .collect();
    ExactIndex::new(dim, &levels, &scales, rows.to_vec()).unwrap()
}

/// Seeded noise: splitmix64 mapped to −1..1.
pub(super) fn noise(seed: u64, len: usize) -> Vec<f32> {
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

proptest! {
    /// Same hits, scores and order as the oracle, for any width, count, k and filter.
    #[test]
    fn equals_the_naive_oracle(
        seed: u64,
        dim in 1_usize..140,
        count in 0_usize..400,
        k in 0_usize..120,
        keep in 0_u64..5,
        spread in prop::sample::select(vec![1e-6_f32, 1.0, 1e6]),
    ) {
        let rows: Vec<f32> = noise(seed, count * dim).into_iter().map(|v| v * spread).collect();
        let query = noise(seed ^ 1, dim);
        let set = RowSet::new(count, |row| row as u64 * 7 % 5 <= keep);
        let allowed = (keep < 4).then_some(&set);
        let hits = index(&rows, dim).search(&query, k, allowed).unwrap();
        prop_assert_eq!(&hits, &naive(&rows, dim, &query, k, allowed));
        let available = allowed.map_or(count, RowSet::count);
        prop_assert_eq!(hits.len(), k.min(available), "a filter never under-fills");
    }

    /// Rows that repeat have equal scores, and come by row.
    #[test]
    fn ties_are_broken_by_row(seed: u64, dim in 1_usize..40, kinds in 1_usize..5, k in 1_usize..60) {
        let kind_rows = noise(seed, kinds * dim);
        let rows: Vec<f32> = (0..100)
            .flat_map(|row| kind_rows[row % kinds * dim..(row % kinds + 1) * dim].to_vec())
            .collect();
        let query = noise(seed ^ 2, dim);
        let hits = index(&rows, dim).search(&query, k, None).unwrap();
        prop_assert_eq!(&hits, &naive(&rows, dim, &query, k, None));
        for pair in hits.windows(2) {
            prop_assert!(pair[0].score > pair[1].score || pair[0].row < pair[1].row);
        }
    }

    /// Levels that have nothing to do with the values cost time, never a hit.
    #[test]
    fn bad_quantisation_loses_nothing(seed: u64, count in 1_usize..200, k in 1_usize..50) {
        let dim = 16;
        let rows = noise(seed, count * dim);
        let levels: Vec<i8> = noise(seed ^ 3, count * dim).iter().map(|v| (v * 127.0) as i8).collect();
        let scales = vec![0.01; count];
        let query = noise(seed ^ 4, dim);
        let hits = ExactIndex::new(dim, &levels, &scales, rows.clone()).unwrap().search(&query, k, None).unwrap();
        prop_assert_eq!(hits, naive(&rows, dim, &query, k, None));
    }

    /// The kernel for this machine's processor and the portable one agree to the bit, and their sums are right.
    #[test]
    fn kernels_agree(seed: u64, lanes in 1_usize..7, count in 0_usize..=BLOCK) {
        let stride = lanes * 32;
        let level = |v: &f32| (v * 127.0) as i8;
        let levels: Vec<i8> = noise(seed, count * stride).iter().map(level).collect();
        let query = QuantQuery {
            levels: noise(seed ^ 5, stride).iter().map(|v| i16::from(level(v))).collect(),
            scale: 1.0,
            norm: 2.0,
            residual: 0.5,
        };
        let column = noise(seed ^ 6, count);
        let rows = Rows { levels: &levels, scales: &vec![1.0; count], residuals: &column, norms: &column };
        let (mut fast, mut plain) = (Scores::default(), Scores::default());
        score(&query, rows, &mut fast);
        score_portable(&query, rows, &mut plain);
        prop_assert_eq!(&fast, &plain);
        for (place, row) in levels.chunks_exact(stride).enumerate() {
            let naive: i64 = row.iter().zip(&query.levels).map(|(v, q)| i64::from(*v) * i64::from(*q)).sum();
            prop_assert_eq!(fast.score[place], naive as f32);
            prop_assert_eq!(fast.bound[place], 2.5 * column[place]);
            prop_assert!(fast.peak >= fast.score[place] + fast.bound[place]);
        }
    }
}

/// The oracle's score, in f64 and in plain order, next to the reported one.
#[test]
fn scores_are_the_inner_products() {
    for dim in 1..70 {
        let (a, b) = (noise(dim as u64, dim), noise(99, dim));
        let plain: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        assert!((f64::from(inner_product(&a, &b)) - plain).abs() <= 1e-6 * plain.abs().max(1.0));
    }
}

#[test]
fn recall_at_500_of_20_000_clustered_rows_is_one() {
    let (dim, count) = (64, 20_000);
    let centres = noise(1, 50 * dim);
    let rows: Vec<f32> = noise(2, count * dim)
        .iter()
        .enumerate()
        .map(|(i, v)| centres[i / dim % 50 * dim + i % dim] + 0.3 * v)
        .collect();
    let index = index(&rows, dim);
    assert!(index.is_exact());
    for seed in 0..5 {
        let query = noise(100 + seed, dim);
        assert_eq!(
            index.search(&query, 500, None).unwrap(),
            naive(&rows, dim, &query, 500, None)
        );
    }
}

#[test]
fn zero_query_returns_the_first_rows() {
    let rows = noise(7, 30 * 8);
    let hits = index(&rows, 8).search(&[0.0; 8], 3, None).unwrap();
    assert_eq!(
        hits.iter().map(|h| (h.row, h.score)).collect::<Vec<_>>(),
        [(0, 0.0), (1, 0.0), (2, 0.0)]
    );
}

#[test]
fn refuses_what_it_cannot_search() {
    let good = index(&noise(8, 4 * 8), 8);
    assert_eq!(
        good.search(&[0.0; 7], 1, None).unwrap_err().code(),
        Code::RequestInvalid
    );
    let mut query = [0.0; 8];
    query[3] = f32::NAN;
    assert_eq!(good.search(&query, 1, None).unwrap_err().code(), Code::NotFinite);
    let err = |dim, levels: usize, scales: &[f32], values: Vec<f32>| {
        ExactIndex::new(dim, &vec![0; levels], scales, values)
            .unwrap_err()
            .code()
    };
    assert_eq!(err(0, 0, &[], vec![]), Code::BundleInconsistent);
    assert_eq!(err(2, 3, &[1.0, 1.0], vec![0.0; 4]), Code::BundleInconsistent);
    assert_eq!(err(2, 4, &[1.0, 1.0], vec![0.0; 3]), Code::BundleInconsistent);
    assert_eq!(err(2, 2, &[1.0], vec![0.0, f32::INFINITY]), Code::NotFinite);
    assert_eq!(err(2, 2, &[f32::NAN], vec![0.0; 2]), Code::NotFinite);
}
