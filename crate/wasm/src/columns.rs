//! What goes back to JavaScript: typed arrays and plain objects that the page owns.

use js_sys::{Array, Float32Array, Object, Reflect, Uint8Array, Uint32Array};
use upnext_core::block::Block;
use upnext_core::filter::DropReason;
use upnext_core::personal::Standing;
use upnext_core::pipeline::{Item, Slate};
use upnext_core::reason::ReasonCode;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::error::set;

/// What a page may show of a block.
pub(crate) fn block_info(block: &Block) -> Object {
    let rows = || 0..block.len();
    type Column = for<'a> fn(&'a Block, usize) -> Option<&'a str>;
    let texts = |column: Column| -> JsValue {
        rows()
            .map(|row| JsValue::from_str(column(block, row).unwrap_or_default()))
            .collect::<Array>()
            .into()
    };
    let lengths: Vec<f32> = rows().map(|row| block.length_seconds(row).unwrap_or(-1.0)).collect();
    let info = Object::new();
    set(&info, "bundleId", &block.bundle_id().into());
    // Exact: an f64 holds every millisecond of the next 285,000 years.
    set(&info, "expiresAtMs", &(block.expires_at_ms() as f64).into());
    if let Some(arm) = block.arm() {
        set(&info, "arm", &arm.into());
    }
    set(&info, "ids", &texts(|block, row| Some(block.id(row))));
    set(&info, "titles", &texts(Block::title));
    set(&info, "thumbnails", &texts(Block::thumbnail));
    set(&info, "channels", &texts(Block::channel));
    set(&info, "lengthSeconds", &Float32Array::from(&lengths[..]).into());
    let removed: Array = block.removed().iter().map(|id| JsValue::from_str(id)).collect();
    set(&info, "removed", &removed);
    info
}

/// A slate as rows of the block.
pub(crate) fn raw_slate(slate: &Slate) -> JsValue {
    let rows: Vec<u32> = slate.items.iter().map(|item| item.row as u32).collect();
    let column = |of: fn(&Item) -> f32| -> JsValue {
        let values: Vec<f32> = slate.items.iter().map(of).collect();
        Float32Array::from(&values[..]).into()
    };
    // Names and codes are made once: each that crosses is read and checked there.
    let names = (JsValue::from_str("code"), JsValue::from_str("video"));
    let codes = ReasonCode::ALL.map(|code| JsValue::from_str(code.as_str()));
    let reason = |item: &Item| {
        let object = Object::new();
        let code = ReasonCode::ALL.iter().position(|code| *code == item.reason.code);
        // A plain object takes every member.
        let _ = Reflect::set(&object, &names.0, &codes[code.unwrap_or(0)]);
        if let Some(video) = &item.reason.video {
            let _ = Reflect::set(&object, &names.1, &video.as_str().into());
        }
        object
    };
    let reasons: Array = slate.items.iter().map(reason).collect();
    let dropped_rows: Vec<u32> = slate.dropped.iter().map(|dropped| dropped.row as u32).collect();
    // Declared without values: a variant's number is its place in `DropReason::ALL`, which a test holds.
    let dropped_reasons: Vec<u8> = slate.dropped.iter().map(|dropped| dropped.reason as u8).collect();
    let raw = Object::new();
    set(&raw, "rows", &Uint32Array::from(&rows[..]).into());
    set(&raw, "scores", &column(|item| item.score));
    set(&raw, "propensities", &column(|item| item.propensity));
    set(&raw, "personalShifts", &column(|item| item.personal));
    set(&raw, "fatigueTolls", &column(|item| item.fatigue));
    set(&raw, "personal", &standing(&slate.personal).into());
    set(&raw, "reasons", &reasons);
    set(&raw, "droppedRows", &Uint32Array::from(&dropped_rows[..]).into());
    set(&raw, "droppedReasons", &Uint8Array::from(&dropped_reasons[..]).into());
    set(&raw, "receipt", &slate.receipt.as_str().into());
    set(&raw, "userVector", &Float32Array::from(&slate.user_vector[..]).into());
    raw.into()
}

/// How the personal head stands.
pub(crate) fn standing(standing: &Standing) -> Object {
    let object = Object::new();
    set(&object, "acts", &standing.acts().into());
    set(&object, "evidence", &(standing.evidence as u32).into());
    set(&object, "gain", &standing.gain.into());
    object
}

/// Names that `droppedReasons` refers to.
#[wasm_bindgen(js_name = dropReasons, unchecked_return_type = "DropReason[]")]
#[must_use]
pub fn drop_reasons() -> Vec<String> {
    DropReason::ALL
        .iter()
        .map(|reason| reason.as_str().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use upnext_core::filter::DropReason;

    #[test]
    fn a_drop_reasons_number_is_its_place_in_the_list_of_names() {
        for (place, reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, place);
        }
    }
}
