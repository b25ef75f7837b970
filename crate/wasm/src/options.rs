//! Small objects from JavaScript: options, moments, events. Columns don't come this way.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use upnext_core::request::{self, Mode};
use wasm_bindgen::JsValue;

use crate::error::{JsResult, wrong_shape};

/// Reads a plain object; `what` names the argument in the error.
pub(crate) fn read<T: DeserializeOwned>(what: &'static str, value: JsValue) -> JsResult<T> {
    serde_wasm_bindgen::from_value(value).map_err(|error| wrong_shape(what, error))
}

/// Public inputs of the candidate request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeclaredInputs {
    pub(crate) origin: String,
    pub(crate) bundle_id: String,
    pub(crate) languages: Vec<String>,
    pub(crate) size: u32,
    #[serde(default)]
    pub(crate) token: Option<String>,
}

impl From<DeclaredInputs> for request::DeclaredInputs {
    fn from(inputs: DeclaredInputs) -> request::DeclaredInputs {
        request::DeclaredInputs {
            origin: inputs.origin,
            bundle_id: inputs.bundle_id,
            languages: inputs.languages,
            size: inputs.size as usize,
            mode: inputs.token.map_or(Mode::Anonymous, |token| Mode::Account { token }),
        }
    }
}
