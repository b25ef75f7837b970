//! Against a real Milvus: `npm run milvus` starts one and runs these with its address in `UPNEXT_MILVUS_URL`.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use upnext_core::Code;
use upnext_server::vector_index::{Engine, EngineOptions, MilvusIndex, Readiness, SearchError, VectorIndex};

use super::{holds, rows};

fn engine(url: &str) -> Arc<Engine> {
    Engine::new(&EngineOptions {
        url: url.to_owned(),
        token_file: None,
        timeout: Duration::from_secs(10),
        exact_rows: 10_000,
    })
    .unwrap()
}

fn real() -> Arc<Engine> {
    engine(&std::env::var("UPNEXT_MILVUS_URL").unwrap())
}

/// The name of a collection that nobody else has.
fn new_name() -> String {
    format!("test_{:016x}", RandomState::new().hash_one(0))
}

fn wait(index: &MilvusIndex) {
    let started = Instant::now();
    while index.readiness() != Readiness::Ready {
        assert!(started.elapsed() < Duration::from_secs(400), "{:?}", index.readiness());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The questions of the embedded indices: compared one by one as exact as these, in the graph nearly.
#[test]
#[ignore = "needs Milvus: npm run milvus"]
fn an_engine_holds() {
    let engine = real();
    for (dim, count, centres, recall) in [(8, 60, 1, 1.0), (48, 3_000, 20, 1.0), (64, 12_000, 200, 0.97)] {
        let rows = rows(5, count, dim, centres);
        let index = MilvusIndex::new(&engine, new_name(), dim, rows.clone()).unwrap();
        wait(&index);
        assert_eq!(index.is_exact(), count <= 10_000);
        holds(&index, &rows, dim, &[1, 10, 100, 500], 5, recall);
        let error = index.search(&vec![1.0; dim], 16_385, None).unwrap_err();
        assert_eq!(error.code(), Code::RequestInvalid);
        let name = index.name().to_owned();
        drop(index);
        engine.remove_collection(name).unwrap();
    }
}

/// Several servers that come at once: one fills, the others wait. Each of them has counted the rows: more than once none is there.
#[test]
#[ignore = "needs Milvus: npm run milvus"]
fn who_comes_first_fills_and_the_others_wait() {
    let (dim, count) = (16, 9_000);
    let rows = rows(6, count, dim, 9);
    let name = new_name();
    let engines: Vec<_> = (0..3).map(|_| real()).collect();
    let indices: Vec<_> = engines
        .iter()
        .map(|engine| MilvusIndex::new(engine, name.clone(), dim, rows.clone()).unwrap())
        .collect();
    indices.iter().for_each(wait);
    let answers: BTreeSet<Vec<u32>> = indices
        .iter()
        .map(|index| {
            index
                .search(&rows[..dim], 100, None)
                .unwrap()
                .iter()
                .map(|hit| hit.row)
                .collect()
        })
        .collect();
    assert_eq!(answers.len(), 1);
    drop(indices);
    engines[0].remove_collection(name).unwrap();
}

/// A collection that disappears is made again.
#[test]
#[ignore = "needs Milvus: npm run milvus"]
fn what_is_lost_is_filled_again() {
    let engine = real();
    let rows = rows(7, 500, 8, 3);
    let name = new_name();
    let index = MilvusIndex::new(&engine, name.clone(), 8, rows.clone()).unwrap();
    wait(&index);
    engine.remove_collection(name.clone()).unwrap();
    let started = Instant::now();
    let hits = loop {
        match index.search(&rows[..8], 20, None) {
            Ok(hits) => break hits,
            Err(error) => assert!(matches!(error, SearchError::Away { .. }), "{error}"),
        }
        assert!(started.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(hits.len(), 20);
    drop(index);
    engine.remove_collection(name).unwrap();
}

/// Without Milvus nothing is waited for: a search fails at once, and says why.
#[test]
fn an_engine_that_is_not_there_fails_at_once() {
    // Port 1 of the loopback device answers nobody.
    let engine = engine("http://127.0.0.1:1");
    let index = MilvusIndex::new(&engine, new_name(), 2, vec![1.0, 2.0]).unwrap();
    let started = Instant::now();
    let error = index.search(&[1.0, 1.0], 1, None).unwrap_err();
    assert!(matches!(error, SearchError::Away { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(matches!(index.readiness(), Readiness::Waiting { .. }));
    let cases: [(usize, Vec<f32>); 3] = [(0, vec![]), (2, vec![1.0]), (2, vec![1.0, f32::NAN])];
    for (dim, values) in cases {
        assert!(MilvusIndex::new(&engine, new_name(), dim, values).is_err());
    }
}

/// Rows of zeros alone need no engine.
#[test]
fn what_scores_nothing_is_known_without_asking() {
    let engine = engine("http://127.0.0.1:1");
    let index = MilvusIndex::new(&engine, new_name(), 2, vec![0.0; 8]).unwrap();
    wait(&index);
    let hits = index.search(&[1.0, 1.0], 3, None).unwrap();
    assert_eq!(
        hits.iter().map(|hit| (hit.row, hit.score)).collect::<Vec<_>>(),
        [(0, 0.0), (1, 0.0), (2, 0.0)]
    );
}

#[test]
fn addresses_that_are_none_are_refused() {
    for url in [
        "",
        "127.0.0.1:19530",
        "ftp://a",
        "http://",
        "http://a/b",
        "http://user:word@a",
    ] {
        let options = EngineOptions {
            url: url.to_owned(),
            token_file: None,
            timeout: Duration::from_secs(1),
            exact_rows: 10_000,
        };
        assert_eq!(Engine::new(&options).unwrap_err().code(), Code::ConfigInvalid, "{url}");
    }
}
