//! The candidate request, what a page must fetch, and what it knows of a block before it is loaded: functions of public
//! inputs, built by the core.

use js_sys::{Array, Object};
use upnext_core::block;
use upnext_core::bundle::{ClientBundle, Manifest};
use upnext_core::request;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::ENGINE;
use crate::error::{JsResult, set};
use crate::options::{DeclaredInputs, read};

/// The candidate request, a function of the declared inputs alone.
///
/// # Errors
/// `request-invalid` for an input outside its range.
#[wasm_bindgen(js_name = candidateRequest, unchecked_return_type = "RequestParts")]
pub fn candidate_request(
    #[wasm_bindgen(unchecked_param_type = "DeclaredInputs")] inputs: JsValue,
) -> JsResult<JsValue> {
    let inputs: DeclaredInputs = read("request", inputs)?;
    let built = request::candidate_request(&request::DeclaredInputs::try_from(inputs)?)?;
    let headers: Array = built
        .headers
        .iter()
        .map(|(name, value)| Array::of2(&(*name).into(), &value.into()))
        .collect();
    let parts = Object::new();
    set(&parts, "url", &built.url.into());
    set(&parts, "headers", &headers);
    if let Some(body) = &built.body {
        set(&parts, "body", &body.as_str().into());
    }
    Ok(parts.into())
}

/// Checks a manifest against the bundle id, and lists the files that this module needs.
///
/// # Errors
/// Those of the core's `Manifest::parse`; `bundle-incomplete` where a needed file isn't named.
#[wasm_bindgen(js_name = bundlePlan, unchecked_return_type = "BundlePlan")]
pub fn bundle_plan(bundle_id: &str, manifest: &[u8]) -> JsResult<JsValue> {
    let manifest = Manifest::parse(manifest, bundle_id)?;
    let files = Array::new();
    for entry in ClientBundle::needed(&manifest, ENGINE)? {
        let file = Object::new();
        set(&file, "path", &entry.path.as_str().into());
        // Exact: a file that can be loaded is far below 2⁵³ bytes.
        set(&file, "bytes", &(entry.bytes as f64).into());
        files.push(&file);
    }
    let plan = Object::new();
    set(&plan, "needsOnnx", &manifest.needs_onnx.into());
    set(&plan, "files", &files);
    Ok(plan.into())
}

/// The bytes of a block with those of these videos among its removed ids that no block of its age can hold: `until_ms[i]`
/// is the expiry of the latest block that named `ids[i]` as removed. Nothing where it names them all already.
#[wasm_bindgen(js_name = withRemoved)]
#[must_use]
pub fn with_removed(
    block: &[u8],
    ids: Vec<String>,
    #[wasm_bindgen(js_name = untilMs)] until_ms: Vec<f64>,
) -> Option<Vec<u8>> {
    let known = ids.iter().map(String::as_str).zip(until_ms.iter().map(|ms| *ms as i64));
    block::with_removed(block, known)
}
