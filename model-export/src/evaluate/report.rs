//! Figures from scores and slates, as JSON and as a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use upnext_core::metrics::{average_precision_at, mean_pairwise_cosine, ndcg_at, precision_at, recall_at, roc_auc};

use super::breadth::{exposures, gini, lorenz, novelty, tag_distance};
use super::calibration::{Calibration, calibration};
use super::catalogue::Catalogue;
use super::heads::{self, HeadReport, heads};
use super::impressions::Impression;
use super::interval::{Intervals, intervals};
use super::off_policy::OffPolicyReport;
use super::slates::Judged;
use super::weightings::{self, Weighting};
use super::{CANDIDATES, KS, MODELS, SLATE, Seen};
use crate::ablate::Ablation;
use crate::bundle::Bundle;
use crate::table::Dataset;

/// Area under the ROC curve per model; `null` where one side is empty.
pub type Auc = BTreeMap<&'static str, Option<f64>>;
type AtK = BTreeMap<String, f64>;
/// Parts of the Lorenz curve.
const LORENZ_PARTS: usize = 20;

/// What slates are worth, means over users.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SlateQuality {
    /// Share of the first `k` that came true.
    pub precision: AtK,
    /// Share of what came true in the first `k`.
    pub recall: AtK,
    /// Normalised discounted cumulative gain.
    pub ndcg: AtK,
    /// Mean average precision.
    pub map: AtK,
    /// One minus the mean cosine of two videos of a slate.
    pub diversity: Option<f64>,
    /// Mean cosine of two videos of a slate.
    pub pairwise_cosine: Option<f64>,
    /// Share of the catalogue that stands in some slate.
    pub coverage: f64,
    /// Inequality of exposure over the catalogue, 0 to 1.
    pub gini: f64,
    /// Mean surprise of a shown video, bits.
    pub novelty: Option<f64>,
    /// One minus the mean Jaccard index of the tags of two videos of a slate.
    pub tag_diversity: Option<f64>,
}

/// What the device's slates are at one stand of the diversity dial.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DialPoint {
    /// The stand, 0 to 1.
    pub dial: f64,
    /// Precision at 10.
    pub precision: f64,
    /// Normalised discounted cumulative gain at 10.
    pub ndcg: f64,
    /// As [`SlateQuality::diversity`].
    pub diversity: Option<f64>,
    /// As [`SlateQuality::coverage`].
    pub coverage: f64,
}

/// Everything about one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// Over all impressions of the test window, each as of its instant.
    pub auc: Option<f64>,
    /// Mean of the users' own, weighted by impressions; users with one side only are left out.
    pub user_auc: Option<f64>,
    /// The same with every viewer as of the start of the test window.
    pub auc_frozen: Option<f64>,
    /// The same with every viewer as of the start of the test window.
    pub user_auc_frozen: Option<f64>,
    /// Slates as of the start of the test window.
    #[serde(flatten)]
    pub slates: SlateQuality,
}

/// Impressions of videos of a range of lengths.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bucket {
    /// Shortest, seconds.
    pub from_seconds: f32,
    /// Longest, seconds.
    pub to_seconds: f32,
    /// Impressions.
    pub impressions: usize,
    /// Share of them that is relevant.
    pub relevant: f64,
    /// Per model.
    pub auc: Auc,
}

/// Impressions, and slates, of users of whom the past knew nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cold {
    /// Impressions.
    pub impressions: usize,
    /// Per model.
    pub auc: Auc,
    /// Users with a slate.
    pub users: usize,
    /// Per model; empty where there are no such users.
    pub models: BTreeMap<&'static str, SlateQuality>,
}

/// Videos without an event before the test window: their vectors come of their content alone, and no model has a count or a
/// factor of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FreshVideos {
    /// Impressions of them.
    pub impressions: usize,
    /// Per model, over those.
    pub auc: Auc,
    /// How many there are.
    pub videos: usize,
    /// Users who found one of them relevant.
    pub users: usize,
    /// Recall at k of what those users found relevant, all of these videos ranked by the towers alone, mean of the users' shares.
    pub recall: AtK,
    /// What any order at random has on the average.
    pub chance: AtK,
}

/// Recall of the server's pruning of the whole catalogue, before the device's filter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pruning {
    /// Candidates that the server sends.
    pub candidates: usize,
    /// Users of whom the server has a factor.
    pub accounts: usize,
    /// Their relevant videos among the candidates, mean of the users' shares.
    pub cf: Option<f64>,
    /// The same among as many popular videos.
    pub popular: Option<f64>,
    /// Users without a factor.
    pub newcomers: usize,
    /// Their relevant videos on the content shelf.
    pub shelf: Option<f64>,
    /// The same among as many popular videos.
    pub newcomers_popular: Option<f64>,
}

/// Size of the test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TestSize {
    /// Labelled impressions.
    pub impressions: usize,
    /// Relevant ones.
    pub relevant: usize,
    /// Users with a slate: something was relevant to them.
    pub users: usize,
    /// Videos of the catalogue.
    pub videos: usize,
}

/// The whole report; its JSON is what `--json` writes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Name of the data set.
    pub dataset: String,
    /// Bundle id.
    pub bundle: String,
    /// Size of the test.
    pub test: TestSize,
    /// Videos of a slate for diversity and coverage.
    pub slate: usize,
    /// Per model.
    pub models: BTreeMap<&'static str, Quality>,
    /// By quintile of length.
    pub by_length: Vec<Bucket>,
    /// Users without an event before the test window.
    pub cold_users: Cold,
    /// Videos without an event before the test window.
    pub fresh_videos: FreshVideos,
    /// The server's part.
    pub pruning: Pruning,
    /// How sure the figures are, and the device against the others.
    pub intervals: Intervals,
    /// Whether the device's probability means what it says.
    pub calibration: Calibration,
    /// Each head of the ranker, with what calibrating did.
    pub heads: Vec<HeadReport>,
    /// Share of all places that the least shown twentieths of the catalogue have, per model.
    pub lorenz: BTreeMap<&'static str, Vec<f64>>,
    /// What the diversity dial does; empty where that was not asked for.
    pub dial: Vec<DialPoint>,
    /// What other weights of the heads make of the slates, the bundle's own first; absent where that was not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weightings: Vec<Weighting>,
    /// What the models would have earned as policies; absent where that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_policy: Option<OffPolicyReport>,
    /// What each group of features is worth; absent where it was not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ablation: Option<Ablation>,
}

pub(super) fn report(
    data: &Dataset,
    bundle: &Bundle,
    scores: &[Impression],
    judged: &[Judged],
    seen: &Seen,
    catalogue: &Catalogue<'_>,
) -> Report {
    let all: Vec<&Impression> = scores.iter().collect();
    let every: Vec<&Judged> = judged.iter().collect();
    let quality = |(model, name): (usize, &&'static str)| {
        let live = |s: &Impression| s.live[model];
        let frozen = |s: &Impression| s.frozen[model];
        let quality = Quality {
            auc: auc(&all, live),
            user_auc: user_auc(&all, live),
            auc_frozen: auc(&all, frozen),
            user_auc_frozen: user_auc(&all, frozen),
            slates: slate_quality(&every, model, catalogue),
        };
        (*name, quality)
    };
    let cold_user: Vec<&Impression> = scores.iter().filter(|s| !seen.warm_user(s)).collect();
    let cold_video: Vec<&Impression> = scores.iter().filter(|s| !seen.warm_video(s)).collect();
    let newcomers: Vec<&Judged> = judged.iter().filter(|j| j.cold).collect();
    let slates = |(model, name): (usize, &&'static str)| (*name, slate_quality(&newcomers, model, catalogue));
    Report {
        dataset: data.meta.name.clone(),
        bundle: bundle.id.clone(),
        test: TestSize {
            impressions: scores.len(),
            relevant: scores.iter().filter(|s| s.relevant).count(),
            users: judged.len(),
            videos: data.videos.len(),
        },
        slate: SLATE,
        models: MODELS.iter().enumerate().map(quality).collect(),
        by_length: by_length(data, scores),
        cold_users: Cold {
            impressions: cold_user.len(),
            auc: aucs(&cold_user),
            users: newcomers.len(),
            models: if newcomers.is_empty() {
                BTreeMap::new()
            } else {
                MODELS.iter().enumerate().map(slates).collect()
            },
        },
        fresh_videos: fresh_videos(&cold_video, judged, seen.fresh().len()),
        pruning: pruning(judged),
        intervals: intervals(scores, judged),
        calibration: calibration((scores.iter()).map(|s| (s.live[MODELS.len() - 1], f32::from(s.relevant)))),
        heads: heads(scores, &bundle.manifest.head_weights, &bundle.manifest.metrics),
        lorenz: MODELS
            .iter()
            .enumerate()
            .map(|(model, name)| {
                let shown = exposures(&every, model, catalogue.vectors.len());
                (*name, lorenz(&shown, LORENZ_PARTS))
            })
            .collect(),
        dial: Vec::new(),
        weightings: Vec::new(),
        off_policy: None,
        ablation: None,
    }
}

/// One stand of the dial.
pub(super) fn dial_point(dial: f32, judged: &[Judged], catalogue: &Catalogue<'_>) -> DialPoint {
    let every: Vec<&Judged> = judged.iter().collect();
    let quality = slate_quality(&every, MODELS.len() - 1, catalogue);
    let at_ten = |figures: &AtK| figures.get("10").copied().unwrap_or(0.0);
    DialPoint {
        // As it was turned, not as binary fractions have it.
        dial: (f64::from(dial) * 100.0).round() / 100.0,
        precision: at_ten(&quality.precision),
        ndcg: at_ten(&quality.ndcg),
        diversity: quality.diversity,
        coverage: quality.coverage,
    }
}

fn auc(scores: &[&Impression], score: impl Fn(&Impression) -> f32) -> Option<f64> {
    let values: Vec<f32> = scores.iter().map(|s| score(s)).collect();
    let labels: Vec<bool> = scores.iter().map(|s| s.relevant).collect();
    roc_auc(&values, &labels)
}

fn aucs(scores: &[&Impression]) -> Auc {
    MODELS
        .iter()
        .enumerate()
        .map(|(model, name)| (*name, auc(scores, |s| s.live[model])))
        .collect()
}

fn user_auc(scores: &[&Impression], score: impl Fn(&Impression) -> f32) -> Option<f64> {
    let mut by_user: BTreeMap<u32, Vec<&Impression>> = BTreeMap::new();
    for s in scores {
        by_user.entry(s.user).or_default().push(s);
    }
    let (mut sum, mut weight) = (0.0, 0.0);
    for own in by_user.values() {
        if let Some(auc) = auc(own, &score) {
            sum += auc * own.len() as f64;
            weight += own.len() as f64;
        }
    }
    (weight > 0.0).then(|| sum / weight)
}

fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, count) = values.flatten().fold((0.0, 0_u32), |(s, n), v| (s + v, n + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn slate_quality(judged: &[&Judged], model: usize, catalogue: &Catalogue<'_>) -> SlateQuality {
    let at = |metric: &dyn Fn(&Judged, usize) -> Option<f64>| -> AtK {
        let of = |k: &usize| Some((k.to_string(), mean(judged.iter().map(|j| metric(j, *k)))?));
        KS.iter().filter_map(of).collect()
    };
    let table = &catalogue.vectors;
    let cosine = |j: &&Judged| {
        let rows = j.slates[model].iter().take(SLATE).map(|row| *row as usize);
        let vectors: Vec<&[f32]> = rows
            .map(|row| &table.values[row * table.dim..(row + 1) * table.dim])
            .collect();
        mean_pairwise_cosine(&vectors)
    };
    let shown = exposures(judged, model, table.len());
    let pairwise_cosine = mean(judged.iter().map(cosine));
    SlateQuality {
        precision: at(&|j, k| precision_at(&j.hits[model], k)),
        recall: at(&|j, k| recall_at(&j.hits[model], j.relevant, k)),
        ndcg: at(&|j, k| ndcg_at(&j.hits[model], j.relevant, k)),
        map: at(&|j, k| average_precision_at(&j.hits[model], j.relevant, k)),
        diversity: pairwise_cosine.map(|cosine| 1.0 - cosine),
        pairwise_cosine,
        coverage: shown.iter().filter(|times| **times > 0).count() as f64 / table.len().max(1) as f64,
        gini: gini(&shown),
        novelty: novelty(judged, model, &catalogue.figures.relevant),
        tag_diversity: mean(judged.iter().map(|j| tag_distance(catalogue, &j.slates[model]))),
    }
}

/// Five ranges of length with about as many impressions each; a length is in one of them only.
fn by_length(data: &Dataset, scores: &[Impression]) -> Vec<Bucket> {
    let mut known: Vec<(f32, &Impression)> = scores
        .iter()
        .filter_map(|s| Some((data.length_of(s.video)?, s)))
        .collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut buckets = Vec::new();
    let mut start = 0;
    for fifth in 1..=5 {
        let mut end = known.len() * fifth / 5;
        while end > start && end < known.len() && known[end].0 == known[end - 1].0 {
            end += 1;
        }
        if end <= start {
            continue;
        }
        let inside: Vec<&Impression> = known[start..end].iter().map(|(_, s)| *s).collect();
        buckets.push(Bucket {
            from_seconds: known[start].0,
            to_seconds: known[end - 1].0,
            impressions: inside.len(),
            relevant: inside.iter().filter(|s| s.relevant).count() as f64 / inside.len() as f64,
            auc: aucs(&inside),
        });
        start = end;
    }
    buckets
}

fn fresh_videos(shown: &[&Impression], judged: &[Judged], videos: usize) -> FreshVideos {
    let pleased: Vec<&(usize, Vec<bool>)> = judged
        .iter()
        .map(|j| &j.fresh)
        .filter(|(unmet, _)| *unmet > 0)
        .collect();
    let recall = |k: usize| mean(pleased.iter().map(|(unmet, hits)| recall_at(hits, *unmet, k)));
    FreshVideos {
        impressions: shown.len(),
        auc: aucs(shown),
        videos,
        users: pleased.len(),
        recall: KS.iter().filter_map(|k| Some((k.to_string(), recall(*k)?))).collect(),
        chance: (KS.iter().filter(|_| videos > 0))
            .map(|k| (k.to_string(), (*k as f64 / videos as f64).min(1.0)))
            .collect(),
    }
}

fn pruning(judged: &[Judged]) -> Pruning {
    let recall = |account: bool, which: usize| {
        let own = judged.iter().filter(|j| j.account == account);
        mean(own.map(|j| Some(j.pruned[which] as f64 / j.relevant as f64)))
    };
    let accounts = judged.iter().filter(|j| j.account).count();
    Pruning {
        candidates: CANDIDATES,
        accounts,
        cf: recall(true, 0),
        popular: recall(true, 1),
        newcomers: judged.len() - accounts,
        shelf: recall(false, 0),
        newcomers_popular: recall(false, 1),
    }
}

impl Report {
    /// The main figures, for a human.
    #[must_use]
    pub fn table(&self) -> String {
        let show = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.4}"));
        let mut text = String::new();
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            text,
            "{}: {} impressions of the test window, {} relevant; slates for {} users over {} videos",
            self.dataset, self.test.impressions, self.test.relevant, self.test.users, self.test.videos
        );
        let _ = writeln!(
            text,
            "{:10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8}",
            "", "auc", "user_auc", "frozen", "prec@10", "rec@100", "ndcg@10", "diversity", "coverage"
        );
        for name in MODELS {
            let Some(q) = self.models.get(name) else { continue };
            let at = |map: &AtK, k: &str| show(map.get(k).copied());
            let _ = writeln!(
                text,
                "{name:10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8.4}",
                show(q.auc),
                show(q.user_auc),
                show(q.user_auc_frozen),
                at(&q.slates.precision, "10"),
                at(&q.slates.recall, "100"),
                at(&q.slates.ndcg, "10"),
                show(q.slates.diversity),
                q.slates.coverage
            );
        }
        let line = |auc: &Auc| {
            MODELS
                .map(|name| format!("{name} {}", show(auc.get(name).copied().flatten())))
                .join(", ")
        };
        for bucket in &self.by_length {
            let _ = writeln!(
                text,
                "length {:>6.0}-{:<6.0} s, {} impressions, {:.1} % relevant: auc {}",
                bucket.from_seconds,
                bucket.to_seconds,
                bucket.impressions,
                100.0 * bucket.relevant,
                line(&bucket.auc)
            );
        }
        let (cold, fresh) = (&self.cold_users, &self.fresh_videos);
        let _ = writeln!(
            text,
            "cold users, {} impressions: auc {}",
            cold.impressions,
            line(&cold.auc)
        );
        let at = |figures: &AtK, k: &str| show(figures.get(k).copied());
        let _ = writeln!(
            text,
            "fresh videos, {} impressions: auc {}; {} of them ranked by the towers for {} users: recall@10 {} (at random {}), recall@100 {} ({})",
            fresh.impressions,
            line(&fresh.auc),
            fresh.videos,
            fresh.users,
            at(&fresh.recall, "10"),
            at(&fresh.chance, "10"),
            at(&fresh.recall, "100"),
            at(&fresh.chance, "100"),
        );
        for (name, minus) in &self.intervals.device_minus {
            let shown = ["auc", "user_auc", "precision@10", "map@10", "ndcg@10", "recall@100"];
            let figures = shown.iter().filter_map(|figure| {
                let i = minus.get(*figure)?;
                Some(format!("{figure} {:+.4} [{:+.4}, {:+.4}]", i.value, i.low, i.high))
            });
            let _ = writeln!(text, "device - {name}: {}", figures.collect::<Vec<_>>().join(", "));
        }
        for (name, q) in &self.models {
            let s = &q.slates;
            let _ = writeln!(
                text,
                "{name}: map@10 {}, gini {:.4}, novelty {} bits, diversity of tags {}",
                show(s.map.get("10").copied()),
                s.gini,
                show(s.novelty),
                show(s.tag_diversity)
            );
        }
        let c = &self.calibration;
        let _ = writeln!(
            text,
            "calibration of the device: ece {:.4}, brier {:.4}",
            c.ece, c.brier
        );
        text.push_str(&heads::table(&self.heads));
        let p = &self.pruning;
        let _ = writeln!(
            text,
            "recall@{} of the pruning: {} accounts, cf {} (popular {}); {} newcomers, shelf {} (popular {})",
            p.candidates,
            p.accounts,
            show(p.cf),
            show(p.popular),
            p.newcomers,
            show(p.shelf),
            show(p.newcomers_popular)
        );
        if let Some(off_policy) = &self.off_policy {
            text.push_str(&off_policy.table());
        }
        let estimator = self.off_policy.as_ref().map(OffPolicyReport::main);
        text.push_str(&weightings::table(&self.weightings, estimator));
        text
    }
}
