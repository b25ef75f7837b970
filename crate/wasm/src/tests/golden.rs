//! The golden rows, in whatever runs this: Chromium, Firefox.

use js_sys::{Array, Float32Array, JSON, Object, Reflect, Uint8Array, Uint32Array};
use upnext_core::bundle::EngineKind;
use wasm_bindgen::prelude::{JsCast as _, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::ENGINE;
use crate::recommender::Recommender;

/// One set, as `tests/golden/sets.rs` lists it.
pub(super) struct GoldenSet {
    pub(super) name: &'static str,
    pub(super) bundle_id: &'static str,
    pub(super) manifest: &'static [u8],
    pub(super) block: &'static [u8],
    pub(super) rows: &'static str,
    pub(super) files: &'static [(&'static str, &'static [u8])],
}

/// Every golden set.
pub(super) const SETS: &[GoldenSet] = include!("../../../../tests/golden/sets.rs");

pub(super) fn get(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &key.into()).unwrap()
}

pub(super) fn json(value: &JsValue) -> String {
    JSON::stringify(value).unwrap().into()
}

/// A plain object from JSON text.
pub(super) fn object(text: &str) -> JsValue {
    JSON::parse(text).unwrap()
}

impl GoldenSet {
    pub(super) fn load(&self, recommender: &mut Recommender) -> Result<JsValue, crate::error::Thrown> {
        let paths = self.files.iter().map(|(path, _)| (*path).to_owned()).collect();
        let files = self.files.iter().map(|(_, bytes)| Uint8Array::from(*bytes)).collect();
        recommender.load(self.bundle_id, self.manifest, paths, files, self.block)
    }

    pub(super) fn loaded(&self) -> Recommender {
        let mut recommender = Recommender::new();
        self.load(&mut recommender).unwrap();
        recommender
    }

    /// A set without ONNX graphs says nothing about the ONNX engine.
    fn has_graphs(&self) -> bool {
        crate::request::bundle_plan(self.bundle_id, self.manifest).is_ok()
    }

    pub(super) fn rows(&self) -> Array {
        object(self.rows).unchecked_into()
    }
}

/// Numbers of a JSON list, each rounded to the f32 that was written.
fn floats(list: &JsValue) -> Vec<f32> {
    Float32Array::new(list).to_vec()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    // Compact programs are exact on every machine; tract sums in another order.
    let tolerance = if ENGINE == EngineKind::Compact { 0.0 } else { 1e-5 };
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance, "{what}[{index}] is {a}, expected {b}");
    }
}

#[wasm_bindgen_test]
fn every_golden_row_gives_its_slate() {
    let mut replayed = 0;
    for set in SETS.iter().filter(|set| set.has_graphs()) {
        let mut recommender = set.loaded();
        for row in set.rows() {
            let what = |part: &str| format!("{}, {}: {part}", set.name, get(&row, "name").as_string().unwrap());
            let expected = get(&row, "expected");
            let context = get(&row, "context");
            recommender.set_profile(&json(&get(&row, "profile"))).unwrap();
            recommender.import_history(&json(&get(&row, "history"))).unwrap();

            let encoded = recommender.encode(context.clone()).unwrap();
            let categorical = Uint32Array::new(&get(&encoded, "categorical")).to_vec();
            let dense = Float32Array::new(&get(&encoded, "dense")).to_vec();
            assert_eq!(
                categorical,
                Uint32Array::new(&get(&expected, "categorical")).to_vec(),
                "{}",
                what("categorical")
            );
            // Encoding is the core's, whatever the engine: exact.
            assert_eq!(dense, floats(&get(&expected, "dense")), "{}", what("dense"));
            let vector = recommender.tower(categorical, dense).unwrap();
            assert_close(&vector, &floats(&get(&expected, "vector")), &what("vector"));

            let slate = recommender.recommend(context, get(&row, "options")).unwrap();
            let ids = ids_of(set, &slate, "rows");
            assert_eq!(json(&ids), json(&get(&expected, "ids")), "{}", what("ids"));
            assert_close(
                &floats(&get(&slate, "scores")),
                &floats(&get(&expected, "scores")),
                &what("scores"),
            );
            assert_eq!(get(&slate, "receipt"), get(&expected, "receipt"), "{}", what("receipt"));
            assert_eq!(
                json(&dropped_of(set, &slate)),
                json(&get(&expected, "dropped")),
                "{}",
                what("dropped")
            );
            replayed += 1;
        }
    }
    assert!(replayed > 0 || ENGINE == EngineKind::Onnx);
}

/// Ids of the rows in one column of a slate.
fn ids_of(set: &GoldenSet, slate: &JsValue, column: &str) -> Array {
    let ids: Array = get(&set.load(&mut Recommender::new()).unwrap(), "ids").unchecked_into();
    Uint32Array::new(&get(slate, column))
        .to_vec()
        .into_iter()
        .map(|row| ids.get(row))
        .collect()
}

/// `[{ id, reason }]`, as the rows write it.
fn dropped_of(set: &GoldenSet, slate: &JsValue) -> Array {
    let names: Array = crate::columns::drop_reasons().into_iter().map(JsValue::from).collect();
    let reasons = Uint8Array::new(&get(slate, "droppedReasons")).to_vec();
    let pairs = ids_of(set, slate, "droppedRows")
        .into_iter()
        .zip(reasons)
        .map(|(id, reason)| {
            let dropped = Object::new();
            crate::error::set(&dropped, "id", &id);
            crate::error::set(&dropped, "reason", &names.get(u32::from(reason)));
            JsValue::from(dropped)
        });
    pairs.collect()
}
