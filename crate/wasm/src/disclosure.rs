//! What metrics tell. The ledger is a text that the page keeps: it is read, asked and written in one call.

use upnext_core::disclosure::{Ledger, RANDOM_WORDS, Terms};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::{JsResult, wrong_shape};
use crate::recommender::Recommender;

/// Random bytes of one call: those of the answers, and those of a new ledger.
const RANDOM_BYTES: usize = 4 * (RANDOM_WORDS + 1);

#[wasm_bindgen]
impl Recommender {
    /// The ledger after the question what is told now, and the report as JSON where there is one. No ledger: a new one.
    /// `random` are [`RANDOM_BYTES`] that nobody can guess.
    ///
    /// # Errors
    /// `not-ready`, `profile-invalid` for a ledger that can't be read, `request-invalid` for another number of random bytes.
    pub fn disclose(
        &self,
        ledger: Option<String>,
        #[wasm_bindgen(js_name = nowMs)] now_ms: f64,
        random: &[u8],
    ) -> JsResult<Vec<String>> {
        let bundle_id = self.bundle_id()?;
        let now_ms = now_ms as i64;
        if random.len() != RANDOM_BYTES {
            return Err(wrong_shape("random", format!("needs {RANDOM_BYTES} bytes")));
        }
        let mut words = [0; RANDOM_WORDS + 1];
        for (word, bytes) in words.iter_mut().zip(random.chunks_exact(4)) {
            *word = bytes.iter().fold(0, |word, byte| (word << 8) | u32::from(*byte));
        }
        let [turn, random @ ..] = words;
        let mut ledger = match ledger {
            Some(text) => Ledger::parse(text.as_bytes())?,
            None => Ledger::new(now_ms, turn),
        };
        let report = ledger.tell(&Terms::CURRENT, self.history(), bundle_id, now_ms, random);
        let report = report.map(|report| report.to_json());
        Ok([ledger.to_json()].into_iter().chain(report).collect())
    }
}

/// What a ledger has spent and told, for the viewer, as JSON. No ledger: one that nothing was spent of.
///
/// # Errors
/// `profile-invalid` for a ledger that can't be read.
#[wasm_bindgen]
pub fn disclosed(ledger: Option<String>) -> JsResult<String> {
    let ledger = match ledger {
        Some(text) => Ledger::parse(text.as_bytes())?,
        None => Ledger::new(0, 0),
    };
    Ok(ledger.disclosed(&Terms::CURRENT))
}

/// The ledger without what was told; what was spent stays.
///
/// # Errors
/// `profile-invalid` for a ledger that can't be read.
#[wasm_bindgen(js_name = forgetDisclosed)]
pub fn forget_disclosed(ledger: &str) -> JsResult<String> {
    let mut ledger = Ledger::parse(ledger.as_bytes())?;
    ledger.forget();
    Ok(ledger.to_json())
}
