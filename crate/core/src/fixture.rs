//! A small world for tests: a model with made-up weights, blocks, viewers.

use crate::block::{BLOCK_VERSION, Block, BlockMessage, source};
use crate::bundle::ClientModel;
use crate::engine::{CompactEngine, HEADS};
use crate::feature::{UserLayout, fixture::spec};
use crate::fold_in::Gram;
use crate::hash::hash64;
use crate::head::HeadWeights;
use crate::history::Feedback;
use crate::pipeline::Viewer;
use crate::program::Program;
use crate::program::format::*;
use crate::signal::SIGNAL_COUNT;
use crate::text::Folding;
use crate::{Context, EventKind, Profile};

/// Now of every test.
pub(crate) const NOW: i64 = 1_700_000_000_000;
/// Id of the test bundle.
pub(crate) const ID: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A number in −1..1 that depends on `seed` and `index` alone.
pub(crate) fn noise(seed: u64, index: usize) -> f32 {
    let bits = hash64(seed, &(index as u64).to_le_bytes()) >> 40;
    bits as f32 / (1_u64 << 23) as f32 - 1.0
}

pub(crate) fn tensor(rows: usize, cols: usize, seed: u64) -> TensorMessage {
    let data = (0..rows * cols).flat_map(|i| noise(seed, i).to_le_bytes()).collect();
    TensorMessage {
        rows: rows as u32,
        cols: cols as u32,
        dtype: 0,
        scales: Vec::new(),
        data,
    }
}

pub(crate) fn op(code: OpCode, inputs: &[u32], tensors: &[u32]) -> OpMessage {
    OpMessage {
        code: code as i32,
        inputs: inputs.into(),
        tensors: tensors.into(),
        ..OpMessage::default()
    }
}

pub(crate) fn input(name: &str, width: usize, ids: bool) -> InputMessage {
    InputMessage {
        name: name.into(),
        width: width as u32,
        ids,
    }
}

/// Embeddings of two for each column, one dense layer, length 1.
pub(crate) fn user_tower() -> ProgramMessage {
    let spec = spec();
    let layout = UserLayout::new(&spec);
    let columns = layout.categorical.len();
    let mut ops = Vec::new();
    let mut tensors = Vec::new();
    for (at, column) in layout.categorical.iter().enumerate() {
        ops.push(OpMessage {
            params: vec![at as u32],
            ..op(OpCode::Gather, &[0], &[at as u32])
        });
        tensors.push(tensor(column.rows as usize, 2, 100 + at as u64));
    }
    let gathered: Vec<u32> = (0..columns as u32).map(|i| 2 + i).chain([1]).collect();
    ops.push(op(OpCode::Concat, &gathered, &[]));
    tensors.push(tensor(2 * columns + layout.dense, spec.vector_dim as usize, 1));
    tensors.push(tensor(1, spec.vector_dim as usize, 2));
    let next = (2 + columns) as u32;
    ops.push(op(OpCode::Dense, &[next], &[columns as u32, columns as u32 + 1]));
    ops.push(OpMessage {
        scalars: vec![1e-12],
        ..op(OpCode::L2Norm, &[next + 1], &[])
    });
    ProgramMessage {
        version: PROGRAM_VERSION,
        inputs: vec![input("categorical", columns, true), input("dense", layout.dense, false)],
        ops,
        tensors,
        output: next + 2,
    }
}

/// One hidden layer of four.
pub(crate) fn ranker() -> ProgramMessage {
    ProgramMessage {
        version: PROGRAM_VERSION,
        inputs: vec![input("signals", SIGNAL_COUNT, false)],
        ops: vec![
            op(OpCode::Dense, &[0], &[0, 1]),
            op(OpCode::Relu, &[1], &[]),
            op(OpCode::Dense, &[2], &[2]),
        ],
        tensors: vec![tensor(SIGNAL_COUNT, 4, 3), tensor(1, 4, 4), tensor(4, HEADS.len(), 5)],
        output: 3,
    }
}

pub(crate) fn gram() -> Vec<f32> {
    vec![2.0, 0.5, 0.0, 0.5, 3.0, 0.25, 0.0, 0.25, 1.0]
}

pub(crate) fn model() -> ClientModel {
    ClientModel {
        bundle_id: ID.into(),
        spec: spec(),
        gram: Gram::new(3, gram()).unwrap(),
        folding: Folding::current().clone(),
        head_weights: HeadWeights {
            liked: Some(0.0),
            finished: Some(0.0),
            watched: Some(0.0),
            ..HeadWeights::RELEVANT
        },
        alignment: None,
    }
}

pub(crate) fn engine() -> CompactEngine {
    let program = |message| Program::from_message(message).unwrap();
    CompactEngine::from_programs(&spec(), program(user_tower()), program(ranker())).unwrap()
}

/// `n` candidates `v000`, `v001`, …, all unlike.
pub(crate) fn message(n: usize) -> BlockMessage {
    let column = |seed: u64| (0..n).map(|i| noise(seed, i)).collect::<Vec<f32>>();
    let levels = |seed: u64, len: usize| {
        (0..len)
            .map(|i| ((noise(seed, i) * 127.0) as i8).cast_unsigned())
            .collect()
    };
    BlockMessage {
        version: BLOCK_VERSION,
        bundle_id: ID.into(),
        expires_at_ms: NOW + 1,
        ids: (0..n).map(|i| format!("v{i:03}")).collect(),
        vector_dim: 4,
        vectors: levels(10, 4 * n),
        vector_scales: vec![1.0 / 127.0; n],
        factor_dim: 3,
        factors: levels(11, 3 * n),
        factor_scales: vec![0.01; n],
        sources: vec![source::POPULAR; n],
        server_scores: column(12),
        priors: column(13),
        effects: column(14),
        log_popularity: column(15).iter().map(|v| v + 1.0).collect(),
        length_seconds: (0..n)
            .map(|i| if i % 7 == 6 { -1.0 } else { 20.0 + i as f32 })
            .collect(),
        published_at_ms: (0..n as i64)
            .map(|i| if i % 5 == 4 { i64::MIN } else { NOW - i * 86_400_000 })
            .collect(),
        languages: (0..n as u32).map(|i| i % 3).collect(),
        ratings: (0..n as u32).map(|i| [0, 3, 4][(i % 3) as usize]).collect(),
        channels: (0..n as u32).map(|i| [5, 0, 6][(i % 3) as usize]).collect(),
        tag_counts: (0..n as u32).map(|i| i % 3).collect(),
        tags: (0..n as u32).flat_map(|i| (0..i % 3).map(|t| 7 + t)).collect(),
        dictionary: ["en", "hi", "G", "R", "ch1", "ch2", "music", "猫"]
            .map(String::from)
            .into(),
        titles: (0..n).map(|i| format!("Video {i}")).collect(),
        thumbnails: Vec::new(),
        removed: Vec::new(),
        ..BlockMessage::default()
    }
}

pub(crate) fn block(n: usize) -> Block {
    Block::from_message(message(n), ID, model().dims()).unwrap()
}

pub(crate) fn context() -> Context {
    Context {
        now_ms: NOW,
        utc_offset_minutes: Some(60),
        device: Some("phone".into()),
        surface: Some("up-next".into()),
        local_time: None,
    }
}

pub(crate) fn feedback(kind: EventKind, at_ms: i64, video: &str, seconds: Option<f32>) -> Feedback {
    Feedback {
        kind,
        at_ms,
        video: Some(video.into()),
        seconds,
        text: None,
        surface: Some("up-next".into()),
    }
}

/// Somebody who watched, liked, searched and refused something, days ago.
pub(crate) fn viewer(block: &Block) -> Viewer {
    let day = 86_400_000;
    let mut viewer = Viewer {
        profile: Profile {
            age: Some(30.0),
            ..Profile::default()
        },
        ..Viewer::default()
    };
    let search = Feedback {
        video: None,
        text: Some("cats 猫".into()),
        ..feedback(EventKind::Search, NOW - 2 * day, "", None)
    };
    for event in [
        feedback(EventKind::Watch, NOW - 5 * day, "v000", Some(18.0)),
        feedback(EventKind::Watch, NOW - 4 * day, "v001", Some(3.0)),
        feedback(EventKind::Like, NOW - 3 * day, "v002", None),
        search,
        feedback(EventKind::NotInterested, NOW - day, "v003", None),
    ] {
        viewer.history.record(event, Some(block)).unwrap();
    }
    viewer
}
