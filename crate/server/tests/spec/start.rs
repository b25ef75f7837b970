//! Starting on a bundle that is not sound: each fault has its code, and the message names the file.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, LargeStringArray, StringArray};
use safetensors::tensor::Dtype;
use upnext_core::Code;
use upnext_core::bundle::Role;
use upnext_core::feature::VideoFeatures;
use upnext_core::text::Folding;
use upnext_server::catalogue::{Catalogue, Loading, current_id};
use upnext_server::error::StartError;
use upnext_server::vector_index::VectorIndex as _;

use super::fixture::{
    FACTOR_DIM, VIDEOS, World, le, parquet_bytes, path_of, point_at, root_with, spec, tensors, titled_tensors,
    video_columns, write_bundle,
};

/// The bundle, its files mapped; read, it says the same.
fn load(root: &Path) -> Result<Catalogue, StartError> {
    let read = Catalogue::load(root);
    let Ok(id) = current_id(root) else { return read };
    let mapped = Catalogue::load_with(root, id, &from(0));
    let told = |loaded: &Result<Catalogue, StartError>| loaded.as_ref().err().map(ToString::to_string);
    assert_eq!(told(&mapped), told(&read));
    mapped
}

fn from(map_from: u64) -> Loading {
    Loading {
        map_from,
        ..Loading::default()
    }
}

fn code(root: &Path) -> Code {
    load(root).unwrap_err().code()
}

/// Code of a bundle in which one file has other, well-hashed bytes.
fn code_with(role: Role, bytes: Vec<u8>) -> Code {
    let root = tempfile::tempdir().unwrap();
    let mut files = World::small().files();
    files.insert(role, bytes);
    write_bundle(root.path(), &files, "changed");
    code(root.path())
}

fn code_of(world: World) -> Code {
    let (root, _) = root_with(&world);
    code(root.path())
}

#[test]
fn a_sound_bundle_loads() {
    let (root, id) = root_with(&World::small());
    let catalogue = load(root.path()).unwrap();
    assert_eq!(
        (catalogue.bundle_id, catalogue.videos.len(), catalogue.accounts.len()),
        (id, VIDEOS, 3)
    );
}

#[test]
fn a_mapped_bundle_is_what_a_read_one_is_and_outlives_its_files() {
    let (root, id) = root_with(&World::small());
    let load = |map_from| Catalogue::load_with(root.path(), id.clone(), &from(map_from)).unwrap();
    let (mapped, read) = (load(0), load(u64::MAX));
    std::fs::remove_dir_all(root.path().join(&id)).unwrap();
    assert_eq!((&mapped.vectors, &mapped.factors), (&read.vectors, &read.factors));
    assert_eq!((&mapped.videos, &mapped.warm), (&read.videos, &read.warm));
    for account in read.accounts.ids() {
        assert_eq!(mapped.accounts.factor(account), read.accounts.factor(account));
    }
    for row in 0..VIDEOS {
        let query = read.vector_index.row(row).unwrap();
        assert_eq!(mapped.vector_index.row(row), Some(query));
        let search = |catalogue: &Catalogue| catalogue.vector_index.search(query, 5, None).unwrap();
        assert_eq!(search(&mapped), search(&read));
        assert_eq!(mapped.factor_index.row(row), read.factor_index.row(row));
    }
}

#[test]
fn no_bundle_and_a_pointer_to_nothing() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(code(empty.path()), Code::BundleMissing);
    std::fs::write(empty.path().join("current.json"), "{}").unwrap();
    assert_eq!(code(empty.path()), Code::BundleUnreadable);
    std::fs::write(empty.path().join("current.json"), "{\"bundle\":\"../../etc\"}").unwrap();
    assert_eq!(code(empty.path()), Code::BundleUnreadable);
    point_at(empty.path(), &"0".repeat(64));
    assert_eq!(code(empty.path()), Code::BundleIncomplete);
}

#[test]
fn a_flipped_byte_in_any_file_of_either_half_is_found() {
    for role in World::small().files().into_keys() {
        let (root, id) = root_with(&World::small());
        let path = path_of(root.path(), &id, role);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let error = load(root.path()).unwrap_err();
        assert_eq!(error.code(), Code::BundleCorrupt, "{role:?}");
        assert!(
            error.to_string().contains(path.file_name().unwrap().to_str().unwrap()),
            "{error}"
        );
        bytes.pop();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(code(root.path()), Code::BundleCorrupt, "{role:?}");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(code(root.path()), Code::BundleIncomplete, "{role:?}");
    }
}

#[test]
fn a_changed_manifest_is_found() {
    let (root, id) = root_with(&World::small());
    let path = root.path().join(id).join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("fixture", "Fixture")).unwrap();
    assert_eq!(code(root.path()), Code::BundleCorrupt);
}

#[test]
fn a_bundle_without_its_server_half_is_incomplete() {
    for role in [
        Role::Videos,
        Role::ItemTensors,
        Role::Accounts,
        Role::UserTensors,
        Role::Shelves,
        Role::ItemTowerOnnx,
        Role::Gram,
    ] {
        let root = tempfile::tempdir().unwrap();
        let mut files = World::small().files();
        files.remove(&role);
        write_bundle(root.path(), &files, "half");
        assert_eq!(code(root.path()), Code::BundleIncomplete, "{role:?}");
    }
}

#[test]
fn tables_of_the_wrong_content() {
    let ids = World::small().ids;
    assert_eq!(code_with(Role::Videos, b"no parquet".to_vec()), Code::BundleUnreadable);
    assert_eq!(
        code_with(Role::Videos, parquet_bytes(video_columns(&[]))),
        Code::TableEmpty
    );
    for missing in ["id", "prior", "effect", "log_popularity"] {
        let columns = video_columns(&ids)
            .into_iter()
            .filter(|(name, _)| *name != missing)
            .collect();
        assert_eq!(
            code_with(Role::Videos, parquet_bytes(columns)),
            Code::ColumnMissing,
            "{missing}"
        );
    }
    let replace = |name: &str, array: ArrayRef| {
        let columns = video_columns(&ids)
            .into_iter()
            .map(|(n, a)| (n, if n == name { Arc::clone(&array) } else { a }));
        code_with(Role::Videos, parquet_bytes(columns.collect()))
    };
    let priors = |value: Option<f32>| Arc::new(Float32Array::from(vec![value; VIDEOS])) as ArrayRef;
    assert_eq!(replace("prior", priors(Some(f32::NAN))), Code::NotFinite);
    assert_eq!(replace("prior", priors(None)), Code::NotFinite);
    assert_eq!(
        replace("id", Arc::new(StringArray::from(vec!["same"; VIDEOS]))),
        Code::BundleInconsistent
    );
    assert_eq!(
        replace("id", Arc::new(StringArray::from(vec![None::<&str>; VIDEOS]))),
        Code::BundleInconsistent
    );
    assert_eq!(replace("tags", priors(Some(1.0))), Code::BundleInconsistent);
    let accounts = |ids: Vec<&str>| parquet_bytes(vec![("id", Arc::new(StringArray::from(ids)) as ArrayRef)]);
    assert_eq!(
        code_with(Role::Accounts, accounts(vec!["a", "a", "b"])),
        Code::BundleInconsistent
    );
    assert_eq!(
        code_with(Role::Accounts, accounts(vec!["a"])),
        Code::BundleInconsistent,
        "three factors"
    );
}

#[test]
fn unknown_columns_may_be_absent_and_other_widths_are_read() {
    let ids = World::small().ids;
    let kept = ["id", "prior", "effect", "log_popularity"];
    let mut columns: Vec<_> = video_columns(&ids)
        .into_iter()
        .filter(|(name, _)| kept.contains(name))
        .collect();
    columns[0].1 = Arc::new(ids.iter().map(Some).collect::<LargeStringArray>());
    columns.push(("published_at", Arc::new(Int64Array::from(vec![Some(5); VIDEOS]))));
    let root = tempfile::tempdir().unwrap();
    let mut files = World::small().files();
    files.insert(Role::Videos, parquet_bytes(columns));
    write_bundle(root.path(), &files, "narrow");
    let videos = load(root.path()).unwrap().videos;
    assert!(videos.ids().eq(ids.iter()));
    for row in (0..VIDEOS).map(|row| videos.get(row).unwrap()) {
        assert_eq!((row.published_at_ms, row.length_seconds), (5, -1.0));
        assert_eq!(
            (videos.title(row), videos.thumbnail(row), videos.content(row)),
            ("", "", "")
        );
    }
}

#[test]
fn a_bundle_may_bring_what_encodes_titles() {
    let (world, dim) = (World::small(), spec().text.dim as usize);
    let root = tempfile::tempdir().unwrap();
    let mut files = world.files();
    files.insert(Role::ItemTensors, titled_tensors(&world, 6, dim));
    write_bundle(root.path(), &files, "titled");
    let catalogue = load(root.path()).unwrap();
    let mut expected = vec![0.0; dim];
    let student = catalogue.titles.as_ref().unwrap();
    student.encode(Folding::current(), "Ein Titel", &mut expected);
    assert_eq!(catalogue.title(Some("Ein Titel")), Some(expected.clone()));
    assert_eq!(catalogue.title(None), None);
    // The item tower reads it in the place of the built-in encoder's.
    let vector = |title_vector: Option<&[f32]>| {
        let video = VideoFeatures {
            title: Some("Ein Titel"),
            title_vector,
            ..VideoFeatures::default()
        };
        let tower = &catalogue.item_tower;
        tower.vector(&catalogue.spec, &catalogue.folding, &video).unwrap()
    };
    assert_ne!(vector(None), vector(Some(&expected)));
    let (plain, _) = root_with(&world);
    assert_eq!(load(plain.path()).unwrap().title(Some("Ein Titel")), None);
    // Of another width than the tower's input.
    let other = titled_tensors(&world, 6, dim + 1);
    assert_eq!(code_with(Role::ItemTensors, other), Code::BundleInconsistent);
}

#[test]
fn tensors_of_the_wrong_content() {
    assert_eq!(code_with(Role::ItemTensors, b"short".to_vec()), Code::BundleUnreadable);
    let users = |rows: usize, name: &str, value: f32| {
        tensors(&[(
            name,
            Dtype::F32,
            vec![rows, FACTOR_DIM],
            le(&vec![value; rows * FACTOR_DIM]),
        )])
    };
    assert_eq!(
        code_with(Role::UserTensors, users(2, "factors", 0.0)),
        Code::BundleInconsistent
    );
    assert_eq!(
        code_with(Role::UserTensors, users(3, "other", 0.0)),
        Code::BundleIncomplete
    );
    assert_eq!(
        code_with(Role::UserTensors, users(3, "factors", f32::NAN)),
        Code::NotFinite
    );
    let mut world = World::small();
    world.factors[5] = f32::INFINITY;
    assert_eq!(code_of(world), Code::NotFinite);
    let mut world = World::small();
    world.vectors.pop();
    world.vectors.truncate(world.vectors.len() / 8 * 8);
    world.factors.truncate(world.vectors.len() / 8 * FACTOR_DIM);
    assert_eq!(code_of(world), Code::BundleInconsistent);
}

#[test]
fn a_tower_or_a_gram_matrix_of_another_shape() {
    assert_eq!(code_with(Role::ItemTowerOnnx, b"no graph".to_vec()), Code::OnnxInvalid);
    let mut wider = spec();
    wider.text.dim = 16;
    assert_eq!(
        code_with(Role::FeatureSpec, wider.to_json().unwrap()),
        Code::OnnxInvalid,
        "the tower reads fewer values than this spec gives"
    );
    assert_eq!(code_with(Role::FeatureSpec, b"{}".to_vec()), Code::BundleUnreadable);
    assert_eq!(code_with(Role::Gram, b"gram".to_vec()), Code::BundleUnreadable);
    let small = upnext_core::bundle::write_f32("gram", &[1, 1], &[1.0]);
    assert_eq!(code_with(Role::Gram, small), Code::BundleInconsistent);
    let mut narrow = spec();
    narrow.factor_dim = 3;
    assert_eq!(
        code_with(Role::FeatureSpec, narrow.to_json().unwrap()),
        Code::BundleInconsistent
    );
}

#[test]
fn shelves_of_the_wrong_content() {
    let with = |shelves| {
        code_of(World {
            shelves,
            ..World::small()
        })
    };
    assert_eq!(with(serde_json::json!([1, 2])), Code::BundleUnreadable);
    assert_eq!(with(serde_json::json!({ "de": [1] })), Code::BundleIncomplete);
    assert_eq!(with(serde_json::json!({ "*": [VIDEOS] })), Code::IdOutOfRange);
    assert_eq!(with(serde_json::json!({ "*": [1, 1] })), Code::BundleInconsistent);
}

#[test]
fn every_fault_of_the_start_has_a_code_of_its_own() {
    let errors = [
        StartError::BundleMissing {
            path: "b".into(),
            reason: "r".into(),
        },
        StartError::FileUnreadable {
            path: "b".into(),
            reason: "r".into(),
        },
        StartError::ColumnMissing {
            file: "f".into(),
            column: "c".into(),
        },
        StartError::TableEmpty { file: "f".into() },
        StartError::ConfigInvalid {
            option: "--pool",
            reason: "r".into(),
        },
    ];
    let codes: BTreeSet<Code> = errors.iter().map(StartError::code).collect();
    assert_eq!(codes.len(), errors.len());
}
