//! What is known of somebody who asks: of an account what bundle and store hold, of others what they named themselves.

use rusqlite::Connection;

use crate::account::{MOST_EVENTS, Past};
use crate::source::neighbours::LATEST;
use crate::stock::Stock;
use crate::store::account::erased_at;
use crate::store::event::{finds_of_neighbours, improving};

/// What the sources go by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Factor; zeros where nothing was learnt.
    pub factor: Vec<f32>,
    /// What was found relevant, and what is not to be offered again.
    pub past: Past,
    /// For each neighbour the number of videos that both found relevant, and what it found relevant.
    pub finds: Vec<(usize, Vec<String>)>,
}

impl Known {
    /// What bundle and store know of an account; `None` where neither knows anything. Without a store the bundle alone.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn of_account(
        connection: Option<&Connection>,
        stock: &Stock<'_>,
        account: &str,
    ) -> rusqlite::Result<Option<Known>> {
        let (events, forgotten) = match connection {
            Some(connection) => (
                improving(connection, account, MOST_EVENTS)?,
                erased_at(connection, account)?.is_some(),
            ),
            None => (Vec::new(), false),
        };
        let past = Past::new(stock, &events);
        // Who asked to be forgotten is a stranger, but for what was told since.
        let learnt = stock.catalogue.accounts.factor(account).filter(|_| !forgotten);
        let Some(factor) = past.factor(stock, learnt, !events.is_empty()) else {
            return Ok(None);
        };
        let latest: Vec<&str> = past.liked.iter().take(LATEST).map(|(row, _)| stock.id(*row)).collect();
        let finds = match connection {
            Some(connection) if !latest.is_empty() => finds_of_neighbours(connection, account, &latest)?,
            _ => Vec::new(),
        };
        Ok(Some(Known { factor, past, finds }))
    }

    /// What follows from videos that somebody says they found relevant of late, the latest first, and how many of them
    /// are not there. They are folded in as an account's are, and not offered again.
    ///
    /// There are no neighbours: whoever may name any video could read out of their finds what one other account likes.
    #[must_use]
    pub fn of_videos<T: AsRef<str>>(stock: &Stock<'_>, videos: &[T], now_ms: i64) -> (Known, usize) {
        let mut rows: Vec<usize> = Vec::with_capacity(videos.len());
        for row in videos.iter().filter_map(|id| stock.row_of(id.as_ref())) {
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        let unknown = videos.iter().filter(|id| stock.row_of(id.as_ref()).is_none()).count();
        let past = Past {
            liked: rows.iter().map(|row| (*row, now_ms)).collect(),
            done: rows,
        };
        let known = Known {
            // Of somebody who is in no bundle: from these alone.
            factor: past.factor(stock, None, true).unwrap_or_default(),
            past,
            finds: Vec::new(),
        };
        (known, unknown)
    }
}
