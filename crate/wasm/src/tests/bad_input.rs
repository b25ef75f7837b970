//! Bad input is thrown back as `{ code, message }`, changes nothing, and never traps.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::golden::{GoldenSet, SETS, get, json, object};
use crate::error::Thrown;
use crate::recommender::Recommender;

const CONTEXT: &str = r#"{"nowMs": 1772366400000, "surface": "up-next"}"#;

/// The tiny set if this module can run it, else the first that it can.
fn set() -> &'static GoldenSet {
    let runs = |set: &&GoldenSet| crate::request::bundle_plan(set.bundle_id, set.manifest).is_ok();
    SETS.iter()
        .filter(|set| runs(set))
        .min_by_key(|set| set.name != "tiny")
        .unwrap()
}

fn code<T>(outcome: Result<T, Thrown>) -> String {
    match outcome {
        Ok(_) => "no error".to_owned(),
        Err(thrown) => {
            let thrown = JsValue::from(thrown);
            assert!(!get(&thrown, "message").as_string().unwrap().is_empty());
            get(&thrown, "code").as_string().unwrap()
        }
    }
}

fn slate(recommender: &mut Recommender) -> String {
    let slate = recommender.recommend(now(), object("{}")).unwrap();
    json(&get(&slate, "receipt")) + &json(&get(&slate, "scores"))
}

fn now() -> JsValue {
    let row = set().rows().get(0);
    get(&row, "context")
}

#[wasm_bindgen_test]
fn before_a_bundle_is_loaded_everything_that_needs_one_is_not_ready() {
    let mut recommender = Recommender::new();
    assert_eq!(code(recommender.recommend(object(CONTEXT), object("{}"))), "not-ready");
    assert_eq!(code(recommender.encode(object(CONTEXT))), "not-ready");
    assert_eq!(code(recommender.tower(vec![], vec![])), "not-ready");
    assert_eq!(code(recommender.set_block(set().block)), "not-ready");
}

#[wasm_bindgen_test]
fn a_flipped_bit_of_any_file_is_found_and_what_was_loaded_stays() {
    let set = set();
    let mut recommender = set.loaded();
    let good = slate(&mut recommender);
    let needed = json(&crate::request::bundle_plan(set.bundle_id, set.manifest).unwrap());
    for (flipped, (path, _)) in set.files.iter().enumerate() {
        let paths = set.files.iter().map(|(path, _)| (*path).to_owned()).collect();
        let file = |(index, (_, bytes)): (usize, &(&str, &[u8]))| {
            let mut bytes = bytes.to_vec();
            if index == flipped {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            Uint8Array::from(&bytes[..])
        };
        let files = set.files.iter().enumerate().map(file).collect();
        let outcome = code(recommender.load(set.bundle_id, set.manifest, paths, files, set.block));
        let expected = if needed.contains(path) {
            "bundle-corrupt"
        } else {
            "no error"
        };
        assert_eq!(outcome, expected, "{path}");
    }
    let mut manifest = set.manifest.to_vec();
    manifest[9] ^= 1;
    assert_eq!(
        code(recommender.load(set.bundle_id, &manifest, vec![], vec![], set.block)),
        "bundle-corrupt"
    );
    assert_eq!(
        code(recommender.load(set.bundle_id, set.manifest, vec![], vec![], set.block)),
        "bundle-incomplete"
    );
    assert_eq!(slate(&mut recommender), good);
}

#[wasm_bindgen_test]
fn a_block_cut_anywhere_or_with_any_byte_changed_never_traps() {
    let set = set();
    let mut recommender = set.loaded();
    let good = slate(&mut recommender);
    let step = (set.block.len() / 200).max(1);
    for cut in (0..set.block.len()).step_by(step) {
        assert_ne!(
            code(recommender.set_block(&set.block[..cut])),
            "no error",
            "cut at {cut}"
        );
    }
    assert_eq!(slate(&mut recommender), good);
    for at in (0..set.block.len()).step_by(step) {
        let mut bytes = set.block.to_vec();
        bytes[at] = !bytes[at];
        // A changed title is a block as good as any; what loads must also rank or be refused.
        if recommender.set_block(&bytes).is_ok() {
            let _ = recommender.recommend(now(), object("{}"));
        }
    }
    recommender.set_block(set.block).unwrap();
    assert_eq!(slate(&mut recommender), good);
}

#[wasm_bindgen_test]
fn values_of_the_wrong_shape_are_refused_and_change_nothing() {
    let mut recommender = set().loaded();
    let good = slate(&mut recommender);
    for context in [
        "null",
        "7",
        "[]",
        "{}",
        r#"{"nowMs": "today"}"#,
        r#"{"nowMs": 1.5}"#,
        r#"{"nowMs": 0, "device": 7}"#,
    ] {
        assert_eq!(
            code(recommender.recommend(object(context), object("{}"))),
            "request-invalid",
            "{context}"
        );
    }
    for options in [
        "7",
        r#"{"size": 0}"#,
        r#"{"size": 201}"#,
        r#"{"size": -1}"#,
        r#"{"diversity": 1.5}"#,
        r#"{"seed": -1}"#,
        r#"{"watching": 7}"#,
    ] {
        assert_eq!(
            code(recommender.recommend(now(), object(options))),
            "request-invalid",
            "{options}"
        );
    }
    let events = [
        "null",
        "{}",
        r#"{"kind": "stare", "atMs": 0, "video": "v"}"#,
        r#"{"kind": "like", "atMs": 0}"#,
        r#"{"kind": "search", "atMs": 0}"#,
        r#"{"kind": "like", "atMs": 0, "video": ""}"#,
        r#"{"kind": "watch", "atMs": 0, "video": "v", "seconds": -1}"#,
    ];
    for event in events {
        assert_eq!(code(recommender.record(object(event))), "request-invalid", "{event}");
    }
    for text in ["", "null", "[]", r#"{"age": 400}"#, r#"{"unknown": 1}"#] {
        assert_eq!(code(recommender.set_profile(text)), "profile-invalid", "{text}");
    }
    for text in [
        "",
        "null",
        "{}",
        r#"{"version": 9, "events": []}"#,
        r#"{"version": 1, "events": [{}]}"#,
    ] {
        assert_eq!(code(recommender.import_history(text)), "profile-invalid", "{text}");
    }
    assert_eq!(slate(&mut recommender), good);
}

#[wasm_bindgen_test]
fn plain_data_are_read_as_serde_wasm_bindgen_reads_them() {
    use upnext_core::tree::{MAX_DEPTH, Tree};
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let texts = [
        "null",
        "true",
        "[0, -0.0, 1.5, -7, 1e300, 9007199254740991, 9007199254740992, -9007199254740993]",
        r#"["", "a\u0000b", "\ud83d\ude00", {"b": 1, "a": {"": [null]}}, []]"#,
        &deep(16),
        &deep(17),
    ];
    for text in texts {
        let value = object(text);
        let expected: Result<Tree, _> = serde_wasm_bindgen::from_value(value.clone());
        assert_eq!(crate::options::plain(&value, MAX_DEPTH).ok(), expected.ok(), "{text}");
    }
    for number in [f64::NAN, f64::INFINITY, f64::MIN_POSITIVE] {
        let expected: Tree = serde_wasm_bindgen::from_value(number.into()).unwrap();
        let found = crate::options::plain(&number.into(), MAX_DEPTH).unwrap();
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }
}

#[wasm_bindgen_test]
fn what_no_json_holds_is_refused_and_what_it_holds_is_read() {
    let mut recommender = set().loaded();
    let asked = |value: &JsValue| {
        let options = js_sys::Object::new();
        crate::error::set(&options, "watching", value);
        JsValue::from(options)
    };
    let own = js_sys::Object::new();
    crate::error::set(&own, "own", &own);
    let words = js_sys::Array::of1(&"a".into());
    let strange: [JsValue; 8] = [
        own.into(),
        js_sys::Map::new().into(),
        js_sys::Set::new(&words).into(),
        Uint8Array::new_with_length(3).into(),
        js_sys::Function::new_no_args("").into(),
        js_sys::BigInt::from(7_u64).into(),
        js_sys::Symbol::iterator().into(),
        f64::NAN.into(),
    ];
    for value in strange {
        assert_eq!(code(recommender.recommend(now(), asked(&value))), "request-invalid");
    }
    for value in [JsValue::NULL, JsValue::UNDEFINED, "v".into()] {
        assert_eq!(code(recommender.recommend(now(), asked(&value))), "no error");
    }
    // A whole number is one also where it was reckoned with fractions, and −0 is 0.
    for (size, expected) in [
        (2.0 + 1e-17, "no error"),
        (2.5, "request-invalid"),
        (-0.0, "request-invalid"),
    ] {
        let options = js_sys::Object::new();
        crate::error::set(&options, "size", &size.into());
        assert_eq!(code(recommender.recommend(now(), options.into())), expected, "{size}");
    }
}

#[wasm_bindgen_test]
fn inputs_of_the_tower_are_checked_before_the_engine_sees_them() {
    let mut recommender = set().loaded();
    let encoded = recommender.encode(now()).unwrap();
    let categorical = js_sys::Uint32Array::new(&get(&encoded, "categorical")).to_vec();
    let dense = js_sys::Float32Array::new(&get(&encoded, "dense")).to_vec();
    for column in 0..categorical.len() {
        let mut ids = categorical.clone();
        ids[column] = u32::MAX;
        assert_eq!(
            code(recommender.tower(ids, dense.clone())),
            "id-out-of-range",
            "column {column}"
        );
    }
    for bad in [f32::NAN, f32::INFINITY] {
        let mut values = dense.clone();
        values[0] = bad;
        assert_eq!(code(recommender.tower(categorical.clone(), values)), "not-finite");
    }
    assert_ne!(code(recommender.tower(vec![], dense)), "no error");
    assert_ne!(code(recommender.tower(categorical, vec![])), "no error");
}

#[wasm_bindgen_test]
fn the_host_says_when_and_on_what() {
    // A browser knows its clock and its own name, and these run in one.
    let context = crate::host::host_context(1_772_366_400_000.0);
    assert_eq!(
        get(&context, "utcOffsetMinutes").as_f64().map(|m| m.abs() <= 840.0),
        Some(true)
    );
    assert_eq!(get(&context, "device").as_string().as_deref(), Some("desktop"));
}
