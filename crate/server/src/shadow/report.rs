//! `upnext-server shadow`: what another bundle would change, over a sample of accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use serde::Serialize;
use upnext_core::Error;
use upnext_core::hash::hash64;

use super::{Agreement, ids, timed_select};
use crate::candidates::{Asker, Wish};
use crate::edition::Audience;
use crate::error::StartError;
use crate::known::Known;
use crate::pulse::Pulse;
use crate::serving::Serving;
use crate::stock::Stock;
use crate::store::event::{accounts, each_beat};
use crate::store::video::all;
use crate::store::{FILE, StoreError, open_reader};

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Root of the bundle that serves.
    pub bundle: PathBuf,
    /// Root of the other bundle.
    pub next: PathBuf,
    /// Data directory of a server, which may be running; without one the accounts are those of the bundle.
    pub data: Option<PathBuf>,
    /// Most accounts.
    pub accounts: usize,
    /// What each asks for.
    pub wish: Wish,
}

/// How a figure is spread over the accounts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// A tenth of the accounts are at or below.
    pub p10: f64,
    /// Half of them.
    pub p50: f64,
    /// Nine tenths of them.
    pub p90: f64,
}

impl Spread {
    /// Of these values; `None` where there are none. A quantile is the value at its nearest rank.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Spread> {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * values.len() as f64).ceil() as usize;
            values.get(rank.max(1) - 1).copied()
        };
        Some(Spread {
            mean: values.iter().sum::<f64>() / values.len() as f64,
            p10: at(0.1)?,
            p50: at(0.5)?,
            p90: at(0.9)?,
        })
    }
}

/// What another bundle would change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Id of the bundle that serves.
    pub bundle: String,
    /// Id of the other.
    pub next: String,
    /// Accounts that were compared.
    pub accounts: usize,
    /// Accounts of the sample of which one of the bundles knows nothing.
    pub unknown: usize,
    /// Figures by name, in the order of [`FIGURES`].
    pub figures: BTreeMap<&'static str, Spread>,
    /// The same of what everybody gets who has no account.
    pub anonymous: Option<BTreeMap<&'static str, f64>>,
}

/// Names of the figures, in the order in which they are shown: overlaps of the first ten, the first fifty and all, see
/// [`Agreement`], and seconds that the selection took.
pub const FIGURES: [&str; 7] = [
    "overlap_10",
    "overlap_50",
    "overlap_all",
    "rank_biased_overlap",
    "new",
    "seconds",
    "next_seconds",
];

fn figures(agreement: &Agreement, took: Duration, next_took: Duration) -> [f64; FIGURES.len()] {
    let [ten, fifty, whole] = agreement.overlap;
    [
        ten,
        fifty,
        whole,
        agreement.rank_biased_overlap,
        agreement.new,
        took.as_secs_f64(),
        next_took.as_secs_f64(),
    ]
}

/// Compares two bundles over the accounts that the first knows, or the data directory; where there are more than the plan
/// takes, those whose hashed ids come first, so that the same are compared each time.
///
/// # Errors
/// [`StartError`]: a bundle that does not verify, no database.
pub fn compare(plan: &Plan) -> Result<Report, StartError> {
    let failed = |error: rusqlite::Error| StartError::from(StoreError::from(error));
    let connection = plan
        .data
        .as_ref()
        .map(|data| open_reader(&data.join(FILE)))
        .transpose()?;
    let pulse = Pulse::new(plan.wish.now_ms);
    let since = match &connection {
        Some(connection) => {
            each_beat(connection, |beat| pulse.beat([beat])).map_err(failed)?;
            all(connection).map_err(failed)?
        }
        None => Vec::new(),
    };
    let everybody = Audience::default();
    let serving = Serving::load(&plan.bundle, &since, &everybody)?.with_shadow(&plan.next, &since, &everybody)?;
    let next = serving.shadow.as_ref().unwrap_or(&serving.current);
    let (stock, next) = (serving.current.stock(), next.stock());

    let mut known: BTreeSet<String> = serving.current.catalogue.accounts.ids().map(str::to_owned).collect();
    if let Some(connection) = &connection {
        known.extend(accounts(connection).map_err(failed)?);
    }
    let mut sample: Vec<(u64, String)> = known.into_iter().map(|id| (hash64(0, id.as_bytes()), id)).collect();
    sample.sort();
    sample.truncate(plan.accounts);

    let mut report = Report {
        bundle: stock.catalogue.bundle_id.clone(),
        next: next.catalogue.bundle_id.clone(),
        accounts: 0,
        unknown: 0,
        figures: BTreeMap::new(),
        anonymous: None,
    };
    let both = Both {
        connection: connection.as_ref(),
        stock: &stock,
        next: &next,
        pulse: &pulse,
        wish: &plan.wish,
    };
    let mut columns = vec![Vec::with_capacity(sample.len()); FIGURES.len()];
    for (_, account) in &sample {
        match both.compare(Some(account))? {
            Some(row) => {
                report.accounts += 1;
                columns
                    .iter_mut()
                    .zip(row)
                    .for_each(|(column, value)| column.push(value));
            }
            None => report.unknown += 1,
        }
    }
    let spreads = FIGURES.into_iter().zip(columns);
    report.figures = spreads
        .filter_map(|(name, column)| Some((name, Spread::of(column)?)))
        .collect();
    report.anonymous = both.compare(None)?.map(|row| FIGURES.into_iter().zip(row).collect());
    Ok(report)
}

/// Two bundles and what both are asked with.
struct Both<'a> {
    connection: Option<&'a Connection>,
    stock: &'a Stock<'a>,
    next: &'a Stock<'a>,
    pulse: &'a Pulse,
    wish: &'a Wish,
}

impl Both<'_> {
    /// The figures of an account, or of everybody who has none; `None` where there is nothing to compare.
    fn compare(&self, account: Option<&str>) -> Result<Option<[f64; FIGURES.len()]>, StartError> {
        let select = |stock: &Stock<'_>| -> Result<Option<_>, StartError> {
            let asker = match account {
                None => Asker::Anonymous,
                Some(account) => match Known::of_account(self.connection, stock, account).map_err(StoreError::from)? {
                    Some(known) => Asker::Known(Box::new(known)),
                    None => return Ok(None),
                },
            };
            let selected: Result<_, Error> = timed_select(stock, self.pulse, &asker, self.wish);
            Ok(Some(selected?))
        };
        let (Some((before, took)), Some((after, next_took))) = (select(self.stock)?, select(self.next)?) else {
            return Ok(None);
        };
        let (before, after) = (ids(self.stock, &before.candidates), ids(self.next, &after.candidates));
        let agreement = Agreement::of(&before, &after);
        Ok(agreement.map(|agreement| figures(&agreement, took, next_took)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quantiles_are_values_with_their_share_at_or_below(values in prop::collection::vec(-1.0_f64..1.0, 1..60)) {
            let spread = Spread::of(values.clone()).unwrap();
            for (quantile, share) in [(spread.p10, 0.1), (spread.p50, 0.5), (spread.p90, 0.9)] {
                prop_assert!(values.contains(&quantile));
                let at_or_below = values.iter().filter(|value| **value <= quantile).count() as f64;
                let below = values.iter().filter(|value| **value < quantile).count() as f64;
                let wanted = share * values.len() as f64;
                prop_assert!(at_or_below >= wanted - 1e-9 && below < wanted + 1e-9);
            }
            prop_assert!((spread.mean * values.len() as f64 - values.iter().sum::<f64>()).abs() < 1e-9);
        }
    }

    #[test]
    fn of_nothing_there_is_no_spread() {
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
