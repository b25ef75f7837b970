//! What noised reports say of viewers who are nobody's account: shares of devices with intervals.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde::Serialize;
use upnext_core::disclosure::week::{WEEK_MS, starts_at, week_of};
use upnext_core::disclosure::{METRICS, Metric, Terms, estimate};

use super::Window;
use crate::store::report::{ReportCount, counts};

/// Share of devices in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Unbiased, and so below 0 or above 1 at times.
    pub share: f64,
    /// 95 % interval, over noise and devices.
    pub interval: [f64; 2],
}

/// What reports under the same terms say together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shares {
    /// How many reports. One that was sent again, because the first answer was lost, counts again.
    pub reports: u64,
    /// By metric and bucket.
    pub metrics: BTreeMap<&'static str, BTreeMap<&'static str, Share>>,
}

/// The noised reports of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Anonymous {
    /// ε of one answer.
    pub epsilon: f64,
    /// Over all weeks that are whole within the window.
    pub all: Shares,
    /// By week: the first day of each, Unix milliseconds.
    pub weeks: BTreeMap<i64, Shares>,
    /// By bundle; reports of bundles that were not served stand under the empty id.
    pub bundles: BTreeMap<String, Shares>,
}

/// How often each bucket of each metric was named.
#[derive(Default)]
struct Named(BTreeMap<(usize, u32), u64>);

impl Named {
    fn add(&mut self, place: usize, count: &ReportCount) {
        *self.0.entry((place, count.bucket)).or_default() += count.reports;
    }

    fn of(&self, place: usize) -> u64 {
        self.0
            .range((place, 0)..(place + 1, 0))
            .map(|(_, reports)| reports)
            .sum()
    }

    fn shares(&self, terms: &Terms) -> Shares {
        let metric = |(place, metric): (usize, &Metric)| {
            let response = terms.response(*metric);
            let buckets = metric.buckets().iter().zip(0..).filter_map(|(name, bucket)| {
                let named = self.0.get(&(place, bucket)).copied().unwrap_or(0);
                let found = estimate(response, named, self.of(place))?;
                let interval = [found.low, found.high];
                Some((
                    *name,
                    Share {
                        share: found.share,
                        interval,
                    },
                ))
            });
            (metric.as_str(), buckets.collect())
        };
        Shares {
            reports: (0..METRICS).map(|place| self.of(place)).max().unwrap_or(0),
            metrics: Metric::ALL.iter().enumerate().map(metric).collect(),
        }
    }
}

/// Counts the reports of the weeks that lie within a window, of the current form.
///
/// # Errors
/// What SQLite says.
pub fn anonymous(connection: &Connection, window: Window) -> rusqlite::Result<Anonymous> {
    let terms = Terms::CURRENT;
    // A week that began before the window is not whole in it, nor is one that ends after it.
    let first = week_of(window.from_ms.saturating_add(WEEK_MS - 1));
    let last = week_of(window.until_ms).saturating_sub(1);
    let (mut all, mut weeks, mut bundles) = (Named::default(), BTreeMap::new(), BTreeMap::new());
    for count in counts(connection, first, last)? {
        let place = Metric::ALL.iter().position(|metric| metric.as_str() == count.metric);
        let Some(place) = place.filter(|_| count.form == terms.form) else {
            continue;
        };
        all.add(place, &count);
        weeks
            .entry(starts_at(count.week))
            .or_insert_with(Named::default)
            .add(place, &count);
        bundles
            .entry(count.bundle.clone())
            .or_insert_with(Named::default)
            .add(place, &count);
    }
    Ok(Anonymous {
        epsilon: f64::from(terms.answer_millis) / 1000.0,
        all: all.shares(&terms),
        weeks: weeks
            .into_iter()
            .map(|(week, named)| (week, named.shares(&terms)))
            .collect(),
        bundles: bundles
            .into_iter()
            .map(|(bundle, named)| (bundle, named.shares(&terms)))
            .collect(),
    })
}
