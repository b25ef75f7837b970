#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use upnext_core::bundle::{EngineKind, Role, Window, sha256_hex};
use upnext_core::head::HeadWeights;
use upnext_core::program::{Program, Scratch, Value};
use upnext_core::{Code, QuantRow};

use super::{
    Accounts, Bundle, DeviceGraph, Draft, Enlarged, Header, ItemFigures, Items, Trained, enlarge, inspect,
    replace_graph,
};
use crate::compile::Precision;
use crate::onnx::GraphBuilder;
use crate::onnx::case::Case;
use crate::table::{Builder, Dataset, Meta, User, Video};
use crate::towers::weights::{DenseWeights, EmbeddingWeights, ItemTowerWeights, RankerWeights, UserTowerWeights};
use crate::vectors::{Rows, Side};

fn header(metric: f64) -> Header {
    Header {
        dataset: "tiny".to_owned(),
        vector_dim: 2,
        factor_dim: 2,
        objective: "sampled-softmax".to_owned(),
        head_weights: HeadWeights::RELEVANT,
        factor_window: Window {
            from_ms: 0,
            until_ms: 1_000,
        },
        train_window: Window {
            from_ms: 1_000,
            until_ms: 2_000,
        },
        metrics: BTreeMap::from([("auc".to_owned(), metric)]),
    }
}

fn table(rows: usize) -> EmbeddingWeights {
    EmbeddingWeights {
        rows,
        dim: 1,
        values: (0..rows).map(|r| r as f32 * 0.5).collect(),
    }
}

fn dense(input: usize, output: usize) -> DenseWeights {
    DenseWeights {
        input,
        output,
        weights: (0..input * output).map(|i| (i % 5) as f32 - 1.5).collect(),
        bias: vec![0.25; output],
    }
}

fn dataset() -> Dataset {
    let mut builder = Builder::new(Meta::default());
    let video = |id, title, language, tags| Video {
        id,
        title,
        language,
        tags,
        length_seconds: Some(12.5),
        published_at_ms: Some(1_700_000_000_000),
        ..Video::default()
    };
    builder
        .video(&video("a", Some("Über uns"), Some("de-AT"), &["x", "y"]))
        .unwrap();
    builder.video(&video("b", None, None, &[])).unwrap();
    builder
        .video(&Video {
            id: "c",
            ..Video::default()
        })
        .unwrap();
    builder
        .user(&User {
            id: "u1",
            ..User::default()
        })
        .unwrap();
    builder.finish()
}

fn write(root: &Path, metric: f64) -> String {
    write_as(root, metric, Precision::F32)
}

fn write_as(root: &Path, metric: f64, weights: Precision) -> String {
    write_after(root, metric, weights, &VECTORS, None)
}

/// Item vectors.
const VECTORS: [f32; 6] = [1.0, 0.0, 0.6, 0.8, 0.0, -1.0];

fn write_after(root: &Path, metric: f64, weights: Precision, vectors: &[f32], previous: Option<&Bundle>) -> String {
    let data = dataset();
    let user_tower = UserTowerWeights {
        embeddings: vec![table(3), table(2)],
        dense_layers: vec![dense(5, 4), dense(4, 2)],
    };
    let item_tower = ItemTowerWeights {
        id_table: table(4),
        tag_table: table(4),
        language: table(2),
        rating: table(2),
        channel: table(2),
        dense_layers: vec![dense(6, 2)],
    };
    let ranker = RankerWeights {
        clip: 5.0,
        mean: vec![0.5, -1.0],
        std: vec![2.0, 0.5],
        dense_layers: vec![dense(2, 2)],
        wide: vec![0.5, 0.0, -0.25, 1.0],
    };
    Trained {
        spec: spec().as_bytes(),
        user_tower: &user_tower,
        item_tower: &item_tower,
        max_tags: 2,
        ranker: &ranker,
        gram: &[1.0, 0.0, 0.0, 1.0],
        items: Items {
            vectors,
            vector_dim: 2,
            factors: &[0.5, -0.25, 0.0, 0.0, 1.0, 1.0],
            factor_dim: 2,
        },
        figures: ItemFigures {
            prior: &[0.5, -1.0, 0.0],
            effect: &[0.0, 0.25, -0.25],
            trend: &[1.5, 0.0, 0.5],
            relevant: &[3, 0, 1],
        },
        titles: None,
        videos: &data.videos,
        accounts: Accounts {
            ids: &data.users.ids,
            factors: &[0.125, -0.5],
            factor_dim: 2,
            history_len: &[4],
        },
        weights,
        previous,
    }
    .write(header(metric), root)
    .unwrap()
}

/// A whole spec: the client half is assembled in these tests.
fn spec() -> String {
    serde_json::json!({
        "version": 1, "seed": 1, "vector_dim": 2, "factor_dim": 2,
        "text": {"dim": 4, "min_n": 2, "max_n": 3},
        "item": {
            "id_buckets": 4, "tags": {"terms": ["x", "y", "z"]}, "max_tags": 2,
            "language": {"terms": ["de"]}, "rating": {"terms": ["G"]}, "channel": {"terms": ["c"]},
            "length": {"mean": 1.0, "std": 1.0}, "likes": {"mean": 1.0, "std": 1.0},
            "comments": {"mean": 1.0, "std": 1.0}, "views": {"mean": 1.0, "std": 1.0}
        },
        "user": {
            "age": {"edges": [18.0]}, "gender": {"terms": ["f"]}, "language": {"terms": ["de"]},
            "time_zone": {"terms": ["UTC"]}, "location": {"points": [[0.0, 0.0]]}, "hour": {"edges": [12.0]},
            "device": {"terms": ["tv"]}, "surface": {"terms": ["home"]},
            "history": {"half_life_days": 7.0, "max_events": 100, "unknown_fraction": 0.5},
            "fold_in": {"lambda": 0.1, "l2": 0.1}
        },
        "prior": {
            "length_edges": {"edges": [3.0]}, "log_odds": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5],
            "stand_in_rate": [0.5, 0.4, 0.6], "base_rate": 0.5
        }
    })
    .to_string()
}

#[test]
fn what_was_written_is_read_back() {
    let root = tempfile::tempdir().unwrap();
    let id = write(root.path(), 0.75);
    let bundle = Bundle::open(root.path()).unwrap();
    assert_eq!(bundle.id, id);
    assert_eq!(Bundle::open(&root.path().join(&id)).unwrap().id, id);
    let manifest = std::fs::read(root.path().join(&id).join("manifest.json")).unwrap();
    assert_eq!(sha256_hex(&manifest), id, "the id is the hash of the manifest's bytes");

    let items = bundle.item_tensors().unwrap();
    assert_eq!(items.vectors_f32, [1.0, 0.0, 0.6, 0.8, 0.0, -1.0]);
    assert_eq!(items.factors_f32, [0.5, -0.25, 0.0, 0.0, 1.0, 1.0]);
    assert_eq!(
        (items.vectors[0], items.factors[1], items.factor_scales[1]),
        (127, -64, 0.0)
    );
    assert_eq!(bundle.user_factors().unwrap(), [0.125, -0.5]);
    let figures = bundle.video_figures().unwrap();
    assert_eq!(figures.ids, ["a", "b", "c"]);
    assert_eq!((figures.prior, figures.relevant), (vec![0.5, -1.0, 0.0], vec![3, 0, 1]));
    assert_eq!(figures.effect, [0.0, 0.25, -0.25]);
    assert_eq!(figures.log_popularity, [1.5, 0.0, 0.5]);
}

#[test]
fn files_are_named_by_their_content_and_halves_are_apart() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), 0.75);
    let bundle = Bundle::open(root.path()).unwrap();
    assert_eq!(
        bundle.manifest.files.len(),
        Role::ALL.len() - 1,
        "every role has a file; a first bundle has no alignment"
    );
    for file in &bundle.manifest.files {
        let half = if file.role.is_client() { "client/" } else { "server/" };
        assert!(file.path.starts_with(half), "{}", file.path);
        assert!(file.path.contains(&file.sha256[..8]), "{}", file.path);
    }
}

#[test]
fn the_same_content_has_the_same_id_and_other_content_another() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!(write(one.path(), 0.75), write(two.path(), 0.75));
    assert_ne!(write(one.path(), 0.5), write(two.path(), 0.75));
}

#[test]
fn the_previous_bundle_stays_and_older_ones_go() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("notes.txt"), "mine").unwrap();
    let ids: Vec<String> = [0.1, 0.2, 0.3]
        .iter()
        .map(|metric| write(root.path(), *metric))
        .collect();
    assert!(!root.path().join(&ids[0]).exists());
    assert!(root.path().join(&ids[1]).join("manifest.json").exists());
    assert_eq!(Bundle::open(root.path()).unwrap().id, ids[2]);
    write(root.path(), 0.3);
    assert!(
        root.path().join(&ids[1]).exists(),
        "writing the same again prunes nothing"
    );
    let mut left: Vec<String> = std::fs::read_dir(root.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    let mut expected = vec![
        "current.json".to_owned(),
        "notes.txt".to_owned(),
        ids[1].clone(),
        ids[2].clone(),
    ];
    expected.sort();
    assert_eq!(left, expected, "no half-written files, nothing of others removed");
}

#[test]
fn a_flipped_byte_anywhere_is_found() {
    let root = tempfile::tempdir().unwrap();
    let id = write(root.path(), 0.75);
    let directory = root.path().join(&id);
    let files = Bundle::open(root.path()).unwrap().manifest.files;
    for name in files.iter().map(|f| f.path.as_str()).chain(["manifest.json"]) {
        let path = directory.join(name);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        std::fs::write(&path, bad).unwrap();
        assert_eq!(inspect(root.path()).unwrap_err().code(), Code::BundleCorrupt, "{name}");
        std::fs::write(&path, good).unwrap();
    }
    let path = directory.join(&files[0].path);
    std::fs::remove_file(path).unwrap();
    assert_eq!(inspect(root.path()).unwrap_err().code(), Code::BundleIncomplete);
}

#[test]
fn a_directory_without_a_bundle_is_said_to_be_one() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(Bundle::open(root.path()).unwrap_err().code(), Code::BundleMissing);
    std::fs::write(root.path().join("current.json"), "{}").unwrap();
    assert_eq!(Bundle::open(root.path()).unwrap_err().code(), Code::BundleUnreadable);
    let pointer = format!("{{\"bundle\":\"{}\"}}", "0".repeat(64));
    std::fs::write(root.path().join("current.json"), pointer).unwrap();
    assert_eq!(Bundle::open(root.path()).unwrap_err().code(), Code::BundleMissing);
}

#[test]
fn the_report_has_files_dimensions_ops_and_metrics() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), 0.75);
    let report = inspect(root.path()).unwrap();
    let text = report.to_string();
    for part in [
        report.id.as_str(),
        "user-tower",
        "L2Norm",
        "server half",
        "auc",
        "0.750000",
        "1970-01-01T00:00:01Z",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["manifest"]["metrics"]["auc"], 0.75);
    assert_eq!(json["files"].as_array().unwrap().len(), Role::ALL.len() - 1);
}

#[test]
fn a_bundle_says_how_the_one_before_is_turned() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), 0.5);
    let first = Bundle::open(root.path()).unwrap();
    // The same videos a quarter turn further.
    let turned: Vec<f32> = VECTORS.chunks_exact(2).flat_map(|row| [-row[1], row[0]]).collect();
    write_after(root.path(), 0.5, Precision::F32, &turned, Some(&first));
    let second = Bundle::open(root.path()).unwrap();
    let figures: BTreeMap<&str, f64> = second.manifest.metrics.iter().collect();
    assert_eq!(figures["alignment_videos"], 3.0);
    assert!((figures["alignment_vector_cosine"] - 1.0).abs() < 1e-6, "{figures:?}");
    let model = second.client(EngineKind::Compact).unwrap().model;
    let alignment = model.alignment.unwrap();
    assert_eq!(alignment.previous(), first.id);
    let row = QuantRow {
        scale: 1.0 / 127.0,
        values: &[127, 0],
    };
    assert_eq!(alignment.vector(row).unwrap().1, [0, 127]);
    assert!(
        second.manifest.client_files().any(|file| file.role == Role::Alignment),
        "the server hands it out"
    );
}

#[test]
fn the_bundles_programs_run_on_the_device() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), 0.75);
    let bundle = Bundle::open(root.path()).unwrap();
    assert!(!bundle.manifest.needs_onnx);
    let tower = Program::decode(&bundle.read(Role::UserTower).unwrap()).unwrap();
    let mut scratch = Scratch::default();
    let vector = tower
        .run(&[Value::Ids(&[2, 1]), Value::Dense(&[0.5, -0.5, 1.0])], 1, &mut scratch)
        .unwrap();
    let norm: f32 = vector.iter().map(|v| v * v).sum();
    assert!((norm - 1.0).abs() < 1e-5);
}

#[test]
fn columns_of_another_length_are_refused_and_leave_no_bundle() {
    let root = tempfile::tempdir().unwrap();
    let data = dataset();
    let figures = ItemFigures {
        prior: &[0.0],
        effect: &[0.0],
        trend: &[0.0],
        relevant: &[0],
    };
    let error = super::server_half::videos_to_parquet(&data.videos, figures).unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
    let error = Draft::new(header(f64::NAN)).write(root.path()).unwrap_err();
    assert_eq!(error.code(), Code::BundleInconsistent);
    assert!(!root.path().join("current.json").exists());
}

#[test]
fn narrow_weights_are_those_of_the_onnx_beside_them() {
    let root = tempfile::tempdir().unwrap();
    let exact = write(root.path(), 0.75);
    for precision in [Precision::F16, Precision::Int8] {
        assert_ne!(write_as(root.path(), 0.75, precision), exact);
        let bundle = Bundle::open(root.path()).unwrap();
        for (onnx, program) in [DeviceGraph::UserTower.roles(), DeviceGraph::Ranker.roles()] {
            let onnx = bundle.read(onnx).unwrap();
            let program = Program::decode(&bundle.read(program).unwrap()).unwrap();
            let case = Case::of_tract("test", &onnx, &program, 32, 1).unwrap();
            let found = case.agreement(&program).unwrap();
            assert!(found.largest <= 1e-6, "{precision:?}: {found}");
        }
        let report = inspect(root.path()).unwrap().to_string();
        assert!(report.contains(&format!("[5 × 4 {}]", precision.as_str())), "{report}");
    }
}

/// A ranker of two signals, with an op.
fn foreign(op: &str) -> Vec<u8> {
    let mut g = GraphBuilder::new("foreign");
    let x = g.input("signals", 2);
    let y = g.node(op, "wave", &[&x]);
    g.finish(&y, 2)
}

#[test]
fn a_graph_outside_the_set_marks_its_bundle_for_the_module_with_tract() {
    let root = tempfile::tempdir().unwrap();
    let first = write(root.path(), 0.75);
    let replace = |op: &str| {
        replace_graph(
            root.path(),
            DeviceGraph::Ranker,
            "wave.onnx",
            foreign(op),
            Precision::F32,
        )
    };
    let replaced = replace("Sin").unwrap();
    assert_eq!(replaced.outside.unwrap().code(), Code::OpUnsupported);
    let bundle = Bundle::open(root.path()).unwrap();
    assert_eq!(bundle.id, replaced.id);
    assert!(bundle.manifest.needs_onnx && bundle.manifest.file(Role::Ranker).is_err());
    assert!(bundle.manifest.file(Role::UserTower).is_ok());
    let onnx = bundle.read(Role::RankerOnnx).unwrap();
    assert_eq!(onnx, foreign("Sin"));
    assert_ne!(bundle.id, first);
    assert!(inspect(root.path()).unwrap().to_string().contains("upnext/onnx"));
}

#[test]
fn a_graph_with_another_interface_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let id = write(root.path(), 0.75);
    let replace = |graph| replace_graph(root.path(), graph, "wave.onnx", foreign("Tanh"), Precision::F32);
    let error = replace(DeviceGraph::UserTower).unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
    assert!(error.to_string().contains("signals 2 × f32 → 2"), "{error}");
    assert_eq!(Bundle::open(root.path()).unwrap().id, id);
}

#[test]
fn a_bundle_is_enlarged_by_near_copies() {
    let (root, large) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), 0.75);
    let original = Bundle::open(root.path()).unwrap();
    let wanted = |videos, noise| Enlarged { videos, noise, seed: 1 };
    let id = enlarge(&original, wanted(8, 0.5), large.path()).unwrap();
    inspect(large.path()).unwrap();
    let bundle = Bundle::open(large.path()).unwrap();
    assert_eq!(bundle.id, id);
    let figures = bundle.video_figures().unwrap();
    assert_eq!(figures.ids, ["a", "b", "c", "a~1", "b~1", "c~1", "a~2", "b~2"]);
    assert_eq!(figures.prior, [0.5, -1.0, 0.0, 0.5, -1.0, 0.0, 0.5, -1.0]);
    let (items, before) = (bundle.item_tensors().unwrap(), original.item_tensors().unwrap());
    assert_eq!(items.vectors_f32[..6], before.vectors_f32, "the originals stay");
    assert_eq!(items.factors_f32[8..10], [0.0, 0.0], "what has no factor gets none");
    for (row, copy) in items.vectors_f32.chunks(2).enumerate().skip(3) {
        let original = &before.vectors_f32[row % 3 * 2..][..2];
        let distance = (copy[0] - original[0]).hypot(copy[1] - original[1]);
        assert!(
            (copy[0].hypot(copy[1]) - 1.0).abs() < 1e-5 && distance > 0.0 && distance < 1.9,
            "{row}"
        );
    }
    assert_eq!(
        bundle.read(Role::Shelves).unwrap(),
        original.read(Role::Shelves).unwrap()
    );
    assert_eq!(
        enlarge(&original, wanted(8, 0.5), large.path()).unwrap(),
        id,
        "the same again"
    );
    for bad in [wanted(2, 0.5), wanted(8, -1.0), wanted(8, f32::NAN)] {
        assert_eq!(
            enlarge(&original, bad, large.path()).unwrap_err().code(),
            Code::ConfigInvalid
        );
    }
}

#[test]
fn vectors_have_the_ids_of_their_rows() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), 0.75);
    let bundle = Bundle::open(root.path()).unwrap();
    let rows = |side| Rows::of(&bundle, side).unwrap();
    let items = rows(Side::Items);
    assert_eq!((items.dim, items.values[..2].to_vec()), (2, vec![1.0, 0.0]));
    assert_eq!(items.ids, ["a", "b", "c"]);
    assert_eq!(rows(Side::ItemFactors).values, [0.5, -0.25, 0.0, 0.0, 1.0, 1.0]);
    let users = rows(Side::UserFactors);
    assert_eq!((users.ids, users.values), (vec!["u1".to_owned()], vec![0.125, -0.5]));
}
