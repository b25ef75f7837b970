#![allow(clippy::unwrap_used)]

use tempfile::TempDir;
use upnext_core::Code;

use super::fixture::{bundle, world};
use super::*;
use crate::simulate::{Options, simulate};

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
    // With no more videos than candidates the pruning finds them all.
    assert_eq!(report.pruning.cf, Some(1.0));
    assert!(report.table().contains("device"));
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
