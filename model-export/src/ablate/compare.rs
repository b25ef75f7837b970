//! Two outcomes on the same test window, in pairs.

use super::{Change, Changes};
use crate::bootstrap::Interval;
use crate::evaluate::series::{Scored, Series, Shown, areas, slates};
use crate::evaluate::{Measured, SlateHits};

/// Changes of the device's figures and of the towers': without minus whole.
pub(super) fn changes(whole: &Measured, without: &Measured) -> (Changes, Changes) {
    let pairs = whole.slates.iter().zip(&without.slates);
    let shown = pairs.map(|(a, b): (&SlateHits, &SlateHits)| Shown {
        relevant: a.relevant,
        hits: [&a.device, &b.device, &a.two_tower, &b.two_tower].map(Vec::as_slice),
    });
    let scored = (0..whole.users.len()).map(|i| Scored {
        user: whole.users[i],
        relevant: whole.relevant[i],
        scores: [
            whole.device[i],
            without.device[i],
            whole.two_tower[i],
            without.two_tower[i],
        ],
    });
    let mut all = slates(&shown.collect::<Vec<_>>());
    all.extend(areas(&scored.collect::<Vec<_>>()));
    let of = |at: usize| {
        all.iter()
            .map(|series| (series.name.clone(), change(series, at)))
            .collect()
    };
    (of(0), of(2))
}

/// Model `at + 1` minus model `at`.
fn change(series: &Series<4>, at: usize) -> Change {
    let draws = series.draws.iter().map(|d| d[at + 1] - d[at]);
    Change {
        whole: series.values[at],
        change: Interval::of(series.values[at + 1] - series.values[at], draws),
    }
}
