#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use upnext_core::Code;

use super::centres::{Centres, train};
use super::group::{ByteQuery, Columns, Found, GROUP, Groups, PAD, QUAD, scan, scan_narrow, scan_portable};
use super::{CellIndex, MISSED};
use crate::vector_index::tests::{naive, noise};
use crate::vector_index::{Hit, RowSet, VectorIndex};

/// Sums of four values of noise: near enough to normal.
fn normal(seed: u64, len: usize) -> Vec<f32> {
    noise(seed, 4 * len)
        .chunks_exact(4)
        .map(|four| four.iter().sum())
        .collect()
}

/// Rows round `centres` centres; with one they are alike in all directions.
fn clustered(seed: u64, count: usize, dim: usize, centres: usize, width: f32) -> Vec<f32> {
    let middle = normal(seed ^ 1, centres * dim);
    let mut rows = normal(seed, count * dim);
    for (row, values) in rows.chunks_exact_mut(dim).enumerate() {
        let middle = &middle[row * 7 % centres * dim..][..dim];
        values.iter_mut().zip(middle).for_each(|(v, m)| *v = *v * width + m);
    }
    rows
}

fn recall(found: &[Hit], truth: &[Hit]) -> f64 {
    let rows: std::collections::BTreeSet<u32> = found.iter().map(|hit| hit.row).collect();
    truth.iter().filter(|hit| rows.contains(&hit.row)).count() as f64 / truth.len() as f64
}

proptest! {
    /// With every cell the search is exact: hits, scores and order are the oracle's, for any width, count, k and filter.
    #[test]
    fn all_cells_equal_the_naive_oracle(
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
        let index = CellIndex::new(dim, rows.clone(), 0.0).unwrap();
        prop_assert!(index.is_exact());
        prop_assert_eq!(index.search(&query, k, allowed).unwrap(), naive(&rows, dim, &query, k, allowed));
    }

    /// However little is scanned, a filter never under-fills, every hit is allowed, scores are exact and in order.
    #[test]
    fn a_filter_never_under_fills(
        seed: u64,
        dim in 1_usize..40,
        count in 0_usize..600,
        k in 1_usize..120,
        modulus in 1_usize..60,
        missed in prop::sample::select(vec![0.0_f32, 0.01, 0.5, 1.0]),
    ) {
        let rows = clustered(seed, count, dim, 9, 0.2);
        let query = noise(seed ^ 1, dim);
        let allowed = RowSet::new(count, |row| row % modulus == 0);
        let hits = CellIndex::new(dim, rows.clone(), missed).unwrap().search(&query, k, Some(&allowed)).unwrap();
        prop_assert_eq!(hits.len(), k.min(allowed.count()));
        let all = naive(&rows, dim, &query, count, Some(&allowed));
        prop_assert!(hits.iter().all(|hit| all.contains(hit)));
        prop_assert!(hits.windows(2).all(|w| w[0].score > w[1].score || (w[0].score == w[1].score && w[0].row < w[1].row)));
    }

    /// Rows that repeat have equal scores, and come by row.
    #[test]
    fn ties_are_broken_by_row(seed: u64, dim in 1_usize..40, kinds in 1_usize..5, k in 1_usize..60) {
        let kind_rows = noise(seed, kinds * dim);
        let rows: Vec<f32> = (0..100)
            .flat_map(|row| kind_rows[row % kinds * dim..(row % kinds + 1) * dim].to_vec())
            .collect();
        let query = noise(seed ^ 2, dim);
        let hits = CellIndex::new(dim, rows.clone(), 0.0).unwrap().search(&query, k, None).unwrap();
        prop_assert_eq!(hits, naive(&rows, dim, &query, k, None));
    }

    /// All kernels agree to the bit, and their scores are those of the levels.
    #[test]
    fn kernels_agree(seed: u64, pads in 1_usize..7, groups in 0_usize..5, threshold in -1.0_f32..1.0) {
        let stride = pads * PAD;
        let levels: Vec<u8> = noise(seed, groups * GROUP * stride).iter().map(|v| (v * 127.0 + 128.0) as u8).collect();
        let query: Vec<i8> = noise(seed ^ 5, stride).iter().map(|v| (v * 127.0) as i8).collect();
        let column = noise(seed ^ 6, groups * GROUP);
        let columns: Vec<Columns> = (column.as_chunks::<GROUP>().0.iter())
            .map(|column| Columns { scales: [1e-5; GROUP], residuals: column.map(f32::abs), norms: *column })
            .collect();
        let query = ByteQuery {
            offset: 128 * query.iter().map(|level| i32::from(*level)).sum::<i32>(),
            quads: query.as_chunks::<QUAD>().0.iter().map(|q| i32::from_le_bytes(q.map(i8::cast_unsigned))).collect(),
            scale: 1.0,
            norm: 0.2,
            residual: 0.05,
        };
        type Push<'a> = &'a mut dyn FnMut(Found) -> f32;
        let run = |kernel: &dyn Fn(&ByteQuery, Groups<'_>, Push<'_>)| {
            let mut all = Vec::new();
            let mut raised = threshold;
            let groups = Groups { levels: &levels, columns: &columns };
            kernel(&query, groups, &mut |found| {
                all.push(found);
                // A threshold that moves, as a search's does.
                raised += 0.01;
                raised
            });
            all
        };
        let fast = run(&|query, groups, push| scan(query, groups, 0.25, threshold, &mut |found| push(found)));
        let narrow = run(&|query, groups, push| scan_narrow(query, groups, 0.25, threshold, &mut |found| push(found)));
        let plain = run(&|query, groups, push| scan_portable(query, groups, 0.25, threshold, &mut |found| push(found)));
        prop_assert_eq!(&fast, &plain);
        prop_assert_eq!(&narrow, &plain);
        for found in &plain {
            let (group, lane) = (found.place / GROUP, found.place % GROUP);
            let naive: i64 = (0..stride)
                .map(|j| {
                    let level = i64::from(levels[group * GROUP * stride + j / QUAD * QUAD * GROUP + lane * QUAD + j % QUAD]);
                    (level - 128) * i64::from(query.quads[j / QUAD].to_le_bytes()[j % QUAD].cast_signed())
                })
                .sum();
            prop_assert_eq!(found.score, 0.25 + naive as f32 * 1e-5);
        }
    }

    /// The centre that is named is as near as any, to rounding.
    #[test]
    fn the_nearest_centre_is_the_nearest(seed: u64, dim in 1_usize..70, cells in 1_usize..60, count in 0_usize..30) {
        let (values, rows) = (noise(seed, cells * dim), noise(seed ^ 1, count * dim));
        let centres = Centres::new(&values, dim);
        for (row, nearest) in rows.chunks_exact(dim).zip(centres.nearest(&rows)) {
            let square = |cell: usize| -> f64 {
                values[cell * dim..][..dim].iter().zip(row).map(|(c, v)| f64::from(c - v).powi(2)).sum()
            };
            let least = (0..cells).map(square).fold(f64::INFINITY, f64::min);
            prop_assert!(square(nearest as usize) <= least + 1e-4 * dim as f64);
        }
    }
}

/// With centres or without: what is expected to be found is found, by far less than all cells where there are centres.
#[test]
fn recall_at_500_is_as_promised_on_clustered_and_on_isotropic_rows() {
    let (dim, count) = (64, 20_000);
    for (seed, centres, width) in [(1, 200, 0.4), (2, 1, 1.0), (3, 20, 0.7)] {
        let rows = clustered(seed, count, dim, centres, width);
        let index = CellIndex::new(dim, rows.clone(), MISSED).unwrap();
        assert!(!index.is_exact() && index.rows() == count && index.cells() > 200);
        let queries = clustered(seed ^ 1 ^ seed, 10, dim, 1, 1.0);
        let mean = (queries.chunks_exact(dim))
            .map(|query| {
                recall(
                    &index.search(query, 500, None).unwrap(),
                    &naive(&rows, dim, query, 500, None),
                )
            })
            .sum::<f64>()
            / 10.0;
        assert!(mean >= 0.97, "{centres} centres: {mean}");
    }
}

#[test]
fn cells_do_not_depend_on_the_number_of_threads() {
    let rows = clustered(4, 3000, 24, 30, 0.3);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let four = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    assert_eq!(
        one.install(|| train(&rows, 24, 50)),
        four.install(|| train(&rows, 24, 50))
    );
    let search = |pool: &rayon::ThreadPool| {
        let index = pool.install(|| CellIndex::new(24, rows.clone(), MISSED)).unwrap();
        index.search(&noise(5, 24), 40, None).unwrap()
    };
    assert_eq!(search(&one), search(&four));
}

#[test]
fn refuses_what_it_cannot_search() {
    let good = CellIndex::new(8, noise(8, 4 * 8), MISSED).unwrap();
    assert_eq!(
        good.search(&[0.0; 7], 1, None).unwrap_err().code(),
        Code::RequestInvalid
    );
    let mut query = [0.0; 8];
    query[3] = f32::NAN;
    assert_eq!(good.search(&query, 1, None).unwrap_err().code(), Code::NotFinite);
    let err = |dim, values: Vec<f32>| CellIndex::new(dim, values, 0.0).unwrap_err().code();
    assert_eq!(err(0, vec![]), Code::BundleInconsistent);
    assert_eq!(err(2, vec![0.0; 3]), Code::BundleInconsistent);
    assert_eq!(err(2, vec![0.0, f32::INFINITY]), Code::NotFinite);
    assert!(
        CellIndex::new(3, vec![], 0.0)
            .unwrap()
            .search(&[1.0; 3], 5, None)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn rows_of_zeros_and_a_query_of_zeros() {
    let mut rows = noise(9, 200 * 16);
    rows[40 * 16..150 * 16].fill(0.0);
    let index = CellIndex::new(16, rows.clone(), 0.0).unwrap();
    for query in [vec![0.0; 16], noise(10, 16)] {
        assert_eq!(
            index.search(&query, 120, None).unwrap(),
            naive(&rows, 16, &query, 120, None)
        );
    }
}
