//! How sure a figure is: bootstrap over users, and differences between models on the same users.

use std::collections::BTreeMap;

use serde::Serialize;

use super::MODELS;
use super::impressions::Impression;
use super::series::{Scored, Shown, areas, slates};
use super::slates::Judged;
use crate::bootstrap::Interval;

/// The model whose differences to the others are told.
const OURS: usize = MODELS.len() - 1;

/// Figures by name: `auc`, `user_auc`, `precision@10`, …
pub type Figures = BTreeMap<String, Interval>;

/// Intervals of every model, and of the device minus each other model.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Intervals {
    /// By model.
    pub models: BTreeMap<&'static str, Figures>,
    /// By the other model; drawn in pairs, each user with both.
    pub device_minus: BTreeMap<&'static str, Figures>,
}

/// Everything from the same draws.
pub(super) fn intervals(scores: &[Impression], judged: &[Judged]) -> Intervals {
    let shown = judged.iter().map(|j| Shown {
        relevant: j.relevant,
        hits: j.hits.each_ref().map(Vec::as_slice),
    });
    let scored = scores.iter().map(|s| Scored {
        user: s.user,
        relevant: s.relevant,
        scores: s.live,
    });
    let mut all = slates(&shown.collect::<Vec<_>>());
    all.extend(areas(&scored.collect::<Vec<_>>()));
    let mut intervals = Intervals::default();
    for series in &all {
        for (model, name) in MODELS.iter().enumerate() {
            let own = Interval::of(series.values[model], series.draws.iter().map(|d| d[model]));
            intervals
                .models
                .entry(name)
                .or_default()
                .insert(series.name.clone(), own);
            if model != OURS {
                let draws = series.draws.iter().map(|d| d[OURS] - d[model]);
                let difference = Interval::of(series.values[OURS] - series.values[model], draws);
                let of = intervals.device_minus.entry(name).or_default();
                of.insert(series.name.clone(), difference);
            }
        }
    }
    intervals
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use upnext_core::metrics::roc_auc;

    use super::*;

    fn judged(better: bool, user: u32) -> Judged {
        let hits = |good: bool| {
            (0..100)
                .map(|place| place == if good { 0 } else { 30 })
                .collect::<Vec<bool>>()
        };
        let luck = user.is_multiple_of(3);
        Judged::of_hits(1, [hits(luck), hits(luck), hits(false), hits(luck || better)])
    }

    #[test]
    fn an_interval_holds_the_value_and_a_paired_difference_is_surer_than_its_parts() {
        let judged: Vec<Judged> = (0..300).map(|user| judged(user % 2 == 0, user)).collect();
        let scores: Vec<Impression> = (0..600)
            .map(|i| {
                let relevant = i % 5 == 0;
                let noise = (i * 37 % 101) as f32 / 101.0;
                let ours = noise + if relevant { 0.5 } else { 0.0 };
                let live = [noise, 0.0, noise, ours];
                Impression {
                    user: i / 6,
                    video: i,
                    relevant,
                    live,
                    frozen: live,
                    ..Impression::default()
                }
            })
            .collect();
        let found = intervals(&scores, &judged);
        assert_eq!(found, intervals(&scores, &judged));
        for figures in found.models.values().chain(found.device_minus.values()) {
            assert!(
                figures
                    .values()
                    .all(|i| i.low <= i.value + 1e-9 && i.value <= i.high + 1e-9),
                "{figures:?}"
            );
        }
        assert_eq!(found.models["cf"]["auc"].value, 0.5);
        let minus = &found.device_minus["popular"];
        assert!(minus["precision@10"].low > 0.0 && minus["auc"].low > 0.0);
        assert_eq!(minus["recall@100"].value, 0.0);
        let all: Vec<f32> = scores.iter().map(|s| s.live[3]).collect();
        let labels: Vec<bool> = scores.iter().map(|s| s.relevant).collect();
        let own = found.models["device"]["auc"].value;
        assert!((own - roc_auc(&all, &labels).unwrap()).abs() < 1e-12);
    }
}
