//! What earlier versions wrote, as they wrote it: what is still read, and what is refused by name.
//!
//! `tests/golden/past` is never written anew. `docs/releases.md` says which version is in which file.

use upnext_core::Code;
use upnext_core::Profile;
use upnext_core::block::Block;
use upnext_core::bundle::{BUNDLE_VERSION, Manifest, OLDEST_BUNDLE_VERSION, sha256_hex};
use upnext_core::disclosure::Ledger;
use upnext_core::engine::CompactEngine;
use upnext_core::history::History;
use upnext_core::pipeline::{self, Viewer};

use crate::set::Set;
use crate::{golden, names};

fn file(name: &str) -> Vec<u8> {
    std::fs::read(golden().join("past").join(name)).unwrap()
}

/// The same JSON text with another version.
fn with_version(text: &[u8], from: u32, to: u32) -> Vec<u8> {
    let text = std::str::from_utf8(text).unwrap();
    let member = |version| format!("\"version\":{version}");
    assert!(text.contains(&member(from)), "{text}");
    text.replacen(&member(from), &member(to), 1).into_bytes()
}

/// A new version is a new set: the old one stays, and is replayed by every runtime.
#[test]
fn there_is_a_golden_set_of_every_version_of_the_bundle_that_is_read() {
    let versions: Vec<u32> = names()
        .iter()
        .map(|name| Set::read(&golden().join(name)).bundle.manifest.version)
        .collect();
    for version in OLDEST_BUNDLE_VERSION..=BUNDLE_VERSION {
        assert!(
            versions.contains(&version),
            "no golden set has a bundle of version {version}"
        );
    }
}

#[test]
fn bundles_before_the_oldest_and_after_the_newest_version_are_refused_by_name() {
    let refused = |bytes: &[u8]| Manifest::parse(bytes, &sha256_hex(bytes)).unwrap_err();
    let error = refused(&file("bundle-1.json"));
    assert_eq!(error.code(), Code::BundleVersion);
    assert!(error.to_string().contains('1'), "{error}");
    let later = String::from_utf8(file("bundle-1.json"))
        .unwrap()
        .replace("\"version\": 1", &format!("\"version\": {}", BUNDLE_VERSION + 1));
    assert_eq!(refused(later.as_bytes()).code(), Code::BundleVersion);
}

#[test]
fn the_first_block_of_version_1_is_read() {
    let id = sha256_hex(&file("bundle-1.json"));
    let dims = Set::read(&golden().join("past/pipeline-1")).bundle.model.dims();
    let block = Block::decode(&file("block-1.pb"), &id, dims).unwrap();
    assert_eq!(block.len(), 60);
    // What later servers say beside it is unknown in it.
    assert!((0..block.len()).all(|row| block.regions(row).next().is_none()));
    assert!(block.arm().is_none());
}

#[test]
fn the_first_profile_and_history_of_version_1_are_read_and_kept() {
    let stored: serde_json::Value = serde_json::from_slice(&file("viewer-1.json")).unwrap();
    let profile = Profile::from_json(stored["profile"].to_string().as_bytes()).unwrap();
    assert_eq!(profile.language.as_deref(), Some("ja-JP"));
    let bytes = stored["history"].to_string().into_bytes();
    let history = History::parse(&bytes).unwrap();
    assert_eq!(history.len(), 12, "an event of every kind, and then some");
    assert_eq!(History::parse(history.to_json().as_bytes()).unwrap(), history);
    let later = History::parse(&with_version(&bytes, 1, 2)).unwrap_err();
    assert_eq!(later.code(), Code::ProfileInvalid);
}

#[test]
fn the_first_ledger_of_version_1_is_read_and_a_later_one_is_not_replaced() {
    let bytes = file("ledger-1.json");
    let ledger = Ledger::parse(&bytes).unwrap();
    assert_eq!(ledger.to_json(), std::str::from_utf8(&bytes).unwrap().trim_end());
    let later = Ledger::parse(&with_version(&bytes, 1, 2)).unwrap_err();
    assert_eq!(later.code(), Code::ProfileInvalid);
}

#[test]
fn receipts_of_the_first_pipeline_give_the_slate_that_they_gave() {
    let set = Set::read(&golden().join("past/pipeline-1"));
    assert_eq!(set.rows.len(), 2);
    for row in &set.rows {
        let case = &row.case;
        let viewer = Viewer {
            profile: case.profile.clone(),
            history: History::parse(case.history.to_string().as_bytes()).unwrap(),
        };
        let mut engine = CompactEngine::new(&set.bundle).unwrap();
        let (model, expected) = (&set.bundle.model, &row.expected);
        let slate = pipeline::replay(
            &mut engine,
            model,
            &set.block,
            &viewer,
            &case.context,
            &case.options,
            &expected.receipt,
        )
        .unwrap();
        assert_eq!(slate.receipt, expected.receipt, "{}", case.name);
        let ids: Vec<&str> = slate.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, expected.ids, "{}", case.name);
    }
}
