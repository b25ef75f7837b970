//! Natively, each in the same run as what it is compared with: the stages of a slate of 1,000 candidates, how the methods
//! of diversity grow with candidates and places, and int8 scoring against a kernel that only reads.
//!
//! `cargo run --release -p upnext-core --example pipeline_speed`, in the repository
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use prost::Message as _;
use upnext_core::block::{Block, BlockMessage};
use upnext_core::bundle::{ClientBundle, EngineKind, Pointer};
use upnext_core::diversity::{Method, Tally, UnitRows, select};
use upnext_core::engine::{CompactEngine, Engine as _};
use upnext_core::feature::encode_user;
use upnext_core::filter::filter;
use upnext_core::hash::hash64;
use upnext_core::history::{History, SearchTexts};
use upnext_core::pipeline::{Options, Viewer, recommend};
use upnext_core::reason::{Facts, Grounds, explain};
use upnext_core::signal::{SIGNAL_COUNT, signals};
use upnext_core::viewer::ViewerState;
use upnext_core::{Context, Profile, QuantRow};

const CANDIDATES: usize = 1000;
const ROUNDS: usize = 300;

/// Microseconds of one call, in the median.
fn median(rounds: usize, mut call: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

fn level(at: usize) -> i8 {
    (hash64(3, &at.to_le_bytes()) >> 56) as i8
}

fn number(at: usize) -> f32 {
    f32::from(level(at)) / 128.0
}

/// The block of a golden set, its candidates repeated with other vectors.
fn thousand(bytes: &[u8], bundle: &ClientBundle) -> Block {
    let small = BlockMessage::decode(bytes).unwrap();
    let n = small.ids.len();
    let mut message = small.clone();
    macro_rules! repeat { ($($name:ident),*) => { $(message.$name = (0..CANDIDATES).map(|i| small.$name[i % n].clone()).collect();)* } }
    repeat!(
        vector_scales,
        factor_scales,
        sources,
        server_scores,
        priors,
        effects,
        log_popularity,
        length_seconds,
        published_at_ms,
        languages,
        ratings,
        channels
    );
    let levels = |width: u32| (0..CANDIDATES * width as usize).map(|at| level(at).max(-127).cast_unsigned());
    message.vectors = levels(small.vector_dim).collect();
    message.factors = levels(small.factor_dim).rev().collect();
    message.ids = (0..CANDIDATES).map(|i| format!("c{i:04}")).collect();
    message.tag_counts = vec![0; CANDIDATES];
    message.expires_at_ms = i64::MAX;
    (message.tags, message.titles, message.thumbnails) = Default::default();
    let id = &bundle.model.bundle_id;
    Block::from_message(message, id, bundle.model.dims()).unwrap()
}

fn stages() {
    let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/trained");
    let read = |path: &str| std::fs::read(set.join(path)).ok();
    let Pointer { bundle: id } = Pointer::parse(&read("current.json").unwrap()).unwrap();
    let manifest = read(&format!("{id}/manifest.json")).unwrap();
    let file = |path: &str| read(&format!("{id}/{path}"));
    let bundle = ClientBundle::assemble(&id, &manifest, EngineKind::Compact, file).unwrap();
    let block = thousand(&read("block.pb").unwrap(), &bundle);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&read("rows.json").unwrap()).unwrap();
    let row = &rows[0];
    let viewer = Viewer {
        profile: Profile::from_json(row["profile"].to_string().as_bytes()).unwrap(),
        history: History::parse(row["history"].to_string().as_bytes()).unwrap(),
    };
    let context: Context = serde_json::from_value(row["context"].clone()).unwrap();
    let options = Options {
        size: 20,
        diversity: 0.5,
        method: Method::Dpp,
        ..Options::default()
    };
    let (model, mut engine) = (&bundle.model, CompactEngine::new(&bundle).unwrap());
    let whole = median(ROUNDS, || {
        black_box(recommend(&mut engine, model, &block, &viewer, &context, &options).unwrap());
    });
    println!("a slate of {CANDIDATES} candidates, 20 videos by dpp: {whole:.0} µs");
    let told = std::cell::Cell::new(0.0);
    let tell = |what: &str, micros: f64| {
        told.set(told.get() + micros);
        println!("  {what}: {micros:.0} µs, {:.0} %", 100.0 * micros / whole);
    };
    let texts = SearchTexts::new(&viewer.history, model);
    let past = viewer.history.past(model, &texts);
    let encode = || {
        encode_user(
            &model.spec,
            &model.gram,
            &model.folding,
            &viewer.profile,
            &context,
            &past,
        )
        .unwrap()
    };
    tell("encode", median(ROUNDS, || drop(black_box(encode()))));
    let user = encode();
    let twice = median(ROUNDS, || drop(black_box(engine.user_vector(&user).unwrap())));
    tell("user tower, twice", 2.0 * twice);
    let vector = engine.user_vector(&user).unwrap();
    let sift = || filter(&block, &viewer.profile, &past, context.now_ms, None, &model.folding);
    tell("filter", median(ROUNDS, || drop(black_box(sift()))));
    let (kept, _) = sift();
    let mut values = Vec::new();
    let told_signals = median(ROUNDS, || {
        let state = ViewerState::new(&model.spec, &context, &past, &user, &vector);
        values.clear();
        for candidate in kept.iter().filter_map(|row| block.candidate(*row)) {
            values.extend(signals(&state, &candidate));
        }
    });
    tell("signals", told_signals);
    let rank = median(ROUNDS, || {
        drop(black_box(engine.rank(&values, values.len() / SIGNAL_COUNT).unwrap()))
    });
    tell("ranker", rank);
    let relevance: Vec<f32> = (0..kept.len()).map(number).collect();
    let width = model.dims().vector;
    let dpp = median(ROUNDS, || {
        let mut rows = UnitRows::new(width, kept.len());
        for vector in kept.iter().filter_map(|row| block.vector(*row)) {
            rows.push_levels(vector.values);
        }
        let mut spread = Method::Dpp.spread(&rows, kept.len());
        black_box(select(&relevance, &mut *spread, 20, 0.5, &mut Tally::default(), None));
    });
    tell("diversity", dpp);
    let mut directions = UnitRows::new(width, kept.len());
    for vector in kept.iter().filter_map(|row| block.vector(*row)) {
        directions.push_levels(vector.values);
    }
    let facts = || {
        kept.iter().enumerate().filter_map(|(at, row)| {
            Some(Facts {
                vector: block.vector(*row)?,
                affinity: number(at),
                log_popularity: block.log_popularity(*row),
                published_at_ms: block.published_at_ms(*row),
            })
        })
    };
    let grounds = Grounds {
        now_ms: context.now_ms,
        history: &past,
        cold: false,
        moment: &vector,
    };
    let why = median(ROUNDS, || {
        drop(black_box(explain(
            &facts().collect::<Vec<_>>(),
            &directions,
            &grounds,
            0..20,
        )))
    });
    tell("reasons", why);
    tell("history, order, receipt", whole - told.get());
}

/// Microseconds and how they grow with each doubling: about 2 where the cost is linear.
fn growth() {
    let width = 64;
    let time = |method: Method, candidates: usize, places: usize| {
        let mut rows = UnitRows::new(width, candidates);
        (0..candidates).for_each(|row| rows.push((0..width).map(|i| number(row * width + i))));
        let relevance: Vec<f32> = (0..candidates).map(|row| number(7 + row)).collect();
        median(ROUNDS / 10, || {
            let mut spread = method.spread(&rows, candidates);
            black_box(select(
                &relevance,
                &mut *spread,
                places,
                0.5,
                &mut Tally::default(),
                None,
            ));
        })
    };
    for method in Method::ALL {
        for (what, sizes) in [
            (
                "candidates, 20 places",
                [250, 500, 1000, 2000, 4000].map(|n| (n, n, 20)),
            ),
            ("places of 1000", [10, 20, 40, 80, 160].map(|k| (k, 1000, k))),
        ] {
            let times = sizes.map(|(size, candidates, places)| (size, time(method, candidates, places)));
            let told: Vec<String> = times
                .iter()
                .map(|(size, micros)| format!("{size}: {micros:.0} µs"))
                .collect();
            let ratios: Vec<String> = times
                .windows(2)
                .map(|pair| format!("{:.2}", pair[1].1 / pair[0].1))
                .collect();
            println!(
                "{} by {what}: {}; each doubling × {}",
                method.as_str(),
                told.join(", "),
                ratios.join(", ")
            );
        }
    }
}

/// Int8 rows of 64 against a user vector, and against reading the same bytes.
fn scoring() {
    for rows in [10_000, 1_000_000] {
        let values: Vec<i8> = (0..rows * 64).map(level).collect();
        let user: Vec<f32> = (0..64).map(number).collect();
        let levels: Vec<i8> = (0..64).map(level).collect();
        let of = |values: &[i8], mut each: Box<dyn FnMut(QuantRow<'_>) -> f32>| -> f32 {
            values
                .chunks_exact(64)
                .map(|values| each(QuantRow { scale: 0.01, values }))
                .sum()
        };
        let rounds = if rows > 100_000 { 20 } else { ROUNDS };
        let float = median(rounds, || {
            let user = user.clone();
            black_box(of(&values, Box::new(move |row| row.dot(&user))));
        });
        let whole = median(rounds, || {
            let levels = levels.clone();
            black_box(of(
                &values,
                Box::new(move |row| {
                    row.level_dot(QuantRow {
                        scale: 1.0,
                        values: &levels,
                    }) as f32
                }),
            ));
        });
        // Sixteen sums of whole words: what a core can read.
        let stream = median(rounds, || {
            let mut sums = [0_u64; 16];
            for words in values.as_chunks::<128>().0 {
                for (sum, word) in sums.iter_mut().zip(words.as_chunks::<8>().0) {
                    *sum = sum.wrapping_add(u64::from_le_bytes(word.map(i8::cast_unsigned)));
                }
            }
            black_box(sums);
        });
        let gigabytes = |micros: f64| values.len() as f64 / micros / 1e3;
        println!(
            "{rows} × 64 int8: against f32 {float:.0} µs ({:.1} GB/s), against int8 {whole:.0} µs ({:.1} GB/s), reading alone {stream:.0} µs \
             ({:.1} GB/s): {:.2}× and {:.2}× the time of reading",
            gigabytes(float),
            gigabytes(whole),
            gigabytes(stream),
            float / stream,
            whole / stream
        );
    }
}

fn main() {
    stages();
    growth();
    scoring();
}
