//! What once crashed under the fuzzer, and its seeds, through the functions that it calls.
#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

use std::path::Path;

#[path = "../../../tests/fuzz/src/lib.rs"]
mod targets;

type Target = (&'static str, fn(&[u8]));
const TARGETS: [Target; 8] = [
    ("program", targets::program),
    ("block", targets::block),
    ("spec", targets::spec),
    ("manifest", targets::manifest),
    ("tensors", targets::tensors),
    ("profile", targets::profile),
    ("ledger", targets::ledger),
    ("history", targets::history),
];

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

#[test]
fn what_once_crashed_is_refused_or_used() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
    for (name, target) in TARGETS {
        for case in files(&fuzz.join("crashes").join(name)) {
            target(&std::fs::read(case).unwrap());
        }
    }
}

#[test]
fn every_golden_file_under_every_target_cut_anywhere() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/tiny");
    let bundle = files(&golden).into_iter().find(|path| path.is_dir()).unwrap();
    let mut seeds = files(&bundle.join("client"));
    seeds.extend([bundle.join("manifest.json"), golden.join("block.pb")]);
    assert!(seeds.len() >= 6);
    for seed in seeds {
        let bytes = std::fs::read(seed).unwrap();
        for (_, target) in TARGETS {
            for end in (0..=bytes.len()).step_by(bytes.len() / 16 + 1).chain([bytes.len()]) {
                target(&bytes[..end]);
            }
        }
    }
}
