//! Slates of users at their first test moment, out of the whole catalogue.

use std::collections::{BTreeMap, BTreeSet};

use upnext_core::QuantRow;
use upnext_core::block::{BLOCK_VERSION, Block, BlockMessage, source};
use upnext_core::bundle::Role;
use upnext_core::engine::Engine;
use upnext_core::metrics::{average_precision_at, mean_pairwise_cosine, ndcg_at, precision_at, recall_at};
use upnext_core::pipeline::{Options, compose};

use super::{EvaluateConfig, Figures, MODELS, PLACES, PRUNED, Stage};
use crate::Error;
use crate::bundle::ANY_LANGUAGE;
use crate::label::Encounter;
use crate::progress::Progress;
use crate::towers::QuantRows;

/// What was measured.
pub(super) struct Slates {
    pub models: BTreeMap<&'static str, Figures>,
    pub cold: BTreeMap<&'static str, Figures>,
    pub users: usize,
    pub pruning_recall: BTreeMap<&'static str, f64>,
}

/// One user's rankings, one for each of the [`MODELS`].
struct Ranked {
    cold: bool,
    wanted: BTreeSet<u32>,
    rankings: [Vec<u32>; 4],
    /// Recall@500 of the collaborative pruning and of popularity, where the user has a factor.
    pruned: Option<[f64; 2]>,
}

const DEPTH: usize = 100;

pub(super) fn measure(
    stage: &Stage<'_>,
    shown: &[(&Encounter, bool)],
    warm: &[bool],
    config: &EvaluateConfig,
) -> Result<Slates, Error> {
    let mut wanted: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    let mut first: BTreeMap<u32, &Encounter> = BTreeMap::new();
    for (e, relevant) in shown {
        first.entry(e.user).or_insert(e);
        if *relevant {
            wanted.entry(e.user).or_default().insert(e.video);
        }
    }
    let users: Vec<u32> = wanted.keys().copied().collect();
    let step = users.len().div_ceil(config.users.max(1)).max(1);
    let moments: Vec<&Encounter> = users
        .iter()
        .step_by(step)
        .filter_map(|user| first.get(user).copied())
        .collect();

    let shelves: BTreeMap<String, Vec<u32>> = serde_json::from_slice(&stage.bundle.read(Role::Shelves)?)
        .map_err(Error::file(&stage.bundle.path(Role::Shelves)?))?;
    let shelf = shelves.get(ANY_LANGUAGE).map_or(&[][..], Vec::as_slice);
    let popular = top(&stage.figures.log_popularity, PRUNED);
    let progress = Progress::start("slates", moments.len() as u64);
    let ranked = stage.moments.map(&moments, stage.vectors, |moment| {
        let user = moment.encounter.user;
        let vector = stage.engine(|engine| Ok(engine.user_vector(&moment.encoded)?))?;
        let cf = stage
            .factor(user)
            .map(|factor| top(&dots(stage.moments.factors, factor), PRUNED));
        let pruned: &[u32] = match &cf {
            Some(rows) => rows,
            None => &shelf[..shelf.len().min(PRUNED)],
        };
        let block = block(stage, pruned, moment.context.now_ms)?;
        let options = Options {
            size: DEPTH.min(pruned.len()),
            diversity: config.diversity,
            ..Options::default()
        };
        let profile = stage.data.profile(user, Some(moment.encounter.row as usize));
        let slate = stage.engine(|engine| {
            Ok(compose(
                engine,
                &stage.client.model,
                &block,
                &profile,
                moment.past,
                &moment.context,
                &options,
            )?)
        })?;
        let wanted = wanted.get(&user).cloned().unwrap_or_default();
        let found = |rows: &[u32]| rows.iter().filter(|row| wanted.contains(row)).count() as f64 / wanted.len() as f64;
        progress.add(1);
        Ok(Ranked {
            cold: !warm[user as usize],
            pruned: cf.as_ref().map(|rows| [found(rows), found(&popular)]),
            rankings: [
                popular[..popular.len().min(DEPTH)].to_vec(),
                pruned[..pruned.len().min(DEPTH)].to_vec(),
                top(&dots(stage.vectors, &vector), DEPTH),
                slate
                    .items
                    .iter()
                    .filter_map(|item| pruned.get(item.row).copied())
                    .collect(),
            ],
            wanted,
        })
    })?;
    progress.finish();

    let recalls: Vec<[f64; 2]> = ranked.iter().filter_map(|one| one.pruned).collect();
    let mean = |at: usize| recalls.iter().map(|both| both[at]).sum::<f64>() / recalls.len().max(1) as f64;
    let cold: Vec<&Ranked> = ranked.iter().filter(|one| one.cold).collect();
    let all: Vec<&Ranked> = ranked.iter().collect();
    Ok(Slates {
        models: figures(stage, &all),
        cold: figures(stage, &cold),
        users: ranked.len(),
        pruning_recall: BTreeMap::from([("cf", mean(0)), ("popular", mean(1))]),
    })
}

/// Figures of these users' rankings, by model.
fn figures(stage: &Stage<'_>, ranked: &[&Ranked]) -> BTreeMap<&'static str, Figures> {
    let of_model = |model: usize| {
        let mut figures = Figures::default();
        let mut covered = BTreeSet::new();
        let mut cosines = Vec::new();
        for one in ranked {
            let ranking = &one.rankings[model];
            covered.extend(ranking.iter().take(10).copied());
            let rows: Vec<&[f32]> = ranking
                .iter()
                .take(10)
                .filter_map(|row| floats(stage.vectors, *row))
                .collect();
            cosines.extend(mean_pairwise_cosine(&rows));
        }
        type Metric = fn(&[bool], usize, usize) -> Option<f64>;
        let metrics: [(&mut BTreeMap<String, f64>, Metric); 4] = [
            (&mut figures.precision, |ranking, _, k| precision_at(ranking, k)),
            (&mut figures.recall, recall_at),
            (&mut figures.ndcg, ndcg_at),
            (&mut figures.map, average_precision_at),
        ];
        for (by_place, metric) in metrics {
            for k in PLACES {
                let values: Vec<f64> = ranked
                    .iter()
                    .filter_map(|one| {
                        let hits: Vec<bool> = one.rankings[model].iter().map(|row| one.wanted.contains(row)).collect();
                        metric(&hits, one.wanted.len(), k)
                    })
                    .collect();
                if let Some(mean) = mean(&values) {
                    by_place.insert(k.to_string(), mean);
                }
            }
        }
        figures.pairwise_cosine = mean(&cosines);
        figures.diversity = figures.pairwise_cosine.map(|cosine| 1.0 - cosine);
        figures.coverage = (!ranked.is_empty()).then(|| covered.len() as f64 / stage.vectors.len().max(1) as f64);
        figures
    };
    MODELS
        .iter()
        .enumerate()
        .map(|(model, name)| (*name, of_model(model)))
        .collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn floats(rows: &QuantRows, row: u32) -> Option<&[f32]> {
    rows.values.get(row as usize * rows.dim..(row as usize + 1) * rows.dim)
}

/// Inner product of every row with `query`.
fn dots(rows: &QuantRows, query: &[f32]) -> Vec<f32> {
    let dot = |row: &[f32]| row.iter().zip(query).map(|(a, b)| a * b).sum();
    rows.values.chunks_exact(rows.dim).map(dot).collect()
}

/// Rows of the `k` largest scores, best first, ties by row.
fn top(scores: &[f32], k: usize) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..scores.len() as u32).collect();
    let order = |a: &u32, b: &u32| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b));
    if k < rows.len() {
        rows.select_nth_unstable_by(k, order);
        rows.truncate(k);
    }
    rows.sort_unstable_by(order);
    rows
}

/// The block that a server would send of these rows, as far as ranking reads it.
fn block(stage: &Stage<'_>, rows: &[u32], now_ms: i64) -> Result<Block, Error> {
    let (model, videos) = (&stage.client.model, &stage.data.videos);
    let mut dictionary: Vec<String> = Vec::new();
    let mut channels = Vec::new();
    for row in rows {
        channels.push(videos.channel.get(*row as usize).map_or(0, |name| {
            dictionary.push(name.to_owned());
            dictionary.len() as u32
        }));
    }
    let quant = |table: &QuantRows| -> (Vec<u8>, Vec<f32>) {
        let rows: Vec<QuantRow<'_>> = rows.iter().filter_map(|row| table.row(*row)).collect();
        let bytes = rows
            .iter()
            .flat_map(|row| row.values.iter().map(|level| level.cast_unsigned()));
        (bytes.collect(), rows.iter().map(|row| row.scale).collect())
    };
    let (vectors, vector_scales) = quant(stage.vectors);
    let (factors, factor_scales) = quant(stage.moments.factors);
    let column = |values: &[f32]| -> Vec<f32> { rows.iter().map(|row| values[*row as usize]).collect() };
    let unknown = vec![0; rows.len()];
    let message = BlockMessage {
        version: BLOCK_VERSION,
        bundle_id: model.bundle_id.clone(),
        expires_at_ms: now_ms.saturating_add(3_600_000),
        ids: rows.iter().map(|row| videos.ids.name(*row).to_owned()).collect(),
        vector_dim: model.spec.vector_dim,
        vectors,
        vector_scales,
        factor_dim: model.spec.factor_dim,
        factors,
        factor_scales,
        sources: vec![source::CF; rows.len()],
        server_scores: (0..rows.len()).map(|place| -(place as f32)).collect(),
        priors: column(&stage.figures.prior),
        log_popularity: column(&stage.figures.log_popularity),
        length_seconds: rows
            .iter()
            .map(|row| stage.data.length_of(*row).unwrap_or(-1.0))
            .collect(),
        published_at_ms: rows
            .iter()
            .map(|row| videos.published_at_ms[*row as usize].unwrap_or(i64::MIN))
            .collect(),
        languages: unknown.clone(),
        ratings: unknown.clone(),
        channels,
        tag_counts: unknown,
        tags: Vec::new(),
        dictionary,
        titles: Vec::new(),
        thumbnails: Vec::new(),
        effects: column(&stage.figures.effect),
    };
    Ok(Block::from_message(message, &model.bundle_id, model.dims())?)
}
