//! The grid over the embedded indices, and what is the exact one's alone.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use upnext_core::{Code, quantize};

use super::dot::{BLOCK, QuantQuery, Rows, Scores, score, score_portable};
use super::exact::inner_product;
use super::grid::{self, Maker, clustered, naive, noise};
use super::{CellIndex, ExactIndex, MISSED, VectorIndex};

fn exact(dim: usize, rows: &[f32]) -> Box<dyn VectorIndex> {
    let mut levels = vec![0; rows.len()];
    let scales: Vec<f32> = rows
        .chunks_exact(dim)
        .zip(levels.chunks_exact_mut(dim))
        .map(|(row, out)| quantize(row, out))
        .collect();
    Box::new(ExactIndex::new(dim, &levels, &scales, rows.to_vec()).unwrap())
}

fn cells(missed: f32) -> impl Fn(usize, &[f32]) -> Box<dyn VectorIndex> {
    move |dim, rows| Box::new(CellIndex::new(dim, rows.to_vec(), missed).unwrap())
}

type OwnMaker = Box<dyn Fn(usize, &[f32]) -> Box<dyn VectorIndex>>;

/// The exact scan, and all cells: with every cell the search is exact.
fn exact_ones() -> [OwnMaker; 2] {
    [Box::new(exact), Box::new(cells(0.0))]
}

proptest! {
    #[test]
    fn exact_search_is_the_oracles(case in grid::cases()) {
        for make in exact_ones() {
            grid::answers_as_the_oracle(&make, &case)?;
        }
    }

    #[test]
    fn a_filter_never_under_fills(case in grid::cases(), missed in prop::sample::select(vec![0.01_f32, 0.5, 1.0])) {
        grid::never_under_fills(&cells(missed), &case, 0.0)?;
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

#[test]
fn what_cannot_be_searched_is_refused_and_zeros_are_not() {
    let some = cells(MISSED);
    for make in exact_ones()
        .iter()
        .map(|make| make as Maker<'_>)
        .chain([&some as Maker<'_>])
    {
        grid::refuses_what_it_cannot_search(make);
    }
    exact_ones().iter().for_each(|make| grid::takes_zeros(make));
}

/// With centres or without: what is expected to be found is found, by far less than all cells where there are centres.
#[test]
fn recall_at_500_is_as_promised_on_clustered_and_on_isotropic_rows() {
    for (seed, centres, width) in [(1, 200, 0.4), (2, 1, 1.0), (3, 20, 0.7)] {
        let rows = clustered(seed, 20_000, 64, centres, width);
        let mean = grid::mean_recall(&cells(MISSED), &rows, 64, 500);
        assert!(mean >= 0.97, "{centres} centres: {mean}");
        assert_eq!(grid::mean_recall(&exact, &rows, 64, 500), 1.0);
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
fn rows_that_contradict_one_another_are_refused() {
    let exact = |dim, levels: usize, scales: &[f32], values: Vec<f32>| {
        ExactIndex::new(dim, &vec![0; levels], scales, values)
            .unwrap_err()
            .code()
    };
    assert_eq!(exact(0, 0, &[], vec![]), Code::BundleInconsistent);
    assert_eq!(exact(2, 3, &[1.0, 1.0], vec![0.0; 4]), Code::BundleInconsistent);
    assert_eq!(exact(2, 4, &[1.0, 1.0], vec![0.0; 3]), Code::BundleInconsistent);
    assert_eq!(exact(2, 2, &[1.0], vec![0.0, f32::INFINITY]), Code::NotFinite);
    assert_eq!(exact(2, 2, &[f32::NAN], vec![0.0; 2]), Code::NotFinite);
    let cells = |dim, values: Vec<f32>| CellIndex::new(dim, values, 0.0).unwrap_err().code();
    assert_eq!(cells(0, vec![]), Code::BundleInconsistent);
    assert_eq!(cells(2, vec![0.0; 3]), Code::BundleInconsistent);
    assert_eq!(cells(2, vec![0.0, f32::INFINITY]), Code::NotFinite);
}
