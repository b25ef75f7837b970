//! The moment, as the host knows it: clock offset and kind of device. Read here, used here, sent nowhere.

use js_sys::{Date, Object, global};
use wasm_bindgen::prelude::{JsCast as _, JsValue, wasm_bindgen};
use web_sys::{Window, WorkerGlobalScope};

use crate::error::set;

/// Offset of local time and kind of device at `now_ms`, as the fields of a `Context`; unknown is `null`.
#[wasm_bindgen(js_name = hostContext, unchecked_return_type = "Context")]
#[must_use]
pub fn host_context(now_ms: f64) -> JsValue {
    let context = Object::new();
    set(&context, "nowMs", &now_ms.into());
    // JavaScript counts minutes west of UTC, and knows the daylight-saving rule of that very instant.
    let west = Date::new(&now_ms.into()).get_timezone_offset();
    let east = if west.is_finite() {
        JsValue::from(-west)
    } else {
        JsValue::NULL
    };
    set(&context, "utcOffsetMinutes", &east);
    let device = user_agent()
        .as_deref()
        .and_then(device_kind)
        .map_or(JsValue::NULL, JsValue::from);
    set(&context, "device", &device);
    context.into()
}

fn user_agent() -> Option<String> {
    let scope = global();
    if let Some(window) = scope.dyn_ref::<Window>() {
        return window.navigator().user_agent().ok();
    }
    scope.dyn_ref::<WorkerGlobalScope>()?.navigator().user_agent().ok()
}

/// Kind of device by the browser's own name for itself; `None` where it names nothing we know.
fn device_kind(user_agent: &str) -> Option<&'static str> {
    // By bytes: the search of `str` is for long texts, and ten times the code.
    let has = |word: &str| {
        user_agent
            .as_bytes()
            .windows(word.len())
            .any(|part| part == word.as_bytes())
    };
    let names = |words: &[&str]| words.iter().any(|word| has(word));
    // In this order: a television calls itself Linux or Android too, a tablet Android as well.
    if names(&["TV", "Tizen", "Web0S", "WebOS", "BRAVIA", "AFT", "CrKey", "Roku"]) {
        Some("tv")
    } else if names(&["iPad", "Tablet"]) || (names(&["Android"]) && !names(&["Mobile"])) {
        Some("tablet")
    } else if names(&["Mobi", "iPhone"]) {
        Some("phone")
    } else if names(&["Windows", "Macintosh", "Linux", "CrOS"]) {
        Some("desktop")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::device_kind;

    #[test]
    fn the_kind_of_device_follows_from_what_browsers_say() {
        let cases = [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36",
                Some("desktop"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
                Some("desktop"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15",
                Some("desktop"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/156.0 Mobile Safari/537.36",
                Some("phone"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148",
                Some("phone"),
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Mobile/15E148",
                Some("tablet"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-X900) Chrome/156.0 Safari/537.36",
                Some("tablet"),
            ),
            (
                "Mozilla/5.0 (SMART-TV; Linux; Tizen 8.0) Version/8.0 TV Safari/537.36",
                Some("tv"),
            ),
            (
                "Mozilla/5.0 (Web0S; Linux/SmartTV) Chrome/108.0 Safari/537.36",
                Some("tv"),
            ),
            ("Node.js/22", None),
            ("", None),
        ];
        for (user_agent, kind) in cases {
            assert_eq!(device_kind(user_agent), kind, "{user_agent}");
        }
    }
}
