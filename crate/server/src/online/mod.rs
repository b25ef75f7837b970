//! What viewers made of what they were shown: the online metrics, counted from the events of accounts.
//!
//! ```text
//! events of an account ── core::encounter ──► outcomes ── core::reward ──► parts ──► ratio ──► figures, differences of arms
//! ```
//! An impression counts once nothing can be added to it any more, [`ENCOUNTER_MS`] after it was made. The definition
//! of each metric is [`Reward`]'s, which `upnext-export evaluate` estimates offline.

pub mod account;
pub mod anonymous;
pub mod page;
pub mod ratio;
pub mod table;

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use serde::Serialize;
use upnext_core::encounter::ENCOUNTER_MS;
use upnext_core::reward::Reward;

use crate::edition::Audience;
use crate::error::StartError;
use crate::serving::Serving;
use crate::stock::Stock;
use crate::store::event::each_account;
use crate::store::video::all;
use crate::store::{FILE, StoreError, open_reader};
use account::{Group, parts};
use anonymous::{Anonymous, anonymous};
use ratio::{Difference, Ratio};

/// Number of metrics.
pub const METRICS: usize = Reward::ALL.len() + 2;
/// Name of the arm that others are held against; where none has it, the first by name.
pub const CONTROL: &str = "control";

/// A mean over impressions, days or slates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Mean of what an impression earned.
    Reward(Reward),
    /// Share of the days (UTC) with an impression after which another followed within
    /// [`RETURN_DAYS`](account::RETURN_DAYS) days.
    Return,
    /// Mean of 1 − mean pairwise cosine of the videos that were shown together: one surface, one instant.
    Diversity,
}

impl Metric {
    /// All, in the order of reports.
    pub const ALL: [Metric; METRICS] = [
        Metric::Reward(Reward::ALL[0]),
        Metric::Reward(Reward::ALL[1]),
        Metric::Reward(Reward::ALL[2]),
        Metric::Reward(Reward::ALL[3]),
        Metric::Reward(Reward::ALL[4]),
        Metric::Reward(Reward::ALL[5]),
        Metric::Return,
        Metric::Diversity,
    ];

    /// Its place in [`Metric::ALL`].
    #[must_use]
    pub fn place(self) -> usize {
        Metric::ALL.iter().position(|metric| *metric == self).unwrap_or(0)
    }

    /// The name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Metric::Reward(reward) => reward.as_str(),
            Metric::Return => "return_7d",
            Metric::Diversity => "diversity",
        }
    }
}

/// What impressions are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Not at all.
    All,
    /// Where it was shown.
    Surface,
    /// The arm of an experiment that the event names.
    Arm,
    /// The bundle that ranked.
    Bundle,
    /// Language of the video.
    Language,
}

impl Dimension {
    /// The name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Dimension::All => "all",
            Dimension::Surface => "surface",
            Dimension::Arm => "arm",
            Dimension::Bundle => "bundle",
            Dimension::Language => "language",
        }
    }
}

/// The time of impressions, half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Unix milliseconds.
    pub from_ms: i64,
    /// Unix milliseconds.
    pub until_ms: i64,
}

impl Window {
    /// The last days of which all is known at this moment.
    #[must_use]
    pub fn last(days: u32, now_ms: i64) -> Window {
        let until_ms = now_ms.saturating_sub(ENCOUNTER_MS);
        Window {
            from_ms: until_ms.saturating_sub(i64::from(days) * 24 * 3_600_000),
            until_ms,
        }
    }

    /// Whether an impression of this moment counts.
    #[must_use]
    pub fn holds(&self, at_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&at_ms)
    }
}

/// A mean with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// The mean; `None` without an observation.
    pub value: Option<f64>,
    /// 95 % interval, accounts being what varies; `None` below two of them.
    pub interval: Option<[f64; 2]>,
    /// What was added up: clicks, completed videos, seconds, likes.
    pub total: f64,
    /// Over how many: impressions whose outcome is known, days, slates.
    pub of: f64,
    /// Accounts behind it.
    pub accounts: u64,
}

/// All metrics by name.
pub type Figures = BTreeMap<&'static str, Figure>;

/// A metric of an arm against the control.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Name of the arm.
    pub arm: String,
    /// Name of the arm that it is held against.
    pub control: String,
    /// Name of the metric.
    pub metric: &'static str,
    /// By how much the arm exceeds the control.
    pub difference: f64,
    /// 95 % interval, right for one look at a number of accounts that was fixed before.
    pub interval: [f64; 2],
    /// 95 % confidence sequence: right however often one looks.
    pub sequential: [f64; 2],
}

/// The figures of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Start of the window, Unix milliseconds.
    pub from: i64,
    /// End of the window, Unix milliseconds.
    pub until: i64,
    /// Over everything.
    pub all: Figures,
    /// By dimension and value.
    pub by: BTreeMap<&'static str, BTreeMap<String, Figures>>,
    /// Arms against the control.
    pub arms: Vec<Comparison>,
    /// What noised reports say, of devices without an account.
    pub anonymous: Anonymous,
}

/// Counts what happened in a window.
///
/// # Errors
/// What SQLite says.
pub fn report(connection: &Connection, stock: &Stock<'_>, window: Window) -> rusqlite::Result<Report> {
    let mut sums: BTreeMap<Group, [Ratio; METRICS]> = BTreeMap::new();
    each_account(connection, window.from_ms, |events| {
        for (group, own) in parts(&events, stock, window) {
            let ratios = sums.entry(group).or_default();
            ratios.iter_mut().zip(own).for_each(|(ratio, part)| ratio.add(part));
        }
    })?;
    let mut report = Report {
        from: window.from_ms,
        until: window.until_ms,
        all: figures(&[Ratio::default(); METRICS]),
        by: [
            Dimension::Surface,
            Dimension::Arm,
            Dimension::Bundle,
            Dimension::Language,
        ]
        .map(|dimension| (dimension.as_str(), BTreeMap::new()))
        .into(),
        arms: comparisons(&sums),
        anonymous: anonymous(connection, window)?,
    };
    for ((dimension, value), ratios) in &sums {
        match report.by.get_mut(dimension.as_str()) {
            Some(groups) => {
                groups.insert(value.clone(), figures(ratios));
            }
            None => report.all = figures(ratios),
        }
    }
    Ok(report)
}

/// [`report`] of a data directory, whose server may be running, with the videos of a bundle root.
///
/// # Errors
/// [`StartError`]: no bundle, no database.
pub fn count(data: &Path, bundle: &Path, window: Window) -> Result<Report, StartError> {
    let connection = open_reader(&data.join(FILE))?;
    let failed = |error: rusqlite::Error| StartError::from(StoreError::from(error));
    let serving = Serving::load(bundle, &all(&connection).map_err(failed)?, &Audience::default())?;
    report(&connection, &serving.current.stock(), window).map_err(failed)
}

fn figures(ratios: &[Ratio; METRICS]) -> Figures {
    let figure = |ratio: &Ratio| Figure {
        value: ratio.value(),
        interval: around(ratio.value(), ratio.half_width()),
        total: ratio.sum(),
        of: ratio.count(),
        accounts: ratio.accounts(),
    };
    let named = Metric::ALL.iter().map(|metric| metric.as_str());
    named.zip(ratios.iter().map(figure)).collect()
}

fn around(value: Option<f64>, half_width: Option<f64>) -> Option<[f64; 2]> {
    let (value, half_width) = (value?, half_width?);
    Some([value - half_width, value + half_width])
}

fn comparisons(sums: &BTreeMap<Group, [Ratio; METRICS]>) -> Vec<Comparison> {
    let arms: Vec<(&str, &[Ratio; METRICS])> = sums
        .iter()
        .filter(|((dimension, _), _)| *dimension == Dimension::Arm)
        .map(|((_, arm), ratios)| (arm.as_str(), ratios))
        .collect();
    let named = arms.iter().find(|(arm, _)| *arm == CONTROL);
    let Some((control, base)) = named.or(arms.first()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (arm, ratios) in arms.iter().filter(|(arm, _)| arm != control) {
        for (metric, (own, base)) in Metric::ALL.iter().zip(ratios.iter().zip(base.iter())) {
            let Some(difference) = Difference::of(own, base) else {
                continue;
            };
            let interval = |half: f64| [difference.value - half, difference.value + half];
            found.push(Comparison {
                arm: (*arm).to_owned(),
                control: (*control).to_owned(),
                metric: metric.as_str(),
                difference: difference.value,
                interval: interval(difference.half_width),
                sequential: interval(difference.sequential_half_width),
            });
        }
    }
    found
}
