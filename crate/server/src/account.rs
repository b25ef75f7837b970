//! What an account did, as far as it was written down: what it liked, what it is done with, its factor now.

use std::collections::BTreeMap;

use upnext_core::fold_in::{fold_in, fold_in_from};
use upnext_core::{EventKind, QuantRow, RELEVANT_FRACTION, fraction_watched};

use crate::stock::Stock;
use crate::store::event::Improving;

/// Events of an account that are looked at: the latest.
pub const MOST_EVENTS: usize = 1000;

/// An account's past by rows of the stock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// Videos that were found relevant, each once, the latest first, with the instant in Unix milliseconds.
    pub liked: Vec<(usize, i64)>,
    /// Videos not to be offered again: watched for half or more in all, disliked, or not wanted.
    pub done: Vec<usize>,
}

impl Past {
    /// Reads events, the latest first. Events of videos that are not there any more say nothing.
    #[must_use]
    pub fn new(stock: &Stock<'_>, events: &[Improving]) -> Past {
        let mut past = Past::default();
        let mut met: BTreeMap<usize, Met> = BTreeMap::new();
        for event in events {
            let Some(row) = event.video.as_deref().and_then(|id| stock.row_of(id)) else {
                continue;
            };
            let met = met.entry(row).or_default();
            match event.kind {
                EventKind::Watch => {
                    met.fraction += fraction_watched(event.seconds, stock.length_seconds(row)).unwrap_or(0.0)
                }
                EventKind::Dislike | EventKind::NotInterested => {
                    met.last_word.get_or_insert(false);
                }
                EventKind::Like | EventKind::Share => {
                    met.last_word.get_or_insert(true);
                }
                EventKind::Impression | EventKind::Comment | EventKind::Search => {}
            }
            if event.relevant && !met.liked {
                met.liked = true;
                past.liked.push((row, event.at_ms));
            }
        }
        // Somebody who liked a video and then sends it away does not like it.
        past.liked
            .retain(|(row, _)| met.get(row).is_none_or(|met| met.last_word != Some(false)));
        past.done = met
            .iter()
            .filter(|(_, met)| met.is_done())
            .map(|(row, _)| *row)
            .collect();
        past
    }

    /// The account's factor: that of the bundle, moved by the trainer's half-step to what was found relevant since.
    /// `None` for an account of which neither bundle nor store knows anything; zeros where nothing can be said.
    #[must_use]
    pub fn factor(&self, stock: &Stock<'_>, learnt: Option<&[f32]>, has_events: bool) -> Option<Vec<f32>> {
        let catalogue = stock.catalogue;
        let (spec, gram) = (&catalogue.spec.user.fold_in, &catalogue.gram);
        let most = catalogue.spec.user.history.max_events as usize;
        let rows = |since_ms: i64| -> Vec<QuantRow<'_>> {
            let since = self.liked.iter().filter(|(_, at_ms)| *at_ms >= since_ms);
            since.filter_map(|(row, _)| stock.factor(*row)).take(most).collect()
        };
        match learnt {
            Some(learnt) if learnt.iter().any(|value| *value != 0.0) => {
                // What came before is in the factor already.
                let since = rows(catalogue.manifest.factor_window.until_ms);
                Some(fold_in_from(spec, gram, learnt, &since))
            }
            None if !has_events => None,
            _ => Some(fold_in(spec, gram, &rows(i64::MIN))),
        }
    }
}

/// What an account had to do with a video, seen from now backwards.
#[derive(Debug, Default)]
struct Met {
    liked: bool,
    fraction: f32,
    /// The latest of what was said: wanted or not.
    last_word: Option<bool>,
}

impl Met {
    fn is_done(&self) -> bool {
        self.last_word == Some(false) || self.fraction >= RELEVANT_FRACTION
    }
}
