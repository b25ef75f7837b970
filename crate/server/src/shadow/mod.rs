//! Shadow mode: a sample of requests is scored with another bundle too, and how the order differs is reported.
//!
//! ```text
//! answer is made ── offer ──► queue, bounded: what does not fit is dropped and counted ──► one thread ──► /metrics
//! ```
//! Nothing of it is in an answer, and no answer waits for it: an offer moves what the request has in its hands already, or
//! is dropped. `upnext-server shadow` compares the same way over accounts instead of over requests ([`report`]).

pub mod report;
pub mod table;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use upnext_core::Error;
use upnext_core::agreement::{PERSISTENCE, overlap_at, rank_biased_overlap, share_of_new};

use crate::app::AppState;
use crate::candidates::{Asker, Selection, Wish, select};
use crate::edition::{Changes, Edition};
use crate::known::Known;
use crate::pulse::Pulse;
use crate::source::Candidate;
use crate::stock::Stock;
use crate::store::StoreError;

/// Most requests that wait to be scored again.
pub const QUEUE: usize = 64;
/// Depths at which [`Agreement::overlap`] is taken, beside the whole order.
pub const DEPTHS: [usize; 2] = [10, 50];

/// A request that was answered: what it was, and what it was answered with.
#[derive(Debug)]
pub struct Job {
    /// Who asked; nobody for an anonymous request.
    pub account: Option<String>,
    /// What was asked for.
    pub wish: Wish,
    /// The bundle that answered.
    pub edition: Arc<Edition>,
    /// The videos as the answer saw them.
    pub changes: Arc<Changes>,
    /// The answer, in its order.
    pub candidates: Vec<Candidate>,
    /// Time that the selection took.
    pub took: Duration,
}

/// How two orders of candidates agree. `before` is the bundle that serves, `after` the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// [`overlap_at`] of each of [`DEPTHS`], then of the whole.
    pub overlap: [f64; DEPTHS.len() + 1],
    /// [`rank_biased_overlap`] with [`PERSISTENCE`].
    pub rank_biased_overlap: f64,
    /// [`share_of_new`]: candidates that the bundle that serves does not offer.
    pub new: f64,
}

impl Agreement {
    /// Of two orders of ids; `None` where one is empty.
    #[must_use]
    pub fn of(before: &[&str], after: &[&str]) -> Option<Agreement> {
        let [ten, fifty] = DEPTHS;
        Some(Agreement {
            overlap: [
                overlap_at(before, after, ten)?,
                overlap_at(before, after, fifty)?,
                overlap_at(before, after, usize::MAX)?,
            ],
            rank_biased_overlap: rank_biased_overlap(before, after, PERSISTENCE)?,
            new: share_of_new(before, after)?,
        })
    }
}

/// Where requests go that are to be scored again.
#[derive(Debug)]
pub struct Shadow {
    every: u64,
    asked: AtomicU64,
    jobs: SyncSender<Job>,
    // Taken by the thread that works.
    waiting: Mutex<Option<Receiver<Job>>>,
}

impl Shadow {
    /// Takes one request of `every`; 0 takes none.
    #[must_use]
    pub fn new(every: u64) -> Shadow {
        let (jobs, waiting) = sync_channel(QUEUE);
        Shadow {
            every,
            asked: AtomicU64::new(0),
            jobs,
            waiting: Mutex::new(Some(waiting)),
        }
    }

    /// Takes the request where there is a shadow, it is its turn and there is room; never waits.
    pub fn offer(&self, state: &AppState, job: impl FnOnce() -> Job) {
        if self.every == 0 || state.serving().shadow.is_none() {
            return;
        }
        if !self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.every) {
            return;
        }
        if self.jobs.try_send(job()).is_err() {
            state.metrics.shadowed(Shadowed::Dropped);
        }
    }
}

/// What became of a request that was to be scored again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shadowed {
    /// It was, and so the orders agree.
    Compared {
        /// How the orders agree.
        agreement: Agreement,
        /// Time that the selection took for the answer.
        took: Duration,
        /// Time that it took with the other bundle.
        shadow_took: Duration,
    },
    /// There is nothing to compare: the bundle is served by now, knows nothing of the account, or offers nothing.
    Skipped,
    /// Too many were waiting.
    Dropped,
    /// The store or the index failed.
    Failed,
}

/// Starts the thread that works the queue off, as long as the server lives.
///
/// # Errors
/// What the system says about the thread.
pub fn start(state: &Arc<AppState>) -> std::io::Result<()> {
    let taken = state
        .shadow
        .waiting
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(waiting) = taken {
        let state = Arc::downgrade(state);
        std::thread::Builder::new()
            .name("shadow".to_owned())
            .spawn(move || work(&state, &waiting))?;
    }
    Ok(())
}

fn work(state: &Weak<AppState>, waiting: &Receiver<Job>) {
    // The state holds the other end: when the server is gone, so is the queue.
    while let Ok(job) = waiting.recv() {
        let Some(state) = state.upgrade() else { return };
        let became = compare(&state, &job);
        state.metrics.shadowed(became);
    }
}

fn compare(state: &AppState, job: &Job) -> Shadowed {
    let serving = state.serving();
    let Some(shadow) = &serving.shadow else {
        return Shadowed::Skipped;
    };
    if shadow.catalogue.bundle_id == job.edition.catalogue.bundle_id {
        return Shadowed::Skipped;
    }
    let stock = shadow.stock();
    let asker = match &job.account {
        None => Ok(Some(Asker::Anonymous)),
        Some(account) => match &state.store {
            Some(store) => store.read(|connection| Known::of_account(Some(connection), &stock, account)),
            None => Known::of_account(None, &stock, account).map_err(StoreError::from),
        }
        .map(|known| known.map(|known| Asker::Known(Box::new(known)))),
    };
    let asker = match asker {
        Ok(Some(asker)) => asker,
        Ok(None) => return Shadowed::Skipped,
        Err(error) => {
            tracing::warn!(%error, "shadow");
            return Shadowed::Failed;
        }
    };
    let (selected, shadow_took) = match timed_select(&stock, &state.pulse, &asker, &job.wish) {
        // Without what an engine finds nothing can be said of the bundle.
        Ok((selection, _)) if !selection.missing.is_empty() => return Shadowed::Failed,
        Ok((selection, took)) => (selection.candidates, took),
        Err(error) => {
            tracing::warn!(code = error.code().as_str(), %error, "shadow");
            return Shadowed::Failed;
        }
    };
    let answered = Stock::new(&job.edition.catalogue, Arc::clone(&job.changes));
    match Agreement::of(&ids(&answered, &job.candidates), &ids(&stock, &selected)) {
        Some(agreement) => Shadowed::Compared {
            agreement,
            took: job.took,
            shadow_took,
        },
        None => Shadowed::Skipped,
    }
}

/// [`select`], and the time that it took.
fn timed_select(stock: &Stock<'_>, pulse: &Pulse, asker: &Asker, wish: &Wish) -> Result<(Selection, Duration), Error> {
    let started = Instant::now();
    let selected = select(stock, pulse, asker, wish)?;
    Ok((selected, started.elapsed()))
}

fn ids<'a>(stock: &'a Stock<'_>, candidates: &[Candidate]) -> Vec<&'a str> {
    let rows = candidates.iter().map(|candidate| candidate.row as usize);
    rows.map(|row| stock.id(row)).collect()
}
