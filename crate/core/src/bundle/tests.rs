#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;

use super::*;
use crate::engine::{CompactEngine, Engine as _, HEADS};
use crate::feature::fixture::spec;
use crate::fixture::{gram, model, ranker, user_tower};
use crate::head::HeadWeights;
use crate::program::Program;
use crate::program::format::TensorMessage;
use crate::signal::SIGNAL_COUNT;
use crate::text::FOLDING;
use crate::{Code, Error, QuantRow};
use proptest::prelude::*;

type Files = BTreeMap<String, Vec<u8>>;

fn files() -> Files {
    let program = |message| Program::from_message(message).unwrap().encode();
    let files = [
        ("client/spec.json", spec().to_json().unwrap()),
        ("client/gram.safetensors", write_f32("gram", &[3, 3], &gram())),
        ("client/folding.bin", FOLDING.to_vec()),
        ("client/user.program", program(user_tower())),
        ("client/ranker.program", program(ranker())),
        ("server/shelves.json", b"{}".to_vec()),
    ];
    files
        .into_iter()
        .map(|(path, bytes)| (path.to_owned(), bytes))
        .collect()
}

fn manifest(files: &Files) -> Manifest {
    let role = |path: &str| match path {
        "client/spec.json" => Role::FeatureSpec,
        "client/gram.safetensors" => Role::Gram,
        "client/folding.bin" => Role::Folding,
        "client/alignment.safetensors" => Role::Alignment,
        "client/user.program" => Role::UserTower,
        "client/ranker.program" => Role::Ranker,
        _ => Role::Shelves,
    };
    let window = Window {
        from_ms: 0,
        until_ms: 1,
    };
    Manifest {
        version: BUNDLE_VERSION,
        dataset: "test".into(),
        spec_sha256: sha256_hex(&files["client/spec.json"]),
        vector_dim: 4,
        factor_dim: 3,
        objective: "bce".into(),
        head_weights: HeadWeights::RELEVANT,
        factor_window: window,
        train_window: window,
        needs_onnx: false,
        metrics: BTreeMap::from([("auc".into(), 0.75)]).into(),
        files: files
            .iter()
            .map(|(path, bytes)| FileEntry {
                role: role(path),
                path: path.clone(),
                bytes: bytes.len() as u64,
                sha256: sha256_hex(bytes),
            })
            .collect(),
    }
}

/// Assembles `files` under `manifest`, whose id is taken from its bytes.
fn assemble(manifest: &[u8], files: &Files) -> Result<ClientBundle, Error> {
    let read = |path: &str| files.get(path).cloned();
    ClientBundle::assemble(&sha256_hex(manifest), manifest, EngineKind::Compact, read)
}

fn written(manifest: &Manifest) -> Vec<u8> {
    serde_json::to_vec(manifest).unwrap()
}

#[test]
fn a_whole_bundle_runs() {
    let files = files();
    let bundle = assemble(&manifest(&files).to_json().unwrap(), &files).unwrap();
    assert_eq!(bundle.model.spec, spec());
    assert_eq!(bundle.model.gram.values(), gram());
    assert_eq!(bundle.model.bundle_id, sha256_hex(&manifest(&files).to_json().unwrap()));
    CompactEngine::new(&bundle).unwrap();
}

#[test]
fn only_what_is_needed_is_read() {
    let files = files();
    let bytes = manifest(&files).to_json().unwrap();
    let mut asked = Vec::new();
    let read = |path: &str| {
        asked.push(path.to_owned());
        files.get(path).cloned()
    };
    ClientBundle::assemble(&sha256_hex(&bytes), &bytes, EngineKind::Compact, read).unwrap();
    assert!(
        asked.iter().all(|path| path.starts_with("client/")) && asked.len() == 5,
        "{asked:?}"
    );
    assert_eq!(manifest(&files).client_files().count(), 5);
}

#[test]
fn a_flipped_bit_in_any_file_is_found() {
    let whole = files();
    let manifest = manifest(&whole).to_json().unwrap();
    for path in whole.keys().filter(|path| path.starts_with("client/")) {
        for at in (0..whole[path].len()).step_by(whole[path].len() / 100 + 1) {
            let mut files = whole.clone();
            files.get_mut(path).unwrap()[at] ^= 1;
            assert_eq!(
                assemble(&manifest, &files).unwrap_err().code(),
                Code::BundleCorrupt,
                "{path} at {at}"
            );
        }
    }
}

#[test]
fn a_flipped_bit_in_the_manifest_is_found() {
    let files = files();
    let bytes = manifest(&files).to_json().unwrap();
    let id = sha256_hex(&bytes);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(Manifest::parse(&changed, &id).unwrap_err().code(), Code::BundleCorrupt);
    }
}

#[test]
fn a_missing_or_shortened_file_is_named() {
    let manifest = manifest(&files()).to_json().unwrap();
    for path in files().keys().filter(|path| path.starts_with("client/")) {
        let mut less = files();
        less.remove(path);
        let error = assemble(&manifest, &less).unwrap_err();
        assert_eq!(error.code(), Code::BundleIncomplete);
        assert!(error.to_string().contains(path));
        let mut short = files();
        short.get_mut(path).unwrap().pop();
        assert_eq!(assemble(&manifest, &short).unwrap_err().code(), Code::BundleCorrupt);
    }
}

#[test]
fn every_contradiction_has_its_code() {
    type Break = fn(&mut Manifest);
    let inconsistent = Code::BundleInconsistent;
    let cases: [(&str, Code, Break); 18] = [
        ("version", Code::BundleVersion, |m| m.version = BUNDLE_VERSION + 1),
        ("head weight high", inconsistent, |m| m.head_weights.liked = Some(1.5)),
        ("no head weighs", inconsistent, |m| m.head_weights.relevant = Some(0.0)),
        ("no ranker", Code::BundleIncomplete, |m| {
            m.files.retain(|f| f.role != Role::Ranker)
        }),
        ("vector_dim 0", inconsistent, |m| m.vector_dim = 0),
        ("vector_dim high", inconsistent, |m| m.vector_dim = 1025),
        ("vector_dim of the spec", inconsistent, |m| m.vector_dim = 5),
        ("factor_dim of the spec", inconsistent, |m| m.factor_dim = 4),
        ("spec_sha256", inconsistent, |m| m.spec_sha256 = "0".repeat(64)),
        ("no digest", inconsistent, |m| m.files[0].sha256 = "xyz".into()),
        ("upper-case digest", inconsistent, |m| m.spec_sha256 = "AB".repeat(32)),
        ("path upwards", inconsistent, |m| {
            m.files[0].path = "client/../server/x".into()
        }),
        ("path absolute", inconsistent, |m| m.files[0].path = "/client/x".into()),
        ("path with a query", inconsistent, |m| {
            m.files[0].path = "client/x?y".into()
        }),
        ("path of a directory", inconsistent, |m| {
            m.files[0].path = "client/".into()
        }),
        ("server file in client", inconsistent, |m| {
            m.files[5].path = "client/shelves.json".into()
        }),
        ("role twice", inconsistent, |m| m.files[1].role = m.files[0].role),
        ("path twice", inconsistent, |m| {
            m.files[1].path = m.files[0].path.clone()
        }),
    ];
    for (name, code, break_it) in cases {
        let mut manifest = manifest(&files());
        break_it(&mut manifest);
        assert_eq!(
            assemble(&written(&manifest), &files()).unwrap_err().code(),
            code,
            "{name}"
        );
        let refused_by_writer = manifest.to_json().is_err();
        assert!(
            refused_by_writer || ["version", "no ranker"].contains(&name) || name.ends_with("of the spec"),
            "{name}"
        );
    }
    let mut unfinished = manifest(&files());
    unfinished.metrics = BTreeMap::from([("auc".into(), f64::NAN)]).into();
    assert_eq!(unfinished.to_json().unwrap_err().code(), inconsistent);
}

#[test]
fn a_bundle_of_version_2_with_its_two_heads_is_read() {
    let mut ranker = ranker();
    // The first and the last column: relevance and order.
    let columns = HEADS.len() * 4;
    let last: Vec<u8> = (ranker.tensors[2].data.chunks(columns))
        .flat_map(|row| [&row[..4], &row[columns - 4..]].concat())
        .collect();
    ranker.tensors[2] = TensorMessage {
        cols: 2,
        data: last,
        ..ranker.tensors[2].clone()
    };
    let mut files = files();
    files.insert(
        "client/ranker.program".into(),
        Program::from_message(ranker).unwrap().encode(),
    );
    let mut manifest = manifest(&files);
    manifest.version = OLDEST_BUNDLE_VERSION;
    let mut tree: serde_json::Value = serde_json::from_slice(&written(&manifest)).unwrap();
    tree.as_object_mut().unwrap().remove("head_weights");
    let old = assemble(&serde_json::to_vec(&tree).unwrap(), &files).unwrap();
    assert_eq!(old.model.head_weights, HeadWeights::RELEVANT);
    let (mut two, mut five) = (CompactEngine::new(&old).unwrap(), crate::fixture::engine());
    let signals = [0.25; 2 * SIGNAL_COUNT];
    let (two, five) = (two.rank(&signals, 2).unwrap(), five.rank(&signals, 2).unwrap());
    assert_eq!(two, [five[0], five[4], five[5], five[9]]);
}

#[test]
fn json_of_another_shape_is_unreadable() {
    let unreadable = |bytes: &[u8]| Manifest::parse(bytes, &sha256_hex(bytes)).unwrap_err().code();
    assert_eq!(unreadable(b""), Code::BundleUnreadable);
    assert_eq!(unreadable(b"[]"), Code::BundleUnreadable);
    assert_eq!(unreadable(br#"{"version":2}"#), Code::BundleUnreadable);
    assert_eq!(unreadable(br#"{"version":7,"shape":"another"}"#), Code::BundleVersion);
    assert_eq!(
        Pointer::parse(br#"{"bundle":"x"}"#).unwrap_err().code(),
        Code::BundleUnreadable
    );
    assert_eq!(Pointer::parse(b"null").unwrap_err().code(), Code::BundleUnreadable);
    let id = "a1".repeat(32);
    assert_eq!(
        Pointer::parse(format!(r#"{{"bundle":"{id}"}}"#).as_bytes())
            .unwrap()
            .bundle,
        id
    );
}

/// Replaces one file and lets the manifest name what is there now.
fn with_file(path: &str, bytes: Vec<u8>) -> Result<ClientBundle, Error> {
    let mut files = files();
    files.insert(path.into(), bytes);
    assemble(&written(&manifest(&files)), &files)
}

#[test]
fn a_gram_matrix_must_be_finite_and_of_the_right_shape() {
    let gram_of = |shape: &[usize], values: &[f32]| {
        with_file("client/gram.safetensors", write_f32("gram", shape, values))
            .unwrap_err()
            .code()
    };
    assert_eq!(gram_of(&[3, 3], &[f32::NAN; 9]), Code::NotFinite);
    assert_eq!(gram_of(&[9], &[0.0; 9]), Code::BundleInconsistent);
    assert_eq!(gram_of(&[3, 3], &[0.0; 8]), Code::BundleUnreadable);
    let other = write_f32("grim", &[3, 3], &gram());
    assert_eq!(
        with_file("client/gram.safetensors", other).unwrap_err().code(),
        Code::BundleIncomplete
    );
    assert_eq!(
        with_file("client/spec.json", b"{}".to_vec()).unwrap_err().code(),
        Code::BundleUnreadable
    );
}

#[test]
fn an_alignment_is_read_where_there_is_one_and_must_keep_lengths() {
    let dims = model().dims();
    let eye = |width: usize, last: f32| -> Vec<f32> {
        let cell = |at: usize| match (at / width, at % width) {
            (row, column) if row != column => 0.0,
            (row, _) if row == width - 1 => last,
            _ => 1.0,
        };
        (0..width * width).map(cell).collect()
    };
    let of = |last: f32| Alignment::new("ab".repeat(32), dims, eye(4, last), eye(3, -1.0));
    let mirror = of(-1.0).unwrap();
    let bundle = with_file("client/alignment.safetensors", mirror.to_bytes()).unwrap();
    assert_eq!(bundle.model.alignment, Some(mirror.clone()));
    let needed = ClientBundle::needed(&bundle.manifest, EngineKind::Compact).unwrap();
    assert!(needed.iter().any(|file| file.role == Role::Alignment));
    assert_eq!(needed.len(), 6);
    let row = |values| QuantRow { scale: 0.5, values };
    let (scale, levels) = mirror.vector(row(&[0, 0, 0, 127])).unwrap();
    assert_eq!((scale, levels), (0.5, vec![0, 0, 0, -127]));
    assert_eq!(mirror.factor(row(&[0; 4])), None, "another width");
    assert_eq!(of(1.01).unwrap_err().code(), Code::BundleInconsistent);
    assert_eq!(of(f32::NAN).unwrap_err().code(), Code::BundleInconsistent);
    let nobody = Alignment::new("ab".into(), dims, eye(4, 1.0), eye(3, 1.0));
    assert_eq!(nobody.unwrap_err().code(), Code::BundleInconsistent);
    let bytes = mirror.to_bytes();
    for end in 0..bytes.len() {
        assert!(Alignment::parse("x", &bytes[..end], dims).is_err(), "cut at {end}");
    }
}

#[test]
fn safetensors_cut_anywhere_are_refused() {
    let bytes = write_f32("gram", &[3, 3], &gram());
    for end in 0..bytes.len() {
        assert!(
            Tensors::parse("x", &bytes[..end])
                .and_then(|t| t.f32("gram", &[3, 3]))
                .is_err(),
            "cut at {end}"
        );
    }
    assert_eq!(
        Tensors::parse("x", &bytes).unwrap().f32("gram", &[3, 3]).unwrap(),
        gram()
    );
}

#[test]
fn hex_digits_go_both_ways() {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(unhex(&hex(&bytes)).unwrap(), bytes);
    assert_eq!((unhex("0"), unhex("0g"), unhex("+1")), (None, None, None));
    assert!(is_sha256_hex(&"0f".repeat(32)) && !is_sha256_hex(&"0F".repeat(32)) && !is_sha256_hex("0f"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), length in 0_u64..200) {
        let _ = Manifest::parse(&bytes, &sha256_hex(&bytes));
        let _ = Pointer::parse(&bytes);
        let framed: Vec<u8> = length.to_le_bytes().into_iter().chain(bytes).collect();
        let _ = Tensors::parse("x", &framed).and_then(|t| t.f32("gram", &[3, 3]));
    }

    #[test]
    fn offsets_outside_the_file_never_panic(from: usize, to: usize, rows: usize, columns: usize) {
        let header = serde_json::json!({"gram": {"dtype": "F32", "shape": [rows, columns], "data_offsets": [from, to]}}).to_string();
        let bytes: Vec<u8> = (header.len() as u64).to_le_bytes().into_iter().chain(header.into_bytes()).chain([0; 36]).collect();
        let _ = Tensors::parse("x", &bytes).and_then(|tensors| tensors.f32("gram", &[rows, columns]));
    }
}
