#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use upnext_core::bundle::hex;

use super::*;

/// A golden set of the repository: the slates that browsers must give.
fn golden(set: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(set)
}

/// Receipts as a device would write them for each row of a golden set.
fn receipts(set: &str) -> Vec<Value> {
    let read = |name: &str| std::fs::read(golden(set).join(name)).unwrap();
    let current: Value = serde_json::from_slice(&read("current.json")).unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&read("rows.json")).unwrap();
    let receipt = |row: Value| {
        json!({
            "version": 1, "receipt": row["expected"]["receipt"], "bundleId": current["bundle"], "profile": row["profile"],
            "history": row["history"], "context": row["context"], "options": row["options"],
            "block": hex(&read("block.pb")), "ids": row["expected"]["ids"],
        })
    };
    rows.into_iter().map(receipt).collect()
}

fn replay(set: &str, receipt: &Value) -> Result<Replayed, Error> {
    Receipt::parse(receipt.to_string().as_bytes(), Path::new("receipt.json"))?.replay(&golden(set))
}

#[test]
fn every_golden_row_is_replayed() {
    for set in ["tiny", "trained"] {
        for receipt in receipts(set) {
            let replayed = replay(set, &receipt).unwrap();
            assert_eq!(json!(replayed.slate.receipt), receipt["receipt"]);
        }
    }
}

#[test]
fn a_receipt_that_was_edited_says_what_differs() {
    let receipt = receipts("tiny").swap_remove(0);
    let edited = |pointer: &str, value: Value| {
        let mut edited = receipt.clone();
        *edited.pointer_mut(pointer).unwrap() = value;
        let error = replay("tiny", &edited).unwrap_err();
        (error.code().as_str(), error.to_string())
    };
    let mut ids = receipt["ids"].as_array().unwrap().clone();
    ids.swap(0, 1);
    let (code, message) = edited("/ids", json!(ids));
    assert_eq!(code, "receipt-mismatch");
    assert!(message.contains("video in place 1"), "{message}");
    let seed = receipt["options"]["seed"].as_u64().unwrap();
    let (code, message) = edited("/options/seed", json!(seed + 1));
    assert_eq!(code, "receipt-mismatch", "{message}");
    assert_eq!(edited("/profile/age", json!(400)).0, "profile-invalid");
    assert_eq!(edited("/block", json!("zz")).0, "block-unreadable");
    assert_eq!(edited("/bundleId", json!("0".repeat(64))).0, "bundle-mismatch");
    assert_eq!(edited("/version", json!(2)).0, "file-unreadable");
    assert_eq!(
        edited("/context/nowMs", json!(9_000_000_000_000_000_i64)).0,
        "block-expired"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Cut anywhere, a receipt is refused, never a panic.
    #[test]
    fn a_receipt_that_was_cut_is_refused(share in 0.0_f64..1.0) {
        let text = receipts("tiny").swap_remove(0).to_string();
        let cut = text.floor_char_boundary((text.len() as f64 * share) as usize);
        let error = Receipt::parse(&text.as_bytes()[..cut], Path::new("receipt.json")).unwrap_err();
        prop_assert_eq!(error.code().as_str(), "file-unreadable");
    }
}
