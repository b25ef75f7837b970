//! A small bundle written by hand in the layout of `upnext_core::bundle`, so that these tests do not depend on
//! the program that writes real ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, ListBuilder, RecordBatch, StringArray, StringBuilder, TimestampMillisecondArray,
    UInt32Array,
};
use parquet::arrow::ArrowWriter;
use prost::Message;
use safetensors::tensor::{Dtype, TensorView, serialize};
use tempfile::TempDir;
use tract_onnx::pb::tensor_proto::DataType as OnnxType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    type_proto,
};
use upnext_core::bundle::{BUNDLE_VERSION, FileEntry, Manifest, Metrics, Role, Window, sha256_hex, write_f32};
use upnext_core::feature::ItemLayout;
use upnext_core::feature::spec::{
    Buckets, Centroids, FeatureSpec, FoldInSpec, HistorySpec, ItemSpec, PriorSpec, SPEC_VERSION, Standardise, TextSpec,
    UserSpec, Vocabulary,
};
use upnext_core::fold_in::Gram;
use upnext_core::head::HeadWeights;
use upnext_core::quantize;
use upnext_core::text::FOLDING;

pub const VECTOR_DIM: usize = 8;
pub const FACTOR_DIM: usize = 4;
/// Videos `0..WARM` have factors.
pub const WARM: usize = 30;
pub const VIDEOS: usize = 40;

/// What a bundle is made of, to be changed before it is written.
#[derive(Clone)]
pub struct World {
    pub ids: Vec<String>,
    pub vectors: Vec<f32>,
    pub factors: Vec<f32>,
    pub accounts: Vec<(String, [f32; FACTOR_DIM])>,
    pub shelves: serde_json::Value,
    pub note: &'static str,
}

/// Deterministic values in −1..1.
pub fn noise(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed;
    (0..len)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

impl World {
    pub fn small() -> World {
        let mut factors = noise(2, VIDEOS * FACTOR_DIM);
        factors[WARM * FACTOR_DIM..].fill(0.0);
        World {
            ids: (0..VIDEOS).map(|row| format!("v{row:03}")).collect(),
            vectors: noise(1, VIDEOS * VECTOR_DIM),
            factors,
            accounts: vec![
                ("ann".to_owned(), [0.5, -0.2, 0.1, 0.9]),
                ("bob".to_owned(), [-0.7, 0.3, 0.6, 0.0]),
                ("new".to_owned(), [0.0; FACTOR_DIM]),
            ],
            shelves: serde_json::json!({
                "de": [35, 1, 2, 3], "en": [4, 5, 2], "*": (0..VIDEOS as u32).rev().collect::<Vec<_>>()
            }),
            note: "fixture",
        }
    }

    /// The bytes of every file by role.
    pub fn files(&self) -> BTreeMap<Role, Vec<u8>> {
        let account_ids: Vec<&str> = self.accounts.iter().map(|(id, _)| id.as_str()).collect();
        let user_factors: Vec<f32> = self.accounts.iter().flat_map(|(_, factor)| *factor).collect();
        BTreeMap::from([
            (Role::FeatureSpec, spec().to_json().unwrap()),
            (Role::UserTower, b"user tower".to_vec()),
            (Role::Ranker, b"ranker".to_vec()),
            (
                Role::Gram,
                write_f32(
                    "gram",
                    &[FACTOR_DIM, FACTOR_DIM],
                    Gram::of(FACTOR_DIM, &self.factors).values(),
                ),
            ),
            (Role::ItemTowerOnnx, item_tower()),
            (Role::Folding, FOLDING.to_vec()),
            (
                Role::ItemTensors,
                item_tensors(&self.vectors, VECTOR_DIM, &self.factors, FACTOR_DIM),
            ),
            (
                Role::UserTensors,
                tensors(&[(
                    "factors",
                    Dtype::F32,
                    vec![account_ids.len(), FACTOR_DIM],
                    le(&user_factors),
                )]),
            ),
            (Role::Videos, parquet_bytes(video_columns(&self.ids))),
            (
                Role::Accounts,
                parquet_bytes(vec![("id", Arc::new(StringArray::from(account_ids)) as ArrayRef)]),
            ),
            (Role::Shelves, self.shelves.to_string().into_bytes()),
        ])
    }

    /// Writes the bundle and points `current.json` at it; returns its id.
    pub fn write(&self, root: &Path) -> String {
        write_bundle(root, &self.files(), self.note)
    }
}

/// A small valid spec of these widths.
pub fn spec() -> FeatureSpec {
    let terms = |terms: &[&str], oov_buckets| Vocabulary {
        terms: terms.iter().map(|term| (*term).to_owned()).collect(),
        oov_buckets,
    };
    let edges = |edges: &[f32]| Buckets { edges: edges.to_vec() };
    let standard = Standardise { mean: 3.0, std: 1.5 };
    FeatureSpec {
        version: SPEC_VERSION,
        seed: 7,
        vector_dim: VECTOR_DIM as u32,
        factor_dim: FACTOR_DIM as u32,
        text: TextSpec {
            dim: 8,
            min_n: 2,
            max_n: 4,
        },
        item: ItemSpec {
            id_buckets: 50,
            tags: terms(&["tag0", "tag1"], 5),
            max_tags: 3,
            language: terms(&["de", "en"], 0),
            rating: terms(&["PG"], 0),
            channel: terms(&["channel0"], 4),
            length: standard,
            likes: standard,
            comments: standard,
            views: standard,
        },
        user: UserSpec {
            age: edges(&[18.0]),
            gender: terms(&["F", "M"], 0),
            language: terms(&["de", "en"], 0),
            time_zone: terms(&["Europe/Berlin"], 0),
            location: Centroids {
                points: vec![[52.5, 13.4]],
            },
            hour: edges(&[6.0, 12.0, 18.0]),
            device: terms(&["phone"], 0),
            surface: terms(&["up-next"], 0),
            username: false,
            history: HistorySpec {
                half_life_days: 7.0,
                max_events: 20,
                unknown_fraction: 0.25,
            },
            fold_in: FoldInSpec { lambda: 0.1, l2: 0.2 },
        },
        prior: PriorSpec {
            length_edges: edges(&[3.0, 4.0]),
            log_odds: vec![-0.5; 8],
            stand_in_rate: vec![0.3; 4],
            base_rate: 0.4,
        },
    }
}

/// One layer over the dense input, which holds the title: enough of an item tower to tell videos apart.
pub fn item_tower() -> Vec<u8> {
    let layout = ItemLayout::new(&spec());
    let info = |name: &str, kind: OnnxType, width: usize| ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            denotation: String::new(),
            value: Some(type_proto::Value::TensorType(type_proto::Tensor {
                elem_type: kind as i32,
                shape: Some(TensorShapeProto {
                    dim: [
                        dimension::Value::DimParam("n".to_owned()),
                        dimension::Value::DimValue(width as i64),
                    ]
                    .map(|value| Dimension {
                        denotation: String::new(),
                        value: Some(value),
                    })
                    .to_vec(),
                }),
            })),
        }),
        doc_string: String::new(),
    };
    let weights = TensorProto {
        name: "w".to_owned(),
        dims: vec![layout.dense as i64, VECTOR_DIM as i64],
        data_type: OnnxType::Float as i32,
        raw_data: le(&noise(5, layout.dense * VECTOR_DIM)),
        ..TensorProto::default()
    };
    let product = NodeProto {
        op_type: "MatMul".to_owned(),
        name: "vector".to_owned(),
        input: vec!["dense".to_owned(), "w".to_owned()],
        output: vec!["vector".to_owned()],
        ..NodeProto::default()
    };
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: 17,
        }],
        graph: Some(GraphProto {
            name: "item-tower".to_owned(),
            input: vec![
                info("categorical", OnnxType::Int64, layout.categorical.len()),
                info("tags", OnnxType::Int64, layout.max_tags),
                info("dense", OnnxType::Float, layout.dense),
            ],
            initializer: vec![weights],
            node: vec![product],
            output: vec![info("vector", OnnxType::Float, VECTOR_DIM)],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
    .encode_to_vec()
}

pub fn video_columns(ids: &[String]) -> Vec<(&'static str, ArrayRef)> {
    let rows = 0..ids.len();
    let text =
        |f: &dyn Fn(usize) -> Option<String>| -> ArrayRef { Arc::new(rows.clone().map(f).collect::<StringArray>()) };
    let mut tags = ListBuilder::new(StringBuilder::new());
    for row in rows.clone() {
        for tag in 0..row % 4 {
            tags.values().append_value(format!("tag{tag}"));
        }
        tags.append(true);
    }
    let unless = |row: usize, every: usize| row % every != every - 1;
    vec![
        ("id", Arc::new(ids.iter().map(Some).collect::<StringArray>())),
        (
            "title",
            text(&|row| unless(row, 7).then(|| format!("Titel {row} – 動画"))),
        ),
        ("tags", Arc::new(tags.finish())),
        (
            "length_seconds",
            Arc::new(
                rows.clone()
                    .map(|r| unless(r, 5).then_some(r as f32 + 1.0))
                    .collect::<Float32Array>(),
            ),
        ),
        (
            "language",
            text(&|row| unless(row, 3).then(|| ["de", "en"][row % 2].to_owned())),
        ),
        ("rating", text(&|row| unless(row, 2).then(|| "PG".to_owned()))),
        ("channel", text(&|row| Some(format!("channel{}", row % 6)))),
        (
            "published_at",
            Arc::new(
                rows.clone()
                    .map(|r| unless(r, 4).then_some(1_600_000_000_000 + r as i64))
                    .collect::<TimestampMillisecondArray>()
                    .with_timezone("UTC"),
            ),
        ),
        (
            "prior",
            Arc::new(
                rows.clone()
                    .map(|r| Some(r as f32 / 10.0 - 2.0))
                    .collect::<Float32Array>(),
            ),
        ),
        (
            "effect",
            Arc::new(
                rows.clone()
                    .map(|r| Some(0.5 - r as f32 / 40.0))
                    .collect::<Float32Array>(),
            ),
        ),
        (
            "log_popularity",
            Arc::new(
                rows.clone()
                    .map(|r| Some((r as f32 + 1.0).ln()))
                    .collect::<Float32Array>(),
            ),
        ),
        (
            "relevant",
            Arc::new(rows.map(|r| Some(r as u32)).collect::<UInt32Array>()),
        ),
    ]
}

pub fn parquet_bytes(columns: Vec<(&'static str, ArrayRef)>) -> Vec<u8> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub fn le(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn tensors(list: &[(&str, Dtype, Vec<usize>, Vec<u8>)]) -> Vec<u8> {
    let views = list
        .iter()
        .map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    serialize(views, None).unwrap()
}

/// Levels and scales of rows.
pub fn quantised(rows: &[f32], dim: usize) -> (Vec<u8>, Vec<f32>) {
    let mut levels = vec![0_i8; rows.len()];
    let scales = rows
        .chunks_exact(dim)
        .zip(levels.chunks_exact_mut(dim))
        .map(|(row, out)| quantize(row, out))
        .collect();
    (levels.into_iter().map(i8::cast_unsigned).collect(), scales)
}

pub fn item_tensors(vectors: &[f32], vector_dim: usize, factors: &[f32], factor_dim: usize) -> Vec<u8> {
    tensors(&item_parts(vectors, vector_dim, factors, factor_dim))
}

/// The same with a student of titles: a table and a map of `width` values, to vectors of `dim`.
pub fn titled_tensors(world: &World, width: usize, dim: usize) -> Vec<u8> {
    let mut parts = item_parts(&world.vectors, VECTOR_DIM, &world.factors, FACTOR_DIM);
    let ((table, ts), (map, ms)) = (
        quantised(&noise(8, 16 * width), width),
        quantised(&noise(9, dim * width), width),
    );
    let grams = [11_u64, 2, 4].iter().flat_map(|number| number.to_le_bytes()).collect();
    parts.extend([
        ("title_table", Dtype::I8, vec![16, width], table),
        ("title_table_scales", Dtype::F32, vec![16], le(&ts)),
        ("title_map", Dtype::I8, vec![dim, width], map),
        ("title_map_scales", Dtype::F32, vec![dim], le(&ms)),
        ("title_grams", Dtype::U64, vec![3], grams),
    ]);
    tensors(&parts)
}

type Part = (&'static str, Dtype, Vec<usize>, Vec<u8>);

fn item_parts(vectors: &[f32], vector_dim: usize, factors: &[f32], factor_dim: usize) -> Vec<Part> {
    let count = vectors.len() / vector_dim;
    let ((v, vs), (f, fs)) = (quantised(vectors, vector_dim), quantised(factors, factor_dim));
    vec![
        ("vectors", Dtype::I8, vec![count, vector_dim], v),
        ("vector_scales", Dtype::F32, vec![count], le(&vs)),
        ("vectors_f32", Dtype::F32, vec![count, vector_dim], le(vectors)),
        ("factors", Dtype::I8, vec![count, factor_dim], f),
        ("factor_scales", Dtype::F32, vec![count], le(&fs)),
        ("factors_f32", Dtype::F32, vec![count, factor_dim], le(factors)),
    ]
}

/// Path of a role's file, without its hash.
fn stem(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::FeatureSpec => ("client/feature-spec", "json"),
        Role::UserTower => ("client/user-tower", "program"),
        Role::UserTowerOnnx => ("client/user-tower", "onnx"),
        Role::Ranker => ("client/ranker", "program"),
        Role::RankerOnnx => ("client/ranker", "onnx"),
        Role::Gram => ("client/gram", "safetensors"),
        Role::Folding => ("client/folding", "bin"),
        Role::Alignment => ("client/alignment", "safetensors"),
        Role::ItemTowerOnnx => ("server/item-tower", "onnx"),
        Role::ItemTensors => ("server/item-tensors", "safetensors"),
        Role::UserTensors => ("server/user-tensors", "safetensors"),
        Role::Videos => ("server/videos", "parquet"),
        Role::Accounts => ("server/accounts", "parquet"),
        Role::Shelves => ("server/shelves", "json"),
    }
}

pub fn write_bundle(root: &Path, files: &BTreeMap<Role, Vec<u8>>, note: &str) -> String {
    let entries: Vec<(FileEntry, &[u8])> = files
        .iter()
        .map(|(role, bytes)| {
            let sha256 = sha256_hex(bytes);
            let (stem, extension) = stem(*role);
            let path = format!("{stem}.{}.{extension}", &sha256[..8]);
            (
                FileEntry {
                    role: *role,
                    path,
                    bytes: bytes.len() as u64,
                    sha256,
                },
                bytes.as_slice(),
            )
        })
        .collect();
    let spec = entries.iter().find(|(entry, _)| entry.role == Role::FeatureSpec);
    let window = Window {
        from_ms: 0,
        until_ms: 1,
    };
    let manifest = Manifest {
        version: BUNDLE_VERSION,
        dataset: note.to_owned(),
        spec_sha256: spec.map_or_else(|| sha256_hex(b""), |(entry, _)| entry.sha256.clone()),
        vector_dim: VECTOR_DIM as u32,
        factor_dim: FACTOR_DIM as u32,
        objective: "sampled-softmax".to_owned(),
        head_weights: HeadWeights::RELEVANT,
        factor_window: window,
        train_window: window,
        needs_onnx: false,
        metrics: Metrics::default(),
        files: entries.iter().map(|(entry, _)| entry.clone()).collect(),
    };
    let manifest = manifest.to_json().unwrap();
    let id = sha256_hex(&manifest);
    for (entry, bytes) in entries {
        let path = root.join(&id).join(entry.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::write(root.join(&id).join("manifest.json"), manifest).unwrap();
    point_at(root, &id);
    id
}

pub fn point_at(root: &Path, id: &str) {
    std::fs::write(root.join("current.json"), format!("{{\"bundle\":\"{id}\"}}")).unwrap();
}

/// Where the file of a role lies.
pub fn path_of(root: &Path, id: &str, role: Role) -> PathBuf {
    let manifest = Manifest::parse(&std::fs::read(root.join(id).join("manifest.json")).unwrap(), id).unwrap();
    root.join(id).join(&manifest.file(role).unwrap().path)
}

/// A root with one bundle.
pub fn root_with(world: &World) -> (TempDir, String) {
    let root = tempfile::tempdir().unwrap();
    let id = world.write(root.path());
    (root, id)
}
