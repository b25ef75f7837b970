//! What the personal head costs: microseconds for a slate's head and for one label of it.
//!
//! `cargo run --release -p upnext-core --example personal_speed`

use std::time::Instant;

use upnext_core::encounter::encounters;
use upnext_core::feature::PastEvent;
use upnext_core::hash::hash64;
use upnext_core::personal::{MAX_EVIDENCE, Personal, Tuning};
use upnext_core::{EventKind, QuantRow};

const WIDTH: usize = 64;
const ROUNDS: usize = 200;

fn main() {
    let level = |at: usize| (hash64(1, &at.to_le_bytes()) >> 56) as i8;
    let rows: Vec<Vec<i8>> = (0..MAX_EVIDENCE)
        .map(|n| (0..WIDTH).map(|i| level(n * WIDTH + i)).collect())
        .collect();
    let names: Vec<String> = (0..MAX_EVIDENCE).map(|n| n.to_string()).collect();
    let past: Vec<PastEvent<'_>> = rows
        .iter()
        .zip(&names)
        .enumerate()
        .map(|(n, (values, name))| PastEvent {
            video: Some(name),
            vector: Some(QuantRow { scale: 0.01, values }),
            expected: Some(0.0),
            ..PastEvent::new(EventKind::Impression, n as i64 * 3_600_000)
        })
        .collect();
    let now_ms = MAX_EVIDENCE as i64 * 3_600_000;
    let met = encounters(7, &past, now_ms);
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let head = Personal::of(&Tuning::CURRENT, WIDTH, &past, &met, now_ms);
            let taken = start.elapsed().as_secs_f64() * 1e6;
            assert_eq!(head.standing().evidence, MAX_EVIDENCE);
            taken
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (median, p99) = (times[ROUNDS / 2], times[ROUNDS * 99 / 100]);
    println!("head of {MAX_EVIDENCE} encounters, {WIDTH} wide: median {median:.0} µs, p99 {p99:.0} µs");
    println!("each of them: median {:.2} µs", median / MAX_EVIDENCE as f64);
}
