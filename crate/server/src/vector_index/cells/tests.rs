#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::centres::{Centres, train};
use super::group::{ByteQuery, Columns, Found, GROUP, Groups, PAD, QUAD, ZEROS, put, scan, scan_narrow, scan_portable};
use super::{CellIndex, MISSED};
use crate::vector_index::VectorIndex;
use crate::vector_index::grid::{clustered, noise};

proptest! {
    /// All kernels agree to the bit, and their scores are those of the levels.
    #[test]
    fn kernels_agree(seed: u64, pads in 1_usize..7, groups in 0_usize..5, threshold in -1.0_f32..1.0) {
        let stride = pads * PAD;
        let values: Vec<i8> = noise(seed, groups * GROUP * stride).iter().map(|v| (v * 8.0).floor() as i8).collect();
        let mut levels = vec![ZEROS; groups * GROUP * stride / 2];
        for (place, row) in values.chunks_exact(stride).enumerate() {
            let group = &mut levels[place / GROUP * GROUP * stride / 2..][..GROUP * stride / 2];
            row.iter().enumerate().for_each(|(j, level)| put(group, place % GROUP, j, *level));
        }
        let query: Vec<i8> = noise(seed ^ 5, stride).iter().map(|v| (v * 127.0) as i8).collect();
        let columns: Vec<Columns> = (noise(seed ^ 6, groups).into_iter())
            .map(|value| Columns { scale: 1e-4, reach: value.abs(), deviation: value * value, norm: value })
            .collect();
        let query = ByteQuery {
            offset: 8 * query.iter().map(|level| i32::from(*level)).sum::<i32>(),
            quads: query.as_chunks::<QUAD>().0.iter().map(|q| i32::from_le_bytes(q.map(i8::cast_unsigned))).collect(),
            scale: 1.0,
            reach: 0.2,
            deviation: 0.1,
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
            let row = &values[found.place * stride..][..stride];
            let query = query.quads.iter().flat_map(|quad| quad.to_le_bytes());
            let naive: i64 = row.iter().zip(query).map(|(v, q)| i64::from(*v) * i64::from(q.cast_signed())).sum();
            prop_assert_eq!(found.score, 0.25 + naive as f32 * 1e-4);
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

/// A sample has a cell for every hundred rows, and searches do not look into all of them.
#[test]
fn cells_are_many_and_searches_are_not_exact() {
    let index = CellIndex::new(16, clustered(1, 20_000, 16, 200, 0.4), MISSED).unwrap();
    assert!(!index.is_exact() && index.rows() == 20_000 && index.cells() > 200);
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
