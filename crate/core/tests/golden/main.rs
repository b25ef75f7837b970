//! Golden rows: what a viewer at a moment must get, replayed here and by every runtime of the package.
//!
//! `UPNEXT_UPDATE_GOLDEN=1 cargo test -p upnext-core --test golden` writes the tiny set and the list of
//! sets (`sets.rs`) anew; read the difference before committing it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cases;
mod coverage;
mod fixture;
mod past;
mod set;

use std::path::{Path, PathBuf};

use set::Set;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden")
}

fn updating() -> bool {
    std::env::var_os("UPNEXT_UPDATE_GOLDEN").is_some()
}

/// Names of the sets, sorted.
fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(golden())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("rows.json").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Writes `bytes`, or holds the file to them.
fn keep(path: &Path, bytes: &[u8]) {
    if updating() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        return;
    }
    let found = std::fs::read(path).unwrap_or_default();
    assert!(
        found == bytes,
        "{} is not what it was made from; see the top of this file",
        path.display()
    );
}

/// One test, because the list names what the set writes.
#[test]
fn the_tiny_set_and_the_list_of_sets_are_what_they_were_made_from() {
    let dir = golden().join("tiny");
    if updating() && dir.is_dir() {
        std::fs::remove_dir_all(&dir).unwrap();
    }
    let bundle = fixture::bundle();
    keep(
        &dir.join("current.json"),
        format!("{{\"bundle\":\"{}\"}}\n", bundle.id).as_bytes(),
    );
    keep(&dir.join(&bundle.id).join("manifest.json"), &bundle.manifest);
    for (path, bytes) in &bundle.files {
        keep(&dir.join(&bundle.id).join(path), bytes);
    }
    let block = fixture::block_bytes(&bundle.id);
    keep(&dir.join("block.pb"), &block);
    let set = Set::of_parts(&bundle, &block);
    keep(&dir.join("rows.json"), &set.write(&cases::cases(&set)));

    let sets: Vec<Set> = names().iter().map(|name| Set::read(&golden().join(name))).collect();
    keep(
        &golden().join("sets.rs"),
        set::list(&golden(), &names(), &sets).as_bytes(),
    );
}

#[test]
fn every_row_gives_what_it_gave() {
    for name in names() {
        let set = Set::read(&golden().join(&name));
        assert!(!set.rows.is_empty(), "{name} has no rows");
        for row in &set.rows {
            assert_eq!(set.outcome(&row.case), row.expected, "{name}: {}", row.case.name);
        }
    }
}
