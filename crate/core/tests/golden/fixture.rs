//! A tiny bundle and block that nobody trained: weights and vectors are numbers of a fixed sequence.
//! Small enough to check in, and everything a device does can be done with it.

use std::collections::BTreeMap;

use prost::Message as _;
use upnext_core::block::{BLOCK_VERSION, BlockMessage, source};
use upnext_core::bundle::{BUNDLE_VERSION, FileEntry, Manifest, Metrics, Role, Window, sha256_hex, write_f32};
use upnext_core::engine::HEADS;
use upnext_core::feature::UserLayout;
use upnext_core::feature::spec::{
    Buckets, Centroids, FeatureSpec, FoldInSpec, HistorySpec, ItemSpec, PriorSpec, SPEC_VERSION, Standardise, TextSpec,
    UserSpec, Vocabulary,
};
use upnext_core::fold_in::Gram;
use upnext_core::hash::hash64;
use upnext_core::head::HeadWeights;
use upnext_core::program::format::{InputMessage, OpCode, OpMessage, PROGRAM_VERSION, ProgramMessage, TensorMessage};
use upnext_core::signal::SIGNAL_COUNT;
use upnext_core::text::FOLDING;

/// Width of vectors and of factors.
pub const VECTOR: usize = 8;
/// Width of factors.
pub const FACTOR: usize = 4;
/// Candidates of the block.
pub const CANDIDATES: usize = 60;
/// "Now" of the rows: 2026-03-01T12:00:00Z, a Sunday.
pub const NOW: i64 = 1_772_366_400_000;

/// Numbers in −1..1, the same for ever.
pub struct Sequence {
    name: &'static str,
    drawn: u64,
}

impl Sequence {
    /// The sequence of this name.
    pub fn new(name: &'static str) -> Sequence {
        Sequence { name, drawn: 0 }
    }

    /// The next number.
    pub fn draw(&mut self) -> f32 {
        let hash = hash64(self.drawn, self.name.as_bytes());
        self.drawn += 1;
        (hash >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// The next `count` numbers.
    pub fn take(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.draw()).collect()
    }
}

/// The files of a bundle's client half, by path, and its manifest.
pub struct Bundle {
    /// Bundle id.
    pub id: String,
    /// Bytes of `manifest.json`.
    pub manifest: Vec<u8>,
    /// Path below the bundle's directory → bytes.
    pub files: BTreeMap<String, Vec<u8>>,
}

fn words(terms: &[&str], oov_buckets: u32) -> Vocabulary {
    Vocabulary {
        terms: terms.iter().map(|term| (*term).to_owned()).collect(),
        oov_buckets,
    }
}

/// The feature spec.
pub fn spec() -> FeatureSpec {
    let length_edges = Buckets {
        edges: vec![2.0, 3.0, 4.0, 5.0, 6.0],
    };
    let surface = words(&["up-next", "home"], 1);
    let lengths = length_edges.rows() as usize;
    let mut numbers = Sequence::new("prior");
    let prior = PriorSpec {
        log_odds: numbers.take(surface.rows() as usize * lengths),
        stand_in_rate: numbers.take(lengths).iter().map(|x| 0.5 + 0.4 * x).collect(),
        base_rate: 0.3,
        length_edges,
    };
    let usual = Standardise { mean: 4.0, std: 1.5 };
    FeatureSpec {
        version: SPEC_VERSION,
        seed: 7,
        vector_dim: VECTOR as u32,
        factor_dim: FACTOR as u32,
        text: TextSpec {
            dim: 8,
            min_n: 2,
            max_n: 4,
        },
        item: ItemSpec {
            id_buckets: 64,
            tags: words(&["music", "猫", "كرة"], 4),
            max_tags: 8,
            language: words(&["en", "ja", "ar"], 0),
            rating: words(&["G", "PG", "R"], 0),
            channel: words(&["c0", "c1", "c2"], 2),
            length: usual,
            likes: usual,
            comments: usual,
            views: usual,
        },
        user: UserSpec {
            age: Buckets {
                edges: vec![18.0, 30.0, 45.0, 60.0],
            },
            gender: words(&["f", "m"], 1),
            language: words(&["en", "ja", "ar"], 2),
            time_zone: words(&["Asia/Tokyo", "Europe/Berlin"], 2),
            location: Centroids {
                points: vec![[52.5, 13.4], [35.7, 139.7], [30.0, 31.2]],
            },
            hour: Buckets {
                edges: vec![0.0, 6.0, 12.0, 18.0, 22.0],
            },
            device: words(&["phone", "desktop", "tv", "tablet"], 0),
            surface,
            username: false,
            history: HistorySpec {
                half_life_days: 14.0,
                max_events: 200,
                unknown_fraction: 0.3,
            },
            fold_in: FoldInSpec { lambda: 0.05, l2: 0.1 },
        },
        prior,
    }
}

fn tensor(rows: usize, cols: usize, values: &[f32]) -> TensorMessage {
    TensorMessage {
        rows: rows as u32,
        cols: cols as u32,
        dtype: 0,
        scales: Vec::new(),
        data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

fn op(code: OpCode, inputs: &[usize], tensors: &[usize]) -> OpMessage {
    let indexes = |list: &[usize]| list.iter().map(|index| *index as u32).collect();
    OpMessage {
        code: code as i32,
        inputs: indexes(inputs),
        tensors: indexes(tensors),
        ..OpMessage::default()
    }
}

/// An embedding of two values per category ‖ dense → 16 → 8, on the unit sphere.
fn user_tower(layout: &UserLayout) -> Vec<u8> {
    const EMBEDDING: usize = 2;
    const HIDDEN: usize = 16;
    let mut numbers = Sequence::new("user tower");
    let columns = layout.categorical.len();
    let mut tensors = Vec::new();
    let mut ops = Vec::new();
    for (column, table) in layout.categorical.iter().enumerate() {
        let rows = table.rows as usize;
        tensors.push(tensor(rows, EMBEDDING, &numbers.take(rows * EMBEDDING)));
        let mut gather = op(OpCode::Gather, &[0], &[column]);
        gather.params = vec![column as u32];
        ops.push(gather);
    }
    let mut parts: Vec<usize> = (2..2 + columns).collect();
    parts.push(1);
    ops.push(op(OpCode::Concat, &parts, &[]));
    let wide = columns * EMBEDDING + layout.dense;
    let first = tensors.len();
    tensors.push(tensor(wide, HIDDEN, &numbers.take(wide * HIDDEN)));
    tensors.push(tensor(1, HIDDEN, &numbers.take(HIDDEN)));
    tensors.push(tensor(HIDDEN, VECTOR, &numbers.take(HIDDEN * VECTOR)));
    tensors.push(tensor(1, VECTOR, &numbers.take(VECTOR)));
    let concat = 2 + columns;
    ops.push(op(OpCode::Dense, &[concat], &[first, first + 1]));
    ops.push(op(OpCode::Relu, &[concat + 1], &[]));
    ops.push(op(OpCode::Dense, &[concat + 2], &[first + 2, first + 3]));
    let mut unit = op(OpCode::L2Norm, &[concat + 3], &[]);
    unit.scalars = vec![1e-6];
    ops.push(unit);
    let input = |name: &str, width: usize, ids: bool| InputMessage {
        name: name.to_owned(),
        width: width as u32,
        ids,
    };
    ProgramMessage {
        version: PROGRAM_VERSION,
        inputs: vec![input("categorical", columns, true), input("dense", layout.dense, false)],
        ops,
        tensors,
        output: (concat + 4) as u32,
    }
    .encode_to_vec()
}

fn ranker() -> Vec<u8> {
    const HIDDEN: usize = 8;
    let mut numbers = Sequence::new("ranker");
    ProgramMessage {
        version: PROGRAM_VERSION,
        inputs: vec![InputMessage {
            name: "signals".to_owned(),
            width: SIGNAL_COUNT as u32,
            ids: false,
        }],
        ops: vec![
            op(OpCode::Dense, &[0], &[0, 1]),
            op(OpCode::Relu, &[1], &[]),
            op(OpCode::Dense, &[2], &[2, 3]),
        ],
        tensors: vec![
            tensor(SIGNAL_COUNT, HIDDEN, &numbers.take(SIGNAL_COUNT * HIDDEN)),
            tensor(1, HIDDEN, &numbers.take(HIDDEN)),
            tensor(HIDDEN, HEADS.len(), &numbers.take(HIDDEN * HEADS.len())),
            tensor(1, HEADS.len(), &numbers.take(HEADS.len())),
        ],
        output: 3,
    }
    .encode_to_vec()
}

/// The bundle's client half.
pub fn bundle() -> Bundle {
    let spec = spec();
    let layout = UserLayout::new(&spec);
    let gram = Gram::of(FACTOR, &Sequence::new("factors").take(100 * FACTOR));
    let parts = [
        (Role::FeatureSpec, "feature-spec", "json", spec.to_json().unwrap()),
        (Role::UserTower, "user-tower", "pb", user_tower(&layout)),
        (Role::Ranker, "ranker", "pb", ranker()),
        (
            Role::Gram,
            "gram",
            "safetensors",
            write_f32("gram", &[FACTOR, FACTOR], gram.values()),
        ),
        (Role::Folding, "folding", "bin", FOLDING.to_vec()),
    ];
    let mut files = BTreeMap::new();
    let mut entries = Vec::new();
    for (role, name, extension, bytes) in parts {
        let sha256 = sha256_hex(&bytes);
        let path = format!("client/{name}.{}.{extension}", &sha256[..8]);
        entries.push(FileEntry {
            role,
            path: path.clone(),
            bytes: bytes.len() as u64,
            sha256,
        });
        files.insert(path, bytes);
    }
    let window = Window {
        from_ms: NOW - 30 * 86_400_000,
        until_ms: NOW - 86_400_000,
    };
    let manifest = Manifest {
        version: BUNDLE_VERSION,
        dataset: "tiny".to_owned(),
        spec_sha256: entries[0].sha256.clone(),
        vector_dim: VECTOR as u32,
        factor_dim: FACTOR as u32,
        objective: "sampled-softmax".to_owned(),
        head_weights: HeadWeights {
            liked: Some(0.0),
            finished: Some(0.0),
            watched: Some(0.0),
            ..HeadWeights::RELEVANT
        },
        factor_window: window,
        train_window: window,
        needs_onnx: false,
        metrics: Metrics::default(),
        files: entries,
    }
    .to_json()
    .unwrap();
    Bundle {
        id: sha256_hex(&manifest),
        manifest,
        files,
    }
}

/// The block, of the bundle with this id.
fn block(bundle_id: &str) -> BlockMessage {
    let mut numbers = Sequence::new("block");
    let mut scales = |count: usize| -> Vec<f32> { (0..count).map(|_| 0.004 + 0.002 * numbers.draw()).collect() };
    let (vector_scales, factor_scales) = (scales(CANDIDATES), scales(CANDIDATES));
    let mut numbers = Sequence::new("rows");
    let mut levels = |count: usize| -> Vec<u8> { (0..count).map(|_| (numbers.draw() * 127.0) as i8 as u8).collect() };
    let (vectors, factors) = (levels(CANDIDATES * VECTOR), levels(CANDIDATES * FACTOR));
    let mut numbers = Sequence::new("columns");
    let mut column = |least: f32, most: f32| -> Vec<f32> {
        (0..CANDIDATES)
            .map(|_| least + (most - least) * (numbers.draw() + 1.0) / 2.0)
            .collect()
    };
    // Tags from 1, languages from 4, ratings from 7, channels from 10; every fifth video tells less of itself.
    let dictionary = [
        "music", "猫", "كرة", "en", "ja", "ar", "G", "PG", "R", "c0", "c1", "c2", "AT", "CH", "d0", "d1",
    ];
    let pick = |row: usize, first: u32, count: u32| if row % 5 == 4 { 0 } else { first + row as u32 % count };
    let rows = 0..CANDIDATES;
    let titles = ["Rain on a roof", "猫が箱に入る", "مباراة الليلة", "Straße & Café", ""];
    BlockMessage {
        version: BLOCK_VERSION,
        bundle_id: bundle_id.to_owned(),
        expires_at_ms: NOW + 3_600_000,
        ids: rows.clone().map(|row| format!("v{row:02}")).collect(),
        vector_dim: VECTOR as u32,
        vectors,
        vector_scales,
        factor_dim: FACTOR as u32,
        factors,
        factor_scales,
        sources: rows
            .clone()
            .map(|row| [source::CF, source::POPULAR, source::CONTENT | source::FRESH][row % 3])
            .collect(),
        server_scores: column(0.0, 1.0),
        priors: column(-3.0, 1.0),
        effects: column(-1.0, 1.0),
        log_popularity: column(0.0, 9.0),
        length_seconds: rows
            .clone()
            .zip(column(5.0, 900.0))
            .map(|(row, seconds)| if row % 7 == 6 { -1.0 } else { seconds })
            .collect(),
        published_at_ms: rows
            .clone()
            .map(|row| {
                if row % 9 == 8 {
                    i64::MIN
                } else {
                    NOW - row as i64 * 43_200_000
                }
            })
            .collect(),
        languages: rows.clone().map(|row| pick(row, 4, 3)).collect(),
        ratings: rows.clone().map(|row| pick(row, 7, 3)).collect(),
        channels: rows.clone().map(|row| pick(row, 10, 3)).collect(),
        tag_counts: rows.clone().map(|row| (row % 3) as u32).collect(),
        tags: rows
            .clone()
            .flat_map(|row| (0..row % 3).map(move |tag| 1 + ((row + tag) % 3) as u32))
            .collect(),
        dictionary: dictionary.map(str::to_owned).to_vec(),
        titles: rows.clone().map(|row| titles[row % 5].to_owned()).collect(),
        thumbnails: rows
            .clone()
            .map(|row| format!("https://img.example/{row}.webp"))
            .collect(),
        removed: vec!["v13".to_owned(), "v99".to_owned()],
        // Every tenth video is for Austria, or for Austria and Switzerland; v25, v35 and v45 are one, v12 and v32 another.
        region_counts: rows
            .clone()
            .map(|row| [0, 1, 2][row / 10 % 3] * u32::from(row % 10 == 9))
            .collect(),
        regions: vec![13, 13, 14, 13, 13, 14],
        contents: rows
            .map(|row| match row {
                25 | 35 | 45 => 15,
                12 | 32 => 16,
                _ => 0,
            })
            .collect(),
        ..BlockMessage::default()
    }
}

/// The block's bytes.
pub fn block_bytes(bundle_id: &str) -> Vec<u8> {
    block(bundle_id).encode_to_vec()
}
