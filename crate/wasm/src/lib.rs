//! upnext in the browser and at the edge: decode what the page hands in, one call into the core, columns back.
//!
//! Nothing here panics on input: every failure is thrown as an object `{ code, message }`.

mod columns;
mod disclosure;
mod error;
#[cfg(feature = "onnx")]
mod graph;
mod host;
mod options;
mod recommender;
mod request;
#[cfg(feature = "onnx")]
mod tract_engine;

// JavaScript values exist in a JavaScript host only.
#[cfg(all(test, target_arch = "wasm32"))]
mod tests;

use upnext_core::bundle::EngineKind;
use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("../js/types.d.ts");

/// The engine of this module, and the form of a bundle's graphs that it reads.
#[cfg(not(feature = "onnx"))]
mod engine_choice {
    pub(crate) use upnext_core::engine::CompactEngine as DeviceEngine;
    pub(crate) const ENGINE: upnext_core::bundle::EngineKind = upnext_core::bundle::EngineKind::Compact;
}

/// The engine of this module, and the form of a bundle's graphs that it reads.
#[cfg(feature = "onnx")]
mod engine_choice {
    pub(crate) use crate::tract_engine::TractEngine as DeviceEngine;
    pub(crate) const ENGINE: upnext_core::bundle::EngineKind = upnext_core::bundle::EngineKind::Onnx;
}

pub(crate) use engine_choice::{DeviceEngine, ENGINE};

/// `compact` or `onnx`.
#[wasm_bindgen]
#[must_use]
pub fn engine() -> String {
    match ENGINE {
        EngineKind::Compact => "compact",
        EngineKind::Onnx => "onnx",
    }
    .to_owned()
}
