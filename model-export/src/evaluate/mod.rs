//! Evaluation on the test window: what a device would have shown, by the very functions it runs.

mod impressions;
mod slates;

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Serialize;
use upnext_core::bundle::{ClientBundle, EngineKind};
use upnext_core::engine::CompactEngine;

use crate::Error;
use crate::bundle::{Bundle, VideoFigures};
use crate::label::{Encounter, encounters};
use crate::moments::{Moments, Pasts};
use crate::split::{Side, Split};
use crate::table::Dataset;
use crate::towers::QuantRows;

/// What is compared: popularity, the collaborative order, the towers alone, the whole path.
pub const MODELS: [&str; 4] = ["popular", "cf", "two_tower", "device"];
/// Places at which slates are measured.
pub const PLACES: [usize; 6] = [1, 5, 10, 20, 50, 100];
/// Candidates that the server's pruning leaves.
pub const PRUNED: usize = 500;

/// Figures of one model.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Figures {
    /// ROC AUC over all test impressions.
    pub auc: Option<f64>,
    /// ROC AUC inside each user, weighted by the user's impressions.
    pub user_auc: Option<f64>,
    /// Precision at k, mean over users.
    pub precision: BTreeMap<String, f64>,
    /// Recall at k.
    pub recall: BTreeMap<String, f64>,
    /// Normalised discounted cumulative gain at k.
    pub ndcg: BTreeMap<String, f64>,
    /// Mean average precision at k.
    pub map: BTreeMap<String, f64>,
    /// Mean pairwise cosine of the first ten; near 0 is diverse.
    pub pairwise_cosine: Option<f64>,
    /// 1 − `pairwise_cosine`.
    pub diversity: Option<f64>,
    /// Share of the catalogue in anybody's first ten.
    pub coverage: Option<f64>,
}

/// AUC of every model on a part of the impressions.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// Which part.
    pub name: String,
    /// Impressions in it.
    pub impressions: usize,
    /// AUC by model.
    pub auc: BTreeMap<&'static str, Option<f64>>,
}

/// The report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Bundle id.
    pub bundle: String,
    /// Data set.
    pub dataset: String,
    /// Test impressions.
    pub impressions: usize,
    /// Users whose slates were measured.
    pub users: usize,
    /// Figures by model.
    pub models: BTreeMap<&'static str, Figures>,
    /// By quintile of video length.
    pub by_length: Vec<Part>,
    /// Users without an event before the test window.
    pub cold: Part,
    /// Figures of slates of cold users, by model.
    pub cold_slates: BTreeMap<&'static str, Figures>,
    /// Recall@500 of pruning the whole catalogue, users with a factor: by `cf` and `popular`.
    pub pruning_recall: BTreeMap<&'static str, f64>,
}

/// How to evaluate.
#[derive(Debug, Clone, Copy)]
pub struct EvaluateConfig {
    /// At most this many users' slates, evenly spaced over all; impressions are always all.
    pub users: usize,
    /// Diversity dial of the device's slates, 0..=1.
    pub diversity: f32,
}

/// What both halves of the evaluation read.
struct Stage<'a> {
    data: &'a Dataset,
    bundle: &'a Bundle,
    client: &'a ClientBundle,
    moments: Moments<'a>,
    vectors: &'a QuantRows,
    users: &'a [f32],
    figures: &'a VideoFigures,
    engines: Mutex<Vec<CompactEngine>>,
}

impl Stage<'_> {
    /// Lends an engine: making one decodes nothing, but copies its weights.
    fn engine<T>(&self, run: impl FnOnce(&mut CompactEngine) -> Result<T, Error>) -> Result<T, Error> {
        let kept = self.engines.lock().ok().and_then(|mut kept| kept.pop());
        let mut engine = match kept {
            Some(engine) => engine,
            None => CompactEngine::new(self.client)?,
        };
        let result = run(&mut engine);
        if let Ok(mut kept) = self.engines.lock() {
            kept.push(engine);
        }
        result
    }

    /// Factor of a user; `None` where nothing was learnt.
    fn factor(&self, user: u32) -> Option<&[f32]> {
        let dim = self.client.model.spec.factor_dim as usize;
        let row = self.users.get(user as usize * dim..(user as usize + 1) * dim)?;
        row.iter().any(|value| *value != 0.0).then_some(row)
    }
}

/// Evaluates a bundle on the test window of the data that it was trained on.
///
/// # Errors
/// [`Error::SplitEmpty`] without labelled test impressions, [`Error::ConfigInvalid`] where the bundle was
/// trained on another catalogue, and those of reading the bundle.
pub fn evaluate(data: &Dataset, bundle: &Bundle, config: &EvaluateConfig) -> Result<Report, Error> {
    let split = Split::of(data)?;
    let met = encounters(data, &split);
    let shown: Vec<(&Encounter, bool)> = split.examples(&met, Side::Test).collect();
    if shown.is_empty() {
        return Err(split.empty(Side::Test, "labelled impressions"));
    }
    let client = bundle.client(EngineKind::Compact)?;
    let figures = bundle.video_figures()?;
    if !figures.ids.iter().map(String::as_str).eq(data.videos.ids.iter()) {
        return Err(Error::ConfigInvalid {
            option: "--data".to_owned(),
            reason: "its videos are not those of the bundle; give the data that the bundle was trained on".to_owned(),
        });
    }
    let tensors = bundle.item_tensors()?;
    let spec = &client.model.spec;
    let vectors = QuantRows::new(spec.vector_dim as usize, tensors.vectors_f32);
    let factors = QuantRows::new(spec.factor_dim as usize, tensors.factors_f32);
    let pasts = Pasts::new(data, spec, i64::MAX);
    let stage = Stage {
        data,
        bundle,
        client: &client,
        moments: Moments {
            data,
            spec,
            gram: &client.model.gram,
            pasts: &pasts,
            factors: &factors,
        },
        vectors: &vectors,
        users: &bundle.user_factors()?,
        figures: &figures,
        engines: Mutex::new(Vec::new()),
    };
    let first_test = data.interactions.before(split.train_until_ms);
    let mut warm = vec![false; data.users.len()];
    data.interactions.user[..first_test]
        .iter()
        .for_each(|user| warm[*user as usize] = true);

    let scores = impressions::score(&stage, &shown)?;
    let (mut models, by_length, cold) = impressions::figures(&stage, &shown, &scores, &warm);
    let slates = slates::measure(&stage, &shown, &warm, config)?;
    for (model, slate) in slates.models {
        let figures = models.entry(model).or_default();
        let (auc, user_auc) = (figures.auc, figures.user_auc);
        *figures = Figures { auc, user_auc, ..slate };
    }
    Ok(Report {
        bundle: bundle.id.clone(),
        dataset: data.meta.name.clone(),
        impressions: shown.len(),
        users: slates.users,
        models,
        by_length,
        cold,
        cold_slates: slates.cold,
        pruning_recall: slates.pruning_recall,
    })
}
