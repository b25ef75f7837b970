#![allow(clippy::unwrap_used)]

use tempfile::TempDir;
use upnext_core::metrics::roc_auc;
use upnext_core::{Code, EventKind};

use super::fixture::{bundle, world};
use super::*;
use crate::simulate::affinity::{Moment, Planted, moment_effect};
use crate::simulate::{Options, START_MS, simulate};

fn stage<'a>(
    moments: &'a Moments<'a>,
    catalogue: &'a Catalogue<'a>,
    engines: &'a Engines,
    client: &'a upnext_core::bundle::ClientBundle,
    split: &Split,
) -> slates::Stage<'a> {
    slates::Stage {
        moments,
        catalogue,
        engines,
        model: &client.model,
        from_ms: split.train_until_ms,
        diversity: 0.0,
        head_weights: None,
        watched: crate::ranker::Watched::default(),
        fresh: &[],
    }
}

#[test]
fn a_trained_world_is_judged_by_every_model_and_twice_alike() {
    let (data, dir) = (world(5), TempDir::new().unwrap());
    let bundle = bundle(&data, &dir);
    let report = evaluate(&data, &bundle, &EvaluateConfig::default()).unwrap();
    assert_eq!(report, evaluate(&data, &bundle, &EvaluateConfig::default()).unwrap());

    let json = serde_json::to_value(&report).unwrap();
    for model in MODELS {
        let figures = &json["models"][model];
        for key in ["auc", "user_auc", "diversity", "coverage"] {
            let value = figures[key].as_f64().unwrap();
            assert!((0.0..=2.0).contains(&value), "{model} {key} {value}");
        }
        for key in ["precision", "recall", "ndcg", "map"] {
            for k in KS {
                let value = figures[key][k.to_string()].as_f64().unwrap();
                assert!((0.0..=1.0).contains(&value), "{model} {key}@{k} {value}");
            }
        }
        let recall = &report.models[model].slates.recall;
        assert!(
            KS.windows(2)
                .all(|k| recall[&k[0].to_string()] <= recall[&k[1].to_string()])
        );
    }
    let impressions: usize = report.by_length.iter().map(|b| b.impressions).sum();
    assert_eq!(impressions, report.test.impressions);
    assert!(report.by_length.windows(2).all(|b| b[0].to_seconds < b[1].from_seconds));
    assert!(report.cold_users.users > 0 && report.cold_users.impressions > 0);
    let fresh = &report.fresh_videos;
    assert!(fresh.users > 0 && fresh.videos > 3);
    for k in KS {
        let (recall, chance) = (fresh.recall[&k.to_string()], fresh.chance[&k.to_string()]);
        assert!((0.0..=1.0).contains(&recall), "recall@{k} {recall}");
        assert!((chance - (k as f64 / fresh.videos as f64).min(1.0)).abs() < 1e-12);
    }
    // With no more videos than candidates the pruning finds them all.
    assert_eq!(report.pruning.cf, Some(1.0));
    assert!(report.table().contains("device"));
    // The heads that this world teaches, each calibrated within its train window; other weights make other slates.
    let names: Vec<&str> = report.heads.iter().map(|head| head.head).collect();
    assert_eq!(names, ["relevant", "liked", "finished", "watched"]);
    for head in &report.heads {
        assert!(
            head.scale > 0.0 && (0.0..=1.0).contains(&head.after.ece) && head.after.bins.len() > 10,
            "{head:?}"
        );
    }
    assert_eq!(report.heads[0].after, report.calibration);
    let liked = HeadWeights {
        relevant: Some(0.0),
        liked: Some(1.0),
        ..HeadWeights::default()
    };
    let config = EvaluateConfig {
        head_weights: Some(liked),
        ..EvaluateConfig::default()
    };
    let leaning = evaluate(&data, &bundle, &config).unwrap();
    assert_eq!(leaning.heads, report.heads);
    assert_ne!(leaning.models["device"].slates, report.models["device"].slates);
    assert_eq!(leaning.models["two_tower"].slates, report.models["two_tower"].slates);
    // Something was learnt, even in so small a world: better than chance on impressions that nobody has seen.
    let device = report.models["device"].auc.unwrap();
    assert!(device > 0.53, "{}", report.table());
}

#[test]
fn a_bundle_of_other_data_is_refused() {
    let (data, dir) = (world(5), TempDir::new().unwrap());
    let bundle = bundle(&data, &dir);
    let other = simulate(&Options {
        users: 40,
        videos: 60,
        days: 28,
        seed: 1,
        drifting: 0.0,
    });
    assert_eq!(
        evaluate(&other.unwrap().0, &bundle, &EvaluateConfig::default())
            .unwrap_err()
            .code(),
        Code::ConfigInvalid
    );
    let mut earlier = data;
    let split = earlier.meta.split.as_mut().unwrap();
    split.train_until_ms -= crate::simulate::DAY_MS;
    let error = evaluate(&earlier, &bundle, &EvaluateConfig::default()).unwrap_err();
    assert!(error.to_string().contains("trained until"), "{error}");
}

/// Adds what users did later: likes and full watches of videos that they had not met.
fn with_future(mut data: Dataset, from_row: usize) -> Dataset {
    let videos = data.videos.len() as u32;
    let last = *data.interactions.at_ms.last().unwrap();
    for row in (from_row..data.interactions.len()).step_by(3) {
        let (user, video) = (data.interactions.user[row], (row as u32 * 7) % videos);
        for kind in [EventKind::Impression, EventKind::Watch, EventKind::Like] {
            let table = &mut data.interactions;
            table.user.push(user);
            table.video.push(video);
            table.kind.push(kind);
            table.seconds.push((kind == EventKind::Watch).then_some(1e4));
            table.at_ms.push(last + 1 + row as i64);
            table.latitude.push(None);
            table.longitude.push(None);
            table.position.push(None);
            table.relevant.push(None);
            table.propensity.push(None);
            table.text.push(None);
            table.device.push(Some("phone"));
            table.surface.push(Some("feed"));
        }
    }
    data
}

#[test]
fn a_canary_in_the_future_changes_no_feature() {
    let (plain, dir) = (world(5), TempDir::new().unwrap());
    let split = Split::of(&plain).unwrap();
    let bundle = bundle(&plain, &dir);
    let scores_of = |data: &Dataset| {
        let client = client(&bundle).unwrap();
        let catalogue = Catalogue::read(data, &bundle, &split).unwrap();
        let engines = Engines {
            first: CompactEngine::new(&client).unwrap(),
            idle: std::sync::Mutex::default(),
        };
        let met = encounters(data, &split);
        let test: Vec<(&Encounter, bool)> = split.examples(&met, Side::Test).collect();
        let pasts = Pasts::new(data, &client.model.spec, i64::MAX);
        let moments = Moments {
            data,
            spec: &client.model.spec,
            gram: &client.model.gram,
            pasts: &pasts,
            factors: &catalogue.factors,
        };
        impressions::score(&stage(&moments, &catalogue, &engines, &client, &split), &test, true).unwrap()
    };
    let test = split.rows(&plain, Side::Test);
    let later = with_future(plain.clone(), test.start);
    let (before, after) = (scores_of(&plain), scores_of(&later));
    assert!(after.len() > before.len());
    assert_eq!(after[..before.len()], before, "scores of what was there");
    // And what training reads: spec, counts, figures.
    let learnt = |data: &Dataset| {
        let met = encounters(data, &split);
        let widths = crate::analyse::AnalyseConfig {
            vector_dim: 8,
            factor_dim: 8,
            fold_in: crate::factors::FactorConfig::default().fold_in(),
            seed: 1,
        };
        let spec = crate::analyse::analyse(data, &split, &met, &widths).unwrap();
        let figures = crate::analyse::VideoFigures::count(data, &split, &met, &spec);
        let counts = crate::catalogue::Counts::before(data, split.train_until_ms);
        (spec.to_json().unwrap(), figures, counts)
    };
    assert_eq!(learnt(&plain), learnt(&later));
}

/// The same log as somebody without a clock and without a device sees it.
fn without_context(mut data: Dataset) -> Dataset {
    let mut nothing = crate::table::Category::default();
    (0..data.interactions.len()).for_each(|_| nothing.push(None));
    data.interactions.device = nothing.clone();
    data.interactions.surface = nothing;
    data.forget_clocks();
    data
}

#[test]
fn night_on_a_phone_is_learnt_by_the_whole_path_and_not_without_context() {
    let options = Options {
        users: 500,
        videos: 150,
        days: 28,
        seed: 9,
        drifting: 0.0,
    };
    let (data, worlds) = simulate(&options).unwrap();
    let blind = without_context(data.clone());
    // AUC over impressions of planted moments, and how much more a night on a phone wants its topics than a Sunday does.
    let judge = |own: &Dataset| {
        let dir = TempDir::new().unwrap();
        let mut config = crate::train::TrainConfig::new(crate::towers::Objective::SampledSoftmax, 3);
        config.towers.batch = 128;
        let model = crate::train::train(own, &config, &crate::train::Cache::none()).unwrap();
        model
            .write(
                own,
                crate::towers::Objective::SampledSoftmax,
                crate::compile::Precision::F32,
                None,
                dir.path(),
            )
            .unwrap();
        let bundle = Bundle::open(dir.path()).unwrap();
        let split = Split::of(own).unwrap();
        let client = client(&bundle).unwrap();
        let catalogue = Catalogue::read(own, &bundle, &split).unwrap();
        let engines = Engines {
            first: CompactEngine::new(&client).unwrap(),
            idle: std::sync::Mutex::default(),
        };
        let met = encounters(own, &split);
        let test: Vec<(&Encounter, bool)> = split.examples(&met, Side::Test).collect();
        let pasts = Pasts::new(own, &client.model.spec, i64::MAX);
        let moments = Moments {
            data: own,
            spec: &client.model.spec,
            gram: &client.model.gram,
            pasts: &pasts,
            factors: &catalogue.factors,
        };
        let scores = impressions::score(&stage(&moments, &catalogue, &engines, &client, &split), &test, true).unwrap();
        let planted = |e: &Encounter| {
            let (context, local) = (data.context(e.row as usize), data.context(e.row as usize).local_time()?);
            let device = ["phone", "tv"]
                .into_iter()
                .find(|d| context.device.as_deref() == Some(*d))?;
            Planted::of(&Moment {
                hour: local.hour,
                weekday: local.weekday,
                device,
                at_ms: START_MS,
            })
        };
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        // Mean logit by planted moment, of videos whose first topic is wanted there or shunned.
        let mut cells = [[(0.0_f64, 0.0_f64); 2]; 2];
        for (score, (e, relevant)) in scores.iter().zip(&test) {
            let Some(moment) = planted(e) else { continue };
            values.push(score.live[3]);
            labels.push(*relevant);
            let topics = worlds.clips[e.video as usize].topics.iter().enumerate();
            let effect: f64 = topics
                .map(|(t, w)| f64::from(*w) * moment_effect(Planted::NightPhone, t))
                .sum();
            if effect.abs() > 0.9 {
                let cell = &mut cells[usize::from(moment == Planted::NightPhone)][usize::from(effect > 0.0)];
                cell.0 += f64::from(score.live[3]);
                cell.1 += 1.0;
            }
        }
        let mean = |night: usize, wanted: usize| cells[night][wanted].0 / cells[night][wanted].1;
        // Before calibration, which takes back what a head of so small a log is too sure of (here by a third), and of the effect with
        // it: whether the network learnt the moment is another question than whether it is too sure.
        let scale =
            f64::from(crate::ranker::Platt::of(upnext_core::head::Head::Relevant, &bundle.manifest.metrics).scale);
        let effect = ((mean(1, 1) - mean(1, 0)) - (mean(0, 1) - mean(0, 0))) / scale;
        (roc_auc(&values, &labels).unwrap(), effect)
    };
    let (whole, blind) = (judge(&data), judge(&blind));
    println!("whole path {whole:?}, without context {blind:?}");
    assert!(
        whole.1 > 0.5 && blind.1.abs() < whole.1 / 3.0,
        "whole path {whole:?}, without context {blind:?}"
    );
    assert!(
        whole.0 > blind.0 + 0.01,
        "whole path {whole:?}, without context {blind:?}"
    );
}
