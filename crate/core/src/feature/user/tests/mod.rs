#![allow(clippy::unwrap_used)]
use super::*;
use crate::feature::fixture::spec;
use crate::{Code, EventKind, QuantRow};
use proptest::prelude::*;

const DAY: i64 = 86_400_000;
const NOW: i64 = 1_700_000_000_000;
const VIDEOS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const VECTORS: [[i8; 4]; 6] = [
    [127, 0, 0, 0],
    [0, 127, 0, 0],
    [-5, 90, 127, 1],
    [50, -127, 3, 9],
    [1, 2, 3, 127],
    [-127, 8, 8, 8],
];
const FACTORS: [[i8; 3]; 6] = [
    [127, 0, 0],
    [0, 127, 0],
    [3, 4, 127],
    [-127, 60, 0],
    [5, 127, 99],
    [90, 90, 127],
];
const SCALE: f32 = 1.0 / 127.0;

fn gram() -> Gram {
    let rows: Vec<f32> = FACTORS.iter().flatten().map(|v| f32::from(*v) * SCALE).collect();
    Gram::of(3, &rows)
}

fn context() -> Context {
    Context {
        now_ms: NOW,
        ..Context::default()
    }
}

fn event(kind: EventKind, days_ago: i64, video: usize, fraction: Option<f32>) -> PastEvent<'static> {
    PastEvent {
        video: Some(VIDEOS[video]),
        fraction,
        vector: Some(QuantRow {
            scale: SCALE,
            values: &VECTORS[video],
        }),
        factor: Some(QuantRow {
            scale: SCALE,
            values: &FACTORS[video],
        }),
        ..PastEvent::new(kind, NOW - days_ago * DAY)
    }
}

fn encode(history: &[PastEvent<'_>]) -> EncodedUser {
    encode_user(
        &spec(),
        &gram(),
        Folding::current(),
        &Profile::default(),
        &context(),
        history,
    )
    .unwrap()
}

prop_compose! {
    fn any_event()(
        kind in 0..EventKind::ALL.len(), at in 1..40 * DAY, video in 0..VIDEOS.len(),
        fraction in proptest::option::of(0.0..=1.0_f32),
    ) -> PastEvent<'static> {
        PastEvent { at_ms: NOW - at, ..event(EventKind::ALL[kind], 0, video, fraction) }
    }
}

mod facts;
mod pools;
