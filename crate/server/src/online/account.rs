//! What one account adds to the figures.

use std::collections::{BTreeMap, BTreeSet};

use upnext_core::encounter::encounters;
use upnext_core::feature::PastEvent;
use upnext_core::fraction_watched;
use upnext_core::metrics::mean_pairwise_cosine;

use super::{Dimension, METRICS, Metric, Window};
use crate::online::ratio::Part;
use crate::stock::Stock;
use crate::store::event::EventRow;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 3_600_000;
/// Days after one with an impression in which the next counts as a return.
pub const RETURN_DAYS: i64 = 7;

/// A group of impressions: all of a dimension's value.
pub type Group = (Dimension, String);
/// What an account adds to each metric of each group.
pub type Parts = BTreeMap<Group, [Part; METRICS]>;

/// Reads an account's events, which are in the order of time. Empty without an impression in the window.
#[must_use]
pub fn parts(events: &[EventRow], stock: &Stock<'_>, window: Window) -> Parts {
    let rows: Vec<Option<usize>> = events
        .iter()
        .map(|event| stock.row_of(event.video.as_deref()?))
        .collect();
    let past: Vec<PastEvent<'_>> = events
        .iter()
        .zip(&rows)
        .map(|(event, row)| {
            let length_seconds = row.and_then(|row| stock.length_seconds(row));
            PastEvent {
                video: event.video.as_deref(),
                fraction: fraction_watched(event.seconds, length_seconds),
                length_seconds,
                ..PastEvent::new(event.kind, event.at_ms)
            }
        })
        .collect();
    let mut parts = Parts::new();
    let mut together: BTreeMap<(Option<&str>, i64), Vec<usize>> = BTreeMap::new();
    let mut days: BTreeMap<i64, usize> = BTreeMap::new();
    // The seed only names videos for as long as this takes.
    for met in encounters(0, &past, i64::MAX) {
        if !met.outcome.shown || !window.holds(met.at_ms) {
            continue;
        }
        let opened = met.opened;
        for group in groups(&events[opened], rows[opened].and_then(|row| stock.language(row))) {
            let own = parts.entry(group).or_default();
            for (metric, part) in Metric::ALL.iter().zip(own) {
                if let Metric::Reward(reward) = metric {
                    part.observe(reward.of(&met.outcome, past[opened].length_seconds));
                }
            }
        }
        let slate = (events[opened].surface.as_deref(), met.at_ms);
        together.entry(slate).or_default().push(opened);
        days.entry(met.at_ms.div_euclid(DAY_MS)).or_insert(opened);
    }
    let mut observe = |opened: usize, metric: Metric, value: Option<f64>| {
        for group in groups(&events[opened], None) {
            if let Some(part) = parts.get_mut(&group) {
                part[metric.place()].observe(value);
            }
        }
    };
    for shown in together.values() {
        let vectors: Vec<&[f32]> = shown.iter().filter_map(|opened| stock.vector(rows[*opened]?)).collect();
        let diversity = mean_pairwise_cosine(&vectors).map(|cosine| 1.0 - cosine);
        observe(shown[0], Metric::Diversity, diversity);
    }
    let active: BTreeSet<i64> = days.keys().copied().collect();
    for (day, opened) in days {
        // A day whose week is not over yet may still be followed by a return.
        let over = (day + RETURN_DAYS + 1).saturating_mul(DAY_MS) <= window.until_ms;
        let came_back = active.range(day + 1..=day + RETURN_DAYS).next().is_some();
        observe(opened, Metric::Return, over.then(|| f64::from(u8::from(came_back))));
    }
    parts
}

/// The groups that an impression is in. What is not known makes none.
fn groups(event: &EventRow, language: Option<&str>) -> Vec<Group> {
    let named = [
        (Dimension::All, Some("")),
        (Dimension::Surface, event.surface.as_deref()),
        (Dimension::Arm, event.arm.as_deref()),
        (Dimension::Bundle, event.bundle.as_deref()),
        (Dimension::Language, language),
    ];
    named
        .into_iter()
        .filter_map(|(dimension, value)| Some((dimension, value?.to_owned())))
        .collect()
}
