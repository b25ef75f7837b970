//! Small objects from JavaScript: options, moments, events. Columns don't come this way.

use upnext_core::request::{self, Mode};
use upnext_core::tree::{FromTree, Reader, Tree};
use wasm_bindgen::JsValue;

use crate::error::{JsResult, Thrown, wrong_shape};

/// Reads a plain object; `what` names the argument in the error.
pub(crate) fn read<T: FromTree>(what: &'static str, value: JsValue) -> JsResult<T> {
    T::from_tree(tree(what, value)?).map_err(|misfit| wrong_shape(what, misfit.to_string()))
}

fn tree(what: &'static str, value: JsValue) -> JsResult<Tree> {
    serde_wasm_bindgen::from_value(value).map_err(|error| wrong_shape(what, error.to_string()))
}

/// Public inputs of the candidate request.
pub(crate) struct DeclaredInputs {
    pub(crate) origin: String,
    pub(crate) bundle_id: String,
    pub(crate) languages: Vec<String>,
    pub(crate) size: u32,
    pub(crate) token: Option<String>,
    pub(crate) recent: Option<Vec<String>>,
}

impl FromTree for DeclaredInputs {
    fn read(tree: Tree, reader: &mut Reader) -> DeclaredInputs {
        let mut fields = reader.fields(tree, &["origin", "bundleId", "languages", "size", "token", "recent"]);
        DeclaredInputs {
            origin: fields.take(),
            bundle_id: fields.take(),
            languages: fields.take(),
            size: fields.take(),
            token: fields.take(),
            recent: fields.take(),
        }
    }
}

impl TryFrom<DeclaredInputs> for request::DeclaredInputs {
    type Error = Thrown;

    fn try_from(inputs: DeclaredInputs) -> JsResult<request::DeclaredInputs> {
        let mode = match (inputs.token, inputs.recent) {
            (None, None) => Mode::Anonymous,
            (Some(token), None) => Mode::Account { token },
            (None, Some(videos)) => Mode::Recent { videos },
            (Some(_), Some(_)) => {
                return Err(wrong_shape(
                    "recent",
                    "goes with no token: an account's videos are known by its events".to_owned(),
                ));
            }
        };
        Ok(request::DeclaredInputs {
            origin: inputs.origin,
            bundle_id: inputs.bundle_id,
            languages: inputs.languages,
            size: inputs.size as usize,
            mode,
        })
    }
}
