//! Every test impression, scored as of the moment at which it was shown.

use std::collections::BTreeMap;

use upnext_core::QuantRow;
use upnext_core::engine::Engine;
use upnext_core::metrics::roc_auc;
use upnext_core::signal::{Candidate, signals};
use upnext_core::viewer::ViewerState;

use super::{Figures, MODELS, Part, Stage};
use crate::Error;
use crate::label::Encounter;
use crate::progress::Progress;

/// Scores by the [`MODELS`], in the order of the impressions.
pub(super) fn score(stage: &Stage<'_>, shown: &[(&Encounter, bool)]) -> Result<Vec<[f32; 4]>, Error> {
    let encounters: Vec<&Encounter> = shown.iter().map(|(e, _)| *e).collect();
    let progress = Progress::start("impressions", shown.len() as u64);
    let spec = &stage.client.model.spec;
    let scores = stage.moments.map(&encounters, stage.vectors, |moment| {
        let video = moment.encounter.video;
        let candidate = candidate(stage, video);
        let scores = stage.engine(|engine| {
            let vector = engine.user_vector(&moment.encoded)?;
            let viewer = ViewerState::new(spec, &moment.context, moment.past, &moment.encoded, &vector);
            let row = signals(&viewer, &candidate);
            let cf = candidate
                .factor
                .map_or(0.0, |factor| factor.dot(&moment.encoded.factor));
            let logit = engine.rank(&row, 1)?.first().copied().unwrap_or(f32::NEG_INFINITY);
            Ok([
                stage.figures.log_popularity[video as usize],
                cf,
                candidate.vector.dot(&vector),
                logit,
            ])
        });
        progress.add(1);
        scores
    })?;
    progress.finish();
    Ok(scores)
}

/// A video as a block would bring it.
fn candidate<'a>(stage: &Stage<'a>, video: u32) -> Candidate<'a> {
    let nothing = QuantRow {
        scale: 0.0,
        values: &[],
    };
    let row = video as usize;
    Candidate {
        vector: stage.vectors.row(video).unwrap_or(nothing),
        factor: stage.moments.factors.row(video),
        prior: stage.figures.prior[row],
        effect: stage.figures.effect[row],
        length_seconds: stage.data.length_of(video),
        published_at_ms: stage.data.videos.published_at_ms[row],
    }
}

/// AUC of all, by quintile of length, and of cold users.
pub(super) fn figures(
    stage: &Stage<'_>,
    shown: &[(&Encounter, bool)],
    scores: &[[f32; 4]],
    warm: &[bool],
) -> (BTreeMap<&'static str, Figures>, Vec<Part>, Part) {
    let all: Vec<usize> = (0..shown.len()).collect();
    let auc = |model: usize, rows: &[usize]| {
        let scores: Vec<f32> = rows.iter().map(|row| scores[*row][model]).collect();
        let relevant: Vec<bool> = rows.iter().map(|row| shown[*row].1).collect();
        roc_auc(&scores, &relevant)
    };
    let part = |name: String, rows: &[usize]| Part {
        name,
        impressions: rows.len(),
        auc: MODELS
            .iter()
            .enumerate()
            .map(|(model, name)| (*name, auc(model, rows)))
            .collect(),
    };
    let mut by_user = all.clone();
    by_user.sort_by_key(|row| shown[*row].0.user);
    let users: Vec<&[usize]> = by_user.chunk_by(|a, b| shown[*a].0.user == shown[*b].0.user).collect();
    let user_auc = |model: usize| {
        let known: Vec<(f64, f64)> = users
            .iter()
            .filter_map(|rows| Some((auc(model, rows)?, rows.len() as f64)))
            .collect();
        let weight: f64 = known.iter().map(|(_, n)| n).sum();
        (weight > 0.0).then(|| known.iter().map(|(auc, n)| auc * n).sum::<f64>() / weight)
    };
    let models = MODELS
        .iter()
        .enumerate()
        .map(|(model, name)| {
            let figures = Figures {
                auc: auc(model, &all),
                user_auc: user_auc(model),
                ..Figures::default()
            };
            (*name, figures)
        })
        .collect();

    let length = |row: &usize| stage.data.length_of(shown[*row].0.video);
    let mut by_length: Vec<(f32, usize)> = all.iter().filter_map(|row| Some((length(row)?, *row))).collect();
    by_length.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let quintiles = by_length
        .chunks(by_length.len().div_ceil(5).max(1))
        .map(|part_of| {
            let rows: Vec<usize> = part_of.iter().map(|(_, row)| *row).collect();
            let ends = part_of.first().zip(part_of.last());
            let name = ends.map_or(String::new(), |(from, to)| format!("{:.0} s to {:.0} s", from.0, to.0));
            part(name, &rows)
        })
        .collect();
    let cold: Vec<usize> = all
        .into_iter()
        .filter(|row| !warm[shown[*row].0.user as usize])
        .collect();
    (
        models,
        quintiles,
        part("users without an event before".to_owned(), &cold),
    )
}
