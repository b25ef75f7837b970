//! The recommender that JavaScript holds: bundle, block, profile and history of one viewer.

use js_sys::{Float32Array, Object, Uint8Array, Uint32Array};
use upnext_core::block::Block;
use upnext_core::bundle::{ClientBundle, ClientModel};
use upnext_core::engine::Engine as _;
use upnext_core::feature::EncodedUser;
use upnext_core::history::{Feedback, History};
use upnext_core::pipeline::{self, Offered, Options, Viewer};
use upnext_core::signal::SIGNAL_COUNT;
use upnext_core::{Context, Error, ErrorKind, Profile};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::columns::{block_info, raw_slate, standing};
use crate::error::{JsResult, set};
use crate::options::read;
use crate::{DeviceEngine, ENGINE};

/// A bundle and a block of it, both verified.
struct Loaded {
    model: ClientModel,
    engine: DeviceEngine,
    block: Block,
}

/// The recommender of one viewer. A call that throws changes nothing.
#[wasm_bindgen]
#[derive(Default)]
pub struct Recommender {
    loaded: Option<Loaded>,
    viewer: Viewer,
    /// What the latest slates offered, of the loaded bundle.
    offered: Offered,
}

#[wasm_bindgen]
impl Recommender {
    /// A recommender without bundle, block, profile and history.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Recommender {
        Recommender::default()
    }

    /// Loads a bundle with a block of it: `files[i]` are the bytes of `paths[i]`. Where it brings an alignment, the history of
    /// the bundle before is carried over.
    ///
    /// # Errors
    /// Every `bundle-…`, `block-…` and `program-…` code; what was loaded before stays.
    #[wasm_bindgen(unchecked_return_type = "BlockInfo")]
    pub fn load(
        &mut self,
        bundle_id: &str,
        manifest: &[u8],
        paths: Vec<String>,
        files: Vec<Uint8Array>,
        block: &[u8],
    ) -> JsResult<JsValue> {
        let read = |path: &str| {
            let at = paths.iter().position(|known| known == path)?;
            files.get(at).map(Uint8Array::to_vec)
        };
        let bundle = ClientBundle::assemble(bundle_id, manifest, ENGINE, read)?;
        let engine = DeviceEngine::new(&bundle)?;
        let model = bundle.model;
        let block = Block::decode(block, bundle_id, model.dims())?;
        let info = block_info(&block);
        // Exact: a history has at most a thousand events.
        set(&info, "carried", &(self.viewer.history.align(&model) as f64).into());
        self.loaded = Some(Loaded { model, engine, block });
        self.offered = Offered::default();
        Ok(info.into())
    }

    /// Takes a new block of the loaded bundle.
    ///
    /// # Errors
    /// Every `block-…` code, `bundle-mismatch`, `not-ready`; the old block stays.
    #[wasm_bindgen(js_name = setBlock, unchecked_return_type = "BlockInfo")]
    pub fn set_block(&mut self, block: &[u8]) -> JsResult<JsValue> {
        let loaded = self.loaded.as_mut().ok_or_else(no_bundle)?;
        let block = Block::decode(block, &loaded.model.bundle_id, loaded.model.dims())?;
        let info = block_info(&block);
        loaded.block = block;
        Ok(info.into())
    }

    /// Replaces the profile by this JSON text.
    ///
    /// # Errors
    /// `profile-invalid`.
    #[wasm_bindgen(js_name = setProfile)]
    pub fn set_profile(&mut self, json: &str) -> JsResult<()> {
        self.viewer.profile = Profile::from_json(json.as_bytes())?;
        Ok(())
    }

    /// The profile as JSON.
    #[wasm_bindgen(js_name = exportProfile)]
    #[must_use]
    pub fn export_profile(&self) -> String {
        self.viewer.profile.to_json()
    }

    /// Replaces the history by this JSON text, and carries it over where it is of the bundle before.
    ///
    /// # Errors
    /// `profile-invalid`.
    #[wasm_bindgen(js_name = importHistory)]
    pub fn import_history(&mut self, json: &str) -> JsResult<()> {
        let mut history = History::parse(json.as_bytes())?;
        if let Some(loaded) = &self.loaded {
            history.align(&loaded.model);
        }
        self.viewer.history = history;
        Ok(())
    }

    /// The history as JSON.
    #[wasm_bindgen(js_name = exportHistory)]
    #[must_use]
    pub fn export_history(&self) -> String {
        self.viewer.history.to_json()
    }

    /// Records what the viewer did, with what the block knows of its video, and of an impression what was expected of it.
    ///
    /// # Errors
    /// `request-invalid`.
    pub fn record(&mut self, #[wasm_bindgen(unchecked_param_type = "FeedbackEvent")] event: JsValue) -> JsResult<()> {
        let event: Feedback = read("event", event)?;
        let block = self.loaded.as_ref().map(|loaded| &loaded.block);
        let expected = self.offered.expected(event.video.as_deref());
        Ok(self.viewer.history.record_expected(event, block, expected)?)
    }

    /// Ids of the latest videos that the viewer found relevant, the latest first: what mode `recent` declares.
    #[must_use]
    pub fn recent(&self, most: u32, #[wasm_bindgen(js_name = nowMs)] now_ms: f64) -> Vec<String> {
        let videos = self.viewer.history.recent(most as usize, now_ms as i64);
        videos.into_iter().map(str::to_owned).collect()
    }

    /// Forgets profile and history.
    pub fn wipe(&mut self) {
        self.viewer = Viewer::default();
        self.offered = Offered::default();
    }

    /// Ranks the block for this viewer at this moment.
    ///
    /// # Errors
    /// `not-ready`, `block-expired`, `request-invalid`, and the engine's own.
    #[wasm_bindgen(unchecked_return_type = "RawSlate")]
    pub fn recommend(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Context")] context: JsValue,
        #[wasm_bindgen(unchecked_param_type = "SlateOptions")] options: JsValue,
    ) -> JsResult<JsValue> {
        let context: Context = read("context", context)?;
        let options: Options = read("options", options)?;
        let Loaded { model, engine, block } = self.loaded.as_mut().ok_or_else(no_bundle)?;
        let slate = pipeline::recommend(engine, model, block, &self.viewer, &context, &options)?;
        self.offered.remember(&slate);
        Ok(raw_slate(&slate))
    }

    /// What was learnt about this viewer beside the ranker, as of this instant.
    ///
    /// # Errors
    /// `not-ready`.
    #[wasm_bindgen(unchecked_return_type = "RawLearnt")]
    pub fn learnt(&self, #[wasm_bindgen(js_name = nowMs)] now_ms: f64) -> JsResult<JsValue> {
        let Loaded { model, block, .. } = self.loaded.as_ref().ok_or_else(no_bundle)?;
        let (held, shifts) = pipeline::learnt(model, block, &self.viewer, now_ms as i64);
        let learnt = standing(&held);
        set(&learnt, "shifts", &Float32Array::from(&shifts[..]).into());
        Ok(learnt.into())
    }

    /// The user tower's inputs for this viewer at this moment.
    ///
    /// # Errors
    /// `not-ready`, `request-invalid`.
    #[wasm_bindgen(unchecked_return_type = "EncodedUser")]
    pub fn encode(&self, #[wasm_bindgen(unchecked_param_type = "Context")] context: JsValue) -> JsResult<JsValue> {
        let context: Context = read("context", context)?;
        let loaded = self.loaded.as_ref().ok_or_else(no_bundle)?;
        let user = self.viewer.encode(&loaded.model, &context)?;
        let encoded = Object::new();
        set(
            &encoded,
            "categorical",
            &Uint32Array::from(&user.categorical[..]).into(),
        );
        set(&encoded, "dense", &Float32Array::from(&user.dense[..]).into());
        Ok(encoded.into())
    }

    /// The user vector of such inputs: one run of the tower.
    ///
    /// # Errors
    /// `not-ready`, `id-out-of-range`, `not-finite`, `request-invalid` for another width.
    pub fn tower(&mut self, categorical: Vec<u32>, dense: Vec<f32>) -> JsResult<Vec<f32>> {
        let loaded = self.loaded.as_mut().ok_or_else(no_bundle)?;
        let user = EncodedUser {
            categorical,
            dense,
            factor: Vec::new(),
        };
        Ok(loaded.engine.user_vector(&user)?)
    }

    /// The ranker's logits of rows of signals, row by row: one run of it.
    ///
    /// # Errors
    /// `not-ready`, `not-finite`, `request-invalid` for values that make no rows.
    pub fn rank(&mut self, signals: &[f32]) -> JsResult<Vec<f32>> {
        let loaded = self.loaded.as_mut().ok_or_else(no_bundle)?;
        Ok(loaded.engine.rank(signals, signals.len() / SIGNAL_COUNT)?)
    }
}

impl Recommender {
    /// Id of the loaded bundle.
    pub(crate) fn bundle_id(&self) -> JsResult<&str> {
        let loaded = self.loaded.as_ref().ok_or_else(no_bundle)?;
        Ok(&loaded.model.bundle_id)
    }

    /// What the viewer did.
    pub(crate) fn history(&self) -> &History {
        &self.viewer.history
    }
}

fn no_bundle() -> Error {
    Error::from(ErrorKind::NotReady { what: "bundle" })
}
