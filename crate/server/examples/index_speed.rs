//! Speed and recall of the embedded indices on vectors of others: our side of `npm run bench:ann`.
//!
//! ```text
//! cargo run --release -p upnext-server --example index_speed -- ROWS.npy QUERIES.npy TRUTH.npy
//! ```
//! Rows and queries are float32 `[n, dim]`, the truth is int32 `[queries, k]`: rows of the largest inner products. Each
//! line of standard input names an index, `exact`, or `cells` with the share that it may miss (`cells 0.01`); it is built
//! once, then every line asks it all queries on one thread, and prints JSON: seconds of building, processor seconds of all
//! queries together, recall. Reads Linux's account of processor time.

use std::collections::BTreeMap;
use std::io::{BufRead, Error, Write};
use std::time::Instant;

use upnext_core::quantize;
use upnext_server::vector_index::{CellIndex, ExactIndex, VectorIndex};

/// Processor time that is measured at least: the account moves on in steps of some milliseconds.
const LEAST_SECONDS: f64 = 0.25;

/// The index that a line names, over these rows.
fn build(name: &str, dim: usize, rows: &[f32]) -> Result<Box<dyn VectorIndex>, Error> {
    if let Some(missed) = name.strip_prefix("cells ") {
        let missed = missed.trim().parse().map_err(Error::other)?;
        return Ok(Box::new(
            CellIndex::new(dim, rows.to_vec(), missed).map_err(Error::other)?,
        ));
    }
    if name != "exact" {
        return Err(Error::other(format!("no index is called {name}")));
    }
    let mut levels = vec![0; rows.len()];
    let scales: Vec<f32> = (rows.chunks_exact(dim).zip(levels.chunks_exact_mut(dim)))
        .map(|(row, out)| quantize(row, out))
        .collect();
    let index = ExactIndex::new(dim, &levels, &scales, rows.to_vec()).map_err(Error::other)?;
    Ok(Box::new(index))
}

fn main() -> Result<(), Error> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [rows, queries, truth] = files.as_slice() else {
        return Err(Error::other("three files are needed: rows, queries, truth"));
    };
    let (dim, rows) = array(rows, "<f4", f32::from_le_bytes)?;
    let (_, queries) = array(queries, "<f4", f32::from_le_bytes)?;
    let (k, truth) = array(truth, "<i4", i32::from_le_bytes)?;

    let mut built: BTreeMap<String, (Box<dyn VectorIndex>, f64)> = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let name = line?;
        if !built.contains_key(&name) {
            let started = Instant::now();
            let index = build(&name, dim, &rows)?;
            built.insert(name.clone(), (index, started.elapsed().as_secs_f64()));
        }
        let Some((index, build_seconds)) = built.get(&name) else {
            continue;
        };
        let started = processor_seconds()?;
        let mut answers = Vec::with_capacity(queries.len() / dim);
        let (mut passes, mut passed) = (0.0, 0.0);
        while passed < LEAST_SECONDS {
            answers.clear();
            for query in queries.chunks_exact(dim) {
                answers.push(index.search(query, k, None).map_err(Error::other)?);
            }
            passes += 1.0;
            passed = processor_seconds()? - started;
        }
        let seconds = passed / passes;
        let found: usize = (answers.iter().zip(truth.chunks_exact(k)))
            .map(|(hits, truth)| {
                let mut rows: Vec<i32> = hits.iter().map(|hit| hit.row.cast_signed()).collect();
                rows.sort_unstable();
                truth.iter().filter(|row| rows.binary_search(row).is_ok()).count()
            })
            .sum();
        let recall = found as f64 / truth.len() as f64;
        println!("{{\"build_seconds\": {build_seconds:.3}, \"seconds\": {seconds:.6}, \"recall\": {recall:.5}}}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Seconds that this thread has had a processor for: what others do on the machine meanwhile is not in them.
fn processor_seconds() -> Result<f64, Error> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split_whitespace().next().unwrap_or_default();
    Ok(nanoseconds.parse::<f64>().map_err(Error::other)? / 1e9)
}

/// Width and values of a two-dimensional array as NumPy saves it.
fn array<T>(path: &str, kind: &str, value: fn([u8; 4]) -> T) -> Result<(usize, Vec<T>), Error> {
    let bytes = std::fs::read(path)?;
    let unreadable = || Error::other(format!("{path} is no array of {kind} in two dimensions"));
    let length = bytes.get(8..10).ok_or_else(unreadable)?;
    let data = 10 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    let header = String::from_utf8_lossy(bytes.get(10..data).ok_or_else(unreadable)?).into_owned();
    let shape = header
        .split("'shape': (")
        .nth(1)
        .and_then(|rest| rest.split(')').next());
    let shape: Vec<usize> = (shape.unwrap_or_default().split(','))
        .filter_map(|size| size.trim().parse().ok())
        .collect();
    let is_plain = header.contains(&format!("'{kind}'")) && header.contains("'fortran_order': False");
    match shape.as_slice() {
        [_, width] if is_plain => Ok((
            *width,
            bytes[data..].as_chunks::<4>().0.iter().map(|b| value(*b)).collect(),
        )),
        _ => Err(unreadable()),
    }
}
