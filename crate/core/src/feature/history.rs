//! What came before: past events, in order, weighted, pooled. Nothing at or after *now* is read.

use crate::encounter::encounters;
use crate::feature::spec::{FeatureSpec, HistorySpec};
use crate::{Error, ErrorKind, EventKind, QuantRow, relevant};

/// An event of the viewer's past, with what the models know of its video.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastEvent<'a> {
    /// What happened.
    pub kind: EventKind,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// The video; `None` for a search.
    pub video: Option<&'a str>,
    /// Fraction watched, 0..=1, of a watch; see [`fraction_watched`](crate::fraction_watched).
    pub fraction: Option<f32>,
    /// The source's own judgement of a watch, in a log without seconds; never on a device.
    pub judged: Option<bool>,
    /// Length of the video in seconds.
    pub length_seconds: Option<f32>,
    /// The video's vector of the loaded bundle.
    pub vector: Option<QuantRow<'a>>,
    /// The video's collaborative factor of the loaded bundle.
    pub factor: Option<QuantRow<'a>>,
    /// Text vector of a search.
    pub text: Option<&'a [f32]>,
    /// Where it happened.
    pub surface: Option<&'a str>,
    /// The video's channel.
    pub channel: Option<&'a str>,
    /// The video's content hash; see [`Block::content`](crate::block::Block::content).
    pub content: Option<&'a str>,
    /// The loaded bundle's logit that the video is found relevant, of the moment at which it was shown.
    pub expected: Option<f32>,
}

impl<'a> PastEvent<'a> {
    /// An event of which nothing else is known.
    #[must_use]
    pub const fn new(kind: EventKind, at_ms: i64) -> PastEvent<'a> {
        PastEvent {
            kind,
            at_ms,
            video: None,
            fraction: None,
            judged: None,
            length_seconds: None,
            vector: None,
            factor: None,
            text: None,
            surface: None,
            channel: None,
            content: None,
            expected: None,
        }
    }
}

impl PastEvent<'_> {
    /// Whether the event alone makes its video relevant: a like, at least half watched, or the
    /// source's judgement where the fraction is unknown. See [`Outcome::label`](crate::encounter::Outcome::label)
    /// for several events together.
    #[must_use]
    pub fn relevant(&self) -> bool {
        let judged = self.fraction.is_none() && self.judged == Some(true);
        judged || relevant(self.kind == EventKind::Like, self.fraction)
    }
}

/// The pools of the user tower, in input order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// Watched, weighted by the fraction.
    Watched,
    /// Liked or shared.
    Liked,
    /// Commented on.
    Commented,
    /// Disliked or "not interested".
    Disliked,
    /// Searched: text vectors.
    Searched,
}

impl Pool {
    /// Every pool, in input order.
    pub const ALL: [Pool; 5] = [
        Pool::Watched,
        Pool::Liked,
        Pool::Commented,
        Pool::Disliked,
        Pool::Searched,
    ];

    /// The pool of an event; impressions have none.
    #[must_use]
    pub const fn of(kind: EventKind) -> Option<Pool> {
        match kind {
            EventKind::Impression => None,
            EventKind::Watch => Some(Pool::Watched),
            EventKind::Like | EventKind::Share => Some(Pool::Liked),
            EventKind::Comment => Some(Pool::Commented),
            EventKind::Dislike | EventKind::NotInterested => Some(Pool::Disliked),
            EventKind::Search => Some(Pool::Searched),
        }
    }
}

/// Indexes of the events strictly before `now_ms` that `keep` wants, oldest first, simultaneous
/// ones in input order, and of these the latest `most`.
pub(crate) fn before(
    now_ms: i64,
    history: &[PastEvent<'_>],
    most: usize,
    keep: impl Fn(&PastEvent<'_>) -> bool,
) -> Vec<usize> {
    let wanted = history
        .iter()
        .enumerate()
        .filter(|(_, event)| event.at_ms < now_ms && keep(event));
    let mut order: Vec<(i64, usize)> = wanted.map(|(at, event)| (event.at_ms, at)).collect();
    order.sort_unstable();
    let skip = order.len().saturating_sub(most);
    order.into_iter().skip(skip).map(|(_, at)| at).collect()
}

/// Weight of an event of this age: halves every `half_life_days`.
pub(crate) fn recency(spec: &HistorySpec, now_ms: i64, at_ms: i64) -> f64 {
    let days = (now_ms as f64 - at_ms as f64) / 86_400_000.0;
    libm::exp2(-days / f64::from(spec.half_life_days))
}

/// Writes the pools and the counts' logarithms to `dense`, in [`Pool::ALL`] order.
pub(crate) fn pool(
    spec: &FeatureSpec,
    now_ms: i64,
    history: &[PastEvent<'_>],
    order: &[usize],
    dense: &mut Vec<f32>,
) -> Result<(), Error> {
    let (vector_dim, text_dim) = (spec.vector_dim as usize, spec.text.dim as usize);
    let start = dense.len();
    dense.resize(start + 4 * vector_dim + text_dim, 0.0);
    let pools = &mut dense[start..];
    let (mut counts, mut totals) = ([0_u32; 5], [0.0_f32; 5]);
    for event in order.iter().filter_map(|at| history.get(*at)) {
        let Some(pool) = Pool::of(event.kind) else { continue };
        let which = pool as usize;
        counts[which] += 1;
        let value = match pool {
            Pool::Watched => watched(event).unwrap_or(spec.user.history.unknown_fraction),
            _ => 1.0,
        };
        let weight = recency(&spec.user.history, now_ms, event.at_ms) as f32 * value;
        let added = match (pool, event.vector, event.text) {
            (Pool::Searched, _, Some(text)) => add_text(weight, text, &mut pools[4 * vector_dim..])?,
            (Pool::Searched, _, None) => false,
            (_, Some(row), _) => add_row(weight, row, &mut pools[which * vector_dim..(which + 1) * vector_dim])?,
            _ => false,
        };
        if added {
            totals[which] += weight;
        }
    }
    for (pool, total) in pools.chunks_mut(vector_dim).take(4).zip(totals) {
        divide(pool, total);
    }
    divide(&mut pools[4 * vector_dim..], totals[Pool::Searched as usize]);
    dense.extend(counts.map(|count| libm::log1pf(count as f32)));
    Ok(())
}

/// The fraction as far as it can be believed; else the source's judgement: all or nothing.
fn watched(event: &PastEvent<'_>) -> Option<f32> {
    let fraction = event.fraction.filter(|fraction| fraction.is_finite());
    let judged = || event.judged.map(|judged| if judged { 1.0 } else { 0.0 });
    fraction.map(|fraction| fraction.clamp(0.0, 1.0)).or_else(judged)
}

fn divide(pool: &mut [f32], total: f32) {
    if total > 0.0 {
        pool.iter_mut().for_each(|v| *v /= total);
    }
}

fn check_row(what: &'static str, expected: usize, row: QuantRow<'_>) -> Result<(), Error> {
    same_width(what, expected, row.values.len())?;
    match row.scale.is_finite() {
        true => Ok(()),
        false => Err(Error::from(ErrorKind::NotFinite { what, index: 0 })),
    }
}

fn add_row(weight: f32, row: QuantRow<'_>, sum: &mut [f32]) -> Result<bool, Error> {
    check_row("vector of an event", sum.len(), row)?;
    row.add_to(weight, sum);
    Ok(true)
}

fn add_text(weight: f32, text: &[f32], sum: &mut [f32]) -> Result<bool, Error> {
    same_width("text vector of a search", sum.len(), text.len())?;
    if let Some(index) = text.iter().position(|v| !v.is_finite()) {
        return Err(Error::from(ErrorKind::NotFinite {
            what: "text vector of a search",
            index,
        }));
    }
    sum.iter_mut().zip(text).for_each(|(s, v)| *s += weight * v);
    Ok(true)
}

fn same_width(what: &str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::from(ErrorKind::BundleInconsistent {
        what: format!("width of the {what}"),
        expected: expected.to_string(),
        found: found.to_string(),
    }))
}

/// Factors of the relevant videos, each once, the latest `max_events` of them, oldest first.
pub(crate) fn positives<'a>(
    spec: &FeatureSpec,
    history: &[PastEvent<'a>],
    now_ms: i64,
) -> Result<Vec<QuantRow<'a>>, Error> {
    let most = spec.user.history.max_events as usize;
    let mut seen: Vec<u64> = Vec::new();
    let mut rows = Vec::new();
    for met in encounters(spec.seed, history, now_ms)
        .iter()
        .rev()
        .filter(|met| met.outcome.label() == Some(true))
    {
        let Some(factor) = history
            .get(met.rows)
            .and_then(|event| event.factor)
            .filter(|_| rows.len() < most)
        else {
            continue;
        };
        if let Err(at) = seen.binary_search(&met.video) {
            check_row("factor of an event", spec.factor_dim as usize, factor)?;
            seen.insert(at, met.video);
            rows.push(factor);
        }
    }
    rows.reverse();
    Ok(rows)
}
