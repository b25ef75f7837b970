//! What each head of the ranker is worth, and whether its probability means what it says, before calibration and after.

use std::fmt::Write as _;

use serde::Serialize;
use upnext_core::bundle::Metrics;
use upnext_core::head::{Head, HeadWeights};
use upnext_core::metrics::roc_auc;

use super::calibration::{Calibration, calibration};
use super::impressions::Impression;
use crate::ranker::Platt;

/// One head on the impressions of the test window of which its target is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeadReport {
    /// Name: `relevant`, `liked`, `finished`, `watched`.
    pub head: &'static str,
    /// Impressions.
    pub impressions: usize,
    /// Mean of what happened: a share, or the mean fraction watched.
    pub mean: f64,
    /// Area under the ROC curve; `null` of a fraction, which has no two sides.
    pub auc: Option<f64>,
    /// The same of the head of relevance, asked the same.
    pub auc_of_relevant: Option<f64>,
    /// Platt's two numbers; 1 and 0 where the bundle was not calibrated.
    pub scale: f64,
    /// In logits.
    pub shift: f64,
    /// Without them.
    pub before: Calibration,
    /// As the device says it.
    pub after: Calibration,
}

/// All heads that the bundle's ranker has: those that have a weight; `figures` are the bundle's.
pub(super) fn heads(scores: &[Impression], weights: &HeadWeights, figures: &Metrics) -> Vec<HeadReport> {
    let taught = Head::ALL
        .into_iter()
        .zip(weights.all())
        .filter_map(|(head, weight)| weight.map(|_| head));
    taught.filter_map(|head| report(head, scores, figures)).collect()
}

fn report(head: Head, scores: &[Impression], figures: &Metrics) -> Option<HeadReport> {
    let platt = Platt::of(head, figures);
    // Logit, what happened, logit of relevance.
    let rows: Vec<(f32, f32, f32)> = (scores.iter())
        .filter_map(|s| {
            let (said, target) = s.heads[head as usize];
            Some((said?, target?, s.heads[Head::Relevant as usize].0?))
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let area = |score: fn(&(f32, f32, f32)) -> f32| {
        let scores: Vec<f32> = rows.iter().map(score).collect();
        let labels: Vec<bool> = rows.iter().map(|row| row.1 == 1.0).collect();
        (head != Head::Watched).then(|| roc_auc(&scores, &labels)).flatten()
    };
    Some(HeadReport {
        head: head.as_str(),
        impressions: rows.len(),
        mean: rows.iter().map(|row| f64::from(row.1)).sum::<f64>() / rows.len() as f64,
        auc: area(|row| row.0),
        auc_of_relevant: area(|row| row.2),
        scale: f64::from(platt.scale),
        shift: f64::from(platt.shift),
        before: calibration(rows.iter().map(|row| (platt.undo(row.0), row.1))),
        after: calibration(rows.iter().map(|row| (row.0, row.1))),
    })
}

/// Lines for a terminal.
pub(super) fn table(heads: &[HeadReport]) -> String {
    let mut text = String::new();
    for head in heads {
        let auc = |auc: Option<f64>| auc.map_or("-".to_owned(), |auc| format!("{auc:.4}"));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "head {}: {} impressions, mean {:.4}, auc {} (relevant: {}), calibrated by {:.3} · logit {:+.3}: ece {:.4} → {:.4}, brier {:.4} → {:.4}",
            head.head,
            head.impressions,
            head.mean,
            auc(head.auc),
            auc(head.auc_of_relevant),
            head.scale,
            head.shift,
            head.before.ece,
            head.after.ece,
            head.before.brier,
            head.after.brier,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_calibration_did_is_undone_for_the_figures_before_it() {
        // One in four is liked. The raw head says a half of everything, calibrated it says the quarter.
        let shift = (0.25_f32 / 0.75).ln();
        let figures: Metrics = (Platt::figures(Head::Liked).into_iter().zip([1.0, f64::from(shift)]))
            .collect::<BTreeMap<String, f64>>()
            .into();
        let scores: Vec<Impression> = (0..600)
            .map(|i| {
                let liked = if i % 4 == 0 { 1.0 } else { 0.0 };
                let known = (i % 5 != 0).then_some(0.5);
                let nothing = (None, Some(0.0));
                let heads = [
                    (Some(0.0), Some(liked)),
                    (Some(shift), Some(liked)),
                    nothing,
                    (Some(0.0), known),
                ];
                Impression {
                    heads,
                    ..Impression::default()
                }
            })
            .collect();
        let weights = HeadWeights {
            liked: Some(0.0),
            watched: Some(0.0),
            ..HeadWeights::RELEVANT
        };
        let found = heads(&scores, &weights, &figures);
        let names: Vec<&str> = found.iter().map(|head| head.head).collect();
        assert_eq!(
            names,
            ["relevant", "liked", "watched"],
            "a head that says nothing is left out"
        );
        let liked = &found[1];
        assert!(
            (liked.before.ece - 0.25).abs() < 1e-6 && liked.after.ece < 1e-6,
            "{liked:?}"
        );
        assert_eq!((liked.impressions, liked.mean), (600, 0.25));
        assert_eq!((liked.auc, liked.auc_of_relevant), (Some(0.5), Some(0.5)));
        let watched = &found[2];
        assert_eq!((watched.impressions, watched.auc), (480, None));
        assert!(watched.after.ece < 1e-9 && (watched.scale, watched.shift) == (1.0, 0.0));
        assert!(table(&found).contains("head liked: 600 impressions"));
    }
}
