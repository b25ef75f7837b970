//! What every index is held to, embedded or an engine's: the same questions beside the naive oracle.

#[cfg(feature = "milvus")]
mod milvus;

use std::collections::{BTreeMap, BTreeSet};

use upnext_core::{Code, quantize};
use upnext_server::vector_index::{CellIndex, ExactIndex, Hit, MISSED, RowSet, VectorIndex, inner_product};

use super::fixture::noise;

/// The oracle: score every allowed row, sort, cut.
fn naive(rows: &[f32], dim: usize, query: &[f32], k: usize, allowed: Option<&RowSet>) -> Vec<Hit> {
    let scored = rows.chunks_exact(dim).zip(0..).map(|(values, row)| Hit {
        row,
        score: inner_product(query, values),
    });
    let mut hits: Vec<Hit> = scored
        .filter(|hit| allowed.is_none_or(|set| set.contains(hit.row as usize)))
        .collect();
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    hits.truncate(k);
    hits
}

/// Rows round `centres` centres, some of them zero and some the same.
fn rows(seed: u64, count: usize, dim: usize, centres: usize) -> Vec<f32> {
    let middle = noise(seed ^ 1, centres * dim);
    let mut rows = noise(seed, count * dim);
    for (row, values) in rows.chunks_exact_mut(dim).enumerate() {
        match row % 50 {
            7 => values.fill(0.0),
            // Three to a value.
            8 | 9 => values.copy_from_slice(&middle[..dim]),
            _ => values
                .iter_mut()
                .zip(&middle[row * 7 % centres * dim..])
                .for_each(|(v, m)| *v = 0.4 * *v + m),
        }
    }
    rows
}

/// Filters that viewers, regions and takedowns make, and what is hardest for an index: `k` and more of the best may not be shown.
fn filters(rows: &[f32], dim: usize, query: &[f32], k: usize) -> Vec<(&'static str, Option<RowSet>)> {
    let count = rows.len() / dim;
    let best: BTreeSet<usize> = naive(rows, dim, query, 2 * k + 3, None)
        .iter()
        .map(|hit| hit.row as usize)
        .collect();
    let set = |keep: &dyn Fn(usize) -> bool| Some(RowSet::new(count, keep));
    vec![
        ("none", None),
        ("all allowed", Some(RowSet::new(count + 9, |_| true))),
        ("nothing allowed", set(&|_| false)),
        ("one row", set(&|row| row == count / 2)),
        ("half", set(&|row| row % 2 == 0)),
        ("one in 97", set(&|row| row % 97 == 3)),
        ("a few taken down", set(&|row| row % 41 != 0)),
        ("the best are not allowed", set(&|row| !best.contains(&row))),
    ]
}

/// Panics unless the index over these rows is full, allowed, scored by the inner product and in order whatever is asked, and
/// finds at least `recall` of the best, on average over the queries of each filter.
fn holds(index: &dyn VectorIndex, rows: &[f32], dim: usize, sizes: &[usize], queries: u64, recall: f64) {
    let count = rows.len() / dim;
    assert_eq!((index.rows(), index.dim()), (count, dim));
    for k in sizes {
        let mut found = BTreeMap::new();
        for seed in 0..queries {
            let query = noise(1000 + seed, dim);
            for (name, allowed) in filters(rows, dim, &query, *k) {
                let hits = index.search(&query, *k, allowed.as_ref()).unwrap();
                let truth = naive(rows, dim, &query, *k, allowed.as_ref());
                assert_eq!(hits.len(), truth.len(), "{name}, k = {k}: a filter never under-fills");
                for hit in &hits {
                    assert!(
                        allowed.as_ref().is_none_or(|set| set.contains(hit.row as usize)),
                        "{name}, k = {k}"
                    );
                    assert_eq!(hit.score, inner_product(&query, &rows[hit.row as usize * dim..][..dim]));
                }
                let in_order = |w: &[Hit]| w[0].score > w[1].score || (w[0].score == w[1].score && w[0].row < w[1].row);
                assert!(
                    hits.windows(2).all(in_order),
                    "{name}, k = {k}: by score, ties by row, each row once"
                );
                // Which of the rows with the last score are in it is open where scores are equal.
                let Some(last) = truth.last() else { continue };
                let good = hits.iter().filter(|hit| hit.score >= last.score).count();
                let (sum, of) = found.entry(name).or_insert((0, 0));
                (*sum, *of) = (*sum + good, *of + truth.len());
            }
        }
        for (name, (good, of)) in found {
            assert!(good as f64 >= recall * of as f64, "{name}, k = {k}: {good} of {of}");
        }
    }
    assert!(index.search(&noise(1, dim), 0, None).unwrap().is_empty());
    let refused = |query: &[f32]| index.search(query, 1, None).unwrap_err().code();
    assert_eq!(refused(&vec![0.0; dim + 1]), Code::RequestInvalid);
    assert_eq!(refused(&vec![f32::NAN; dim]), Code::NotFinite);
}

#[test]
fn embedded_indices_hold() {
    for (dim, count, centres) in [(8, 60, 1), (24, 700, 9)] {
        let rows = rows(5, count, dim, centres);
        let mut levels = vec![0; rows.len()];
        let pairs = rows.chunks_exact(dim).zip(levels.chunks_exact_mut(dim));
        let scales: Vec<f32> = pairs.map(|(row, out)| quantize(row, out)).collect();
        let sizes = [1, 10, 100];
        let exact = ExactIndex::new(dim, &levels, &scales, rows.clone()).unwrap();
        holds(&exact, &rows, dim, &sizes, 5, 1.0);
        holds(
            &CellIndex::new(dim, rows.clone(), 0.0).unwrap(),
            &rows,
            dim,
            &sizes,
            5,
            1.0,
        );
        holds(
            &CellIndex::new(dim, rows.clone(), MISSED).unwrap(),
            &rows,
            dim,
            &sizes,
            5,
            0.9,
        );
    }
}
