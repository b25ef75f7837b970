#![allow(clippy::unwrap_used, clippy::panic)]

use tempfile::TempDir;
use upnext_core::Code;
use upnext_core::head::HeadWeights;

use crate::evaluate::fixture::bundle;
use crate::evaluate::{EvaluateConfig, evaluate, on_ground, page};
use crate::off_policy::tests::moment;
use crate::simulate::affinity::probability;
use crate::simulate::{Options, simulate};

use super::*;

const CONFIG: OffPolicyConfig = OffPolicyConfig {
    log: LogKind::Propensities,
    clip: None,
};

#[test]
fn what_slates_would_have_earned_is_estimated_with_the_truth_inside() {
    let options = Options {
        users: 400,
        videos: 120,
        days: 28,
        seed: 13,
        drifting: 0.0,
    };
    let (mut data, world) = simulate(&options).unwrap();
    let dir = TempDir::new().unwrap();
    let bundle = bundle(&data, &dir);
    let (found, truths) = on_ground(&data, &bundle, (0.3, None), |ground| {
        let shown = shown(ground.met, &ground.split);
        let log = Log::new(ground, usize::MAX, &CONFIG)?;
        let judged = ground.stage.judge_all(&log.visitors, "policies")?;
        let slates: BTreeMap<u32, &Judged> = log.visitors.iter().map(|v| v.user).zip(&judged).collect();
        // What the world knows and no estimate reads: the chance that each of a policy's videos had been relevant.
        let truth = |model: usize| {
            let worth = |(e, choice): (&&Encounter, &Choice)| {
                let at = moment(&data, &world, e.row as usize);
                let person = &world.people[e.user as usize];
                let one = |video: &u32| probability(person, &world.clips[*video as usize], &at);
                choice.0.iter().map(one).sum::<f64>() / choice.0.len().max(1) as f64
            };
            let choices = choices(&shown, &slates, model);
            shown.iter().zip(&choices).map(worth).sum::<f64>() / shown.len() as f64
        };
        let truths: Vec<f64> = (0..MODELS.len()).map(truth).collect();
        Ok((off_policy(&log, &judged), truths))
    })
    .unwrap();
    println!("{}{truths:?}", found.table());
    let mut fooled = 0;
    for (name, truth) in MODELS.iter().zip(&truths) {
        let policy = &found.policies[name];
        let relevant = &policy.values["relevant"];
        for estimator in [Estimator::Snips, Estimator::Dr] {
            assert!(
                relevant[&estimator].holds(*truth),
                "{name} {estimator:?} {:?} {truth}",
                relevant[&estimator]
            );
        }
        fooled += u32::from(!relevant[&Estimator::Naive].holds(*truth));
        assert!(policy.effective > 50.0 && policy.matched > 100, "{policy:?}");
    }
    // The mean of the log is the same for all of them, and so wrong for some.
    assert!(fooled >= 2, "{fooled}");

    let config = EvaluateConfig {
        users: 30,
        off_policy: Some(CONFIG),
        weightings: vec![
            HeadWeights::default(),
            HeadWeights {
                relevant: Some(0.0),
                watched: Some(1.0),
                ..HeadWeights::default()
            },
        ],
        ..EvaluateConfig::default()
    };
    let report = evaluate(&data, &bundle, &config).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    for name in MODELS {
        let values = &json["off_policy"]["policies"][name]["values"];
        for reward in Reward::ALL {
            assert!(
                values[reward.as_str()]["dr"]["low"].is_number(),
                "{name} {}",
                reward.as_str()
            );
        }
    }
    assert!(json["off_policy"]["device_minus"]["cf"]["watch_seconds"]["snips"]["value"].is_number());
    assert!(report.table().contains("as policies"));
    // The bundle's own weighting, the same once more, and another one.
    let [own, same, other] = report.weightings.as_slice() else {
        panic!("{:?}", report.weightings)
    };
    assert_eq!(
        (&own.earned, &own.policy, own.weights),
        (&same.earned, &same.policy, same.weights)
    );
    assert_eq!(
        own.policy.as_ref(),
        report.off_policy.as_ref().unwrap().policies.get("device")
    );
    let precision = report.models["device"].slates.precision["10"];
    assert!((own.earned["relevant"].value - precision).abs() < 1e-12);
    assert!(
        same.earned_minus
            .values()
            .all(|i| (i.value, i.low, i.high) == (0.0, 0.0, 0.0))
    );
    assert!(own.policy_minus.is_none() && other.policy_minus.is_some());
    assert_ne!(own.earned, other.earned);
    assert_eq!(report.table().matches("relevant: earned").count(), 3);
    let html = page(&report);
    assert_eq!(html.matches("As policies").count(), 1);
    assert!(html.contains("By weights of the heads") && html.contains("watched 1"));
    assert!(!html.contains("NaN"));

    // One impression of the window without a chance, and nothing is estimated.
    let row = data.interactions.len() - 1;
    let last = (0..=row)
        .rev()
        .find(|row| data.interactions.propensity[*row].is_some())
        .unwrap();
    data.interactions.propensity[last] = None;
    assert_eq!(
        evaluate(&data, &bundle, &config).unwrap_err().code(),
        Code::RowsMalformed
    );
    let plain = EvaluateConfig {
        users: 1,
        ..EvaluateConfig::default()
    };
    assert!(evaluate(&data, &bundle, &plain).unwrap().off_policy.is_none());
}
