//! Small objects from JavaScript: options, moments, events. Columns don't come this way.

#[cfg(any(test, not(feature = "onnx")))]
use js_sys::{Array, Object, Reflect, Symbol};
use upnext_core::request::{self, Mode};
use upnext_core::tree::{FromTree, Reader, Tree};
#[cfg(any(test, not(feature = "onnx")))]
use wasm_bindgen::JsCast as _;
use wasm_bindgen::JsValue;

use crate::error::{JsResult, Thrown, wrong_shape};

/// Reads a plain object; `what` names the argument in the error.
pub(crate) fn read<T: FromTree>(what: &'static str, value: JsValue) -> JsResult<T> {
    let tree = tree(value).map_err(|reason| wrong_shape(what, reason))?;
    T::from_tree(tree).map_err(|misfit| wrong_shape(what, misfit.to_string()))
}

#[cfg(feature = "onnx")]
fn tree(value: JsValue) -> Result<Tree, String> {
    serde_wasm_bindgen::from_value(value).map_err(|error| error.to_string())
}

/// By hand: serde-wasm-bindgen, which the module with tract reads by and the tests hold this to, is 4 % of a module as small as
/// this one, most of it ways to say what was not expected.
#[cfg(not(feature = "onnx"))]
fn tree(value: JsValue) -> Result<Tree, String> {
    plain(&value, upnext_core::tree::MAX_DEPTH).map_err(str::to_owned)
}

/// The largest number up to which a double tells every whole number from the next: `Number.MAX_SAFE_INTEGER`.
#[cfg(any(test, not(feature = "onnx")))]
const MAX_SAFE: f64 = ((1_u64 << 53) - 1) as f64;

/// What a value holds, `levels` deep at most: an object can hold itself.
#[cfg(any(test, not(feature = "onnx")))]
pub(crate) fn plain(value: &JsValue, levels: u8) -> Result<Tree, &'static str> {
    if value.is_null() || value.is_undefined() {
        return Ok(Tree::Null);
    }
    if let Some(value) = value.as_bool() {
        return Ok(Tree::Bool(value));
    }
    if let Some(number) = value.as_f64() {
        let whole = number.abs() <= MAX_SAFE && number == number.trunc();
        return Ok(if whole {
            Tree::Signed(number as i64)
        } else {
            Tree::Float(number)
        });
    }
    if let Some(text) = value.as_string() {
        return Ok(Tree::Text(text));
    }
    let levels = levels.checked_sub(1).ok_or("nested too deeply")?;
    let below = |value: JsValue| plain(&value, levels);
    if let Some(list) = value.dyn_ref::<Array>() {
        return list.iter().map(below).collect::<Result<_, _>>().map(Tree::List);
    }
    // What can be walked through and is no list, a `Map` for one, holds what its members do not tell.
    if !value.is_object() || Reflect::has(value, &Symbol::iterator()).unwrap_or(true) {
        return Err("expected plain data");
    }
    let member = |pair: JsValue| {
        let pair: Array = pair.unchecked_into();
        Ok((pair.get(0).as_string().unwrap_or_default(), below(pair.get(1))?))
    };
    Object::entries(value.unchecked_ref())
        .iter()
        .map(member)
        .collect::<Result<_, _>>()
        .map(Tree::Object)
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
