//! Errors on their way to JavaScript.

use js_sys::{Object, Reflect};
use upnext_core::{Code, Error, ErrorKind};
use wasm_bindgen::JsValue;

/// What every exported function returns.
pub type JsResult<T> = Result<T, Thrown>;

/// An error of the core that JavaScript catches as `{ code, message }`.
#[derive(Debug)]
pub struct Thrown(pub(crate) Error);

impl From<Error> for Thrown {
    fn from(error: Error) -> Thrown {
        Thrown(error)
    }
}

impl From<Thrown> for JsValue {
    fn from(Thrown(error): Thrown) -> JsValue {
        thrown(error.code(), &error.to_string())
    }
}

/// What JavaScript catches.
pub(crate) fn thrown(code: Code, message: &str) -> JsValue {
    let thrown = Object::new();
    set(&thrown, "code", &code.as_str().into());
    set(&thrown, "message", &message.into());
    thrown.into()
}

/// An argument of the wrong shape.
pub(crate) fn wrong_shape(what: &'static str, reason: String) -> Thrown {
    Thrown(Error::from(ErrorKind::RequestInvalid {
        what: what.to_owned(),
        reason,
    }))
}

/// Sets a property of a fresh plain object, which can't fail.
pub(crate) fn set(object: &Object, key: &str, value: &JsValue) {
    let _ = Reflect::set(object, &key.into(), value);
}

#[cfg(test)]
mod tests {
    use upnext_core::Code;
    use upnext_core::filter::DropReason;
    use upnext_core::reason::ReasonCode;

    /// The words of one union type of `types.d.ts`.
    fn union_of(name: &str) -> Vec<&'static str> {
        let (_, rest) = include_str!("../js/types.d.ts")
            .split_once(&format!("export type {name} ="))
            .unwrap_or_default();
        let (body, _) = rest.split_once(';').unwrap_or_default();
        body.split('"').skip(1).step_by(2).collect()
    }

    #[test]
    fn the_error_codes_of_typescript_are_those_of_the_core() {
        let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(union_of("ErrorCode"), codes);
    }

    #[test]
    fn the_reasons_of_typescript_are_those_of_the_core() {
        let shown: Vec<_> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(union_of("ReasonCode"), shown);
        let dropped: Vec<_> = DropReason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(union_of("DropReason"), dropped);
    }

    #[test]
    fn the_event_kinds_of_typescript_are_those_of_the_core() {
        let kinds: Vec<_> = upnext_core::EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(union_of("EventKind"), kinds);
    }
}
