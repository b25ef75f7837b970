//! Why a video stands in the slate: what it has more of than the other candidates.
//!
//! Each quality is measured over all scored candidates and told in standard deviations above their
//! mean, so that qualities of different units can be compared; the strongest one is the reason.

use crate::diversity::UnitRows;
use crate::feature::PastEvent;
use crate::{EventKind, QuantRow};

/// The kinds of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonCode {
    /// Like a video that the viewer finished.
    SimilarToWatched,
    /// Like a video that the viewer liked.
    SimilarToLiked,
    /// People with a history like the viewer's watch it: the collaborative factor.
    Taste,
    /// Many find it relevant.
    Popular,
    /// Published within the last seven days.
    New,
    /// Fits this hour more than the opposite one of the day.
    ForThisMoment,
    /// Drawn, so that the viewer and we can learn.
    Explore,
}

impl ReasonCode {
    /// Every code.
    pub const ALL: [ReasonCode; 7] = [
        ReasonCode::SimilarToWatched,
        ReasonCode::SimilarToLiked,
        ReasonCode::Taste,
        ReasonCode::Popular,
        ReasonCode::New,
        ReasonCode::ForThisMoment,
        ReasonCode::Explore,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ReasonCode::SimilarToWatched => "similar-to-watched",
            ReasonCode::SimilarToLiked => "similar-to-liked",
            ReasonCode::Taste => "taste",
            ReasonCode::Popular => "popular",
            ReasonCode::New => "new",
            ReasonCode::ForThisMoment => "for-this-moment",
            ReasonCode::Explore => "explore",
        }
    }
}

/// A reason with what it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Kind.
    pub code: ReasonCode,
    /// The video of the viewer's past that it resembles, for the two `similar-to-…` codes.
    pub video: Option<String>,
}

impl Reason {
    /// A reason that refers to nothing.
    #[must_use]
    pub const fn plain(code: ReasonCode) -> Reason {
        Reason { code, video: None }
    }
}

/// What reasons are made of, one of it for each candidate, in the same order in every explanation.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Item vector.
    pub vector: QuantRow<'a>,
    /// What the factorisation expects of the pair of viewer and video: the signal `affinity` of [`signals`](crate::signal::signals).
    pub affinity: f32,
    /// `log1p` of relevant impressions of late.
    pub log_popularity: f32,
    /// Published at, Unix milliseconds, where known.
    pub published_at_ms: Option<i64>,
}

/// What the viewer's side of a reason is.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// Now, Unix milliseconds.
    pub now_ms: i64,
    /// The viewer's past.
    pub history: &'a [PastEvent<'a>],
    /// Whether nothing is known of what people like the viewer watch: no collaborative factor, or one of zeros.
    pub cold: bool,
    /// User vector of this hour minus that of the opposite one; empty where the hour is unknown.
    pub moment: &'a [f32],
}

/// Most videos of the past that candidates are compared with: the latest.
const MAX_ANCHORS: usize = 16;
/// Below this cosine two videos are not called similar.
const LEAST_COSINE: f32 = 0.5;
/// Below this difference of scores an hour makes no difference.
const LEAST_MOMENT: f32 = 0.05;
/// What a week's novelty weighs, in standard deviations.
const NEW_STRENGTH: f32 = 1.5;
const WEEK_MS: i64 = 7 * 86_400_000;

/// A reason for each of the candidates `asked`, by their places, which stand out among all `candidates`. `directions` are
/// those of their vectors.
#[must_use]
pub fn explain(
    candidates: &[Facts<'_>],
    directions: &UnitRows,
    grounds: &Grounds<'_>,
    asked: impl IntoIterator<Item = usize>,
) -> Vec<Reason> {
    let anchors = anchors(grounds);
    let nearest = nearest(candidates, directions, &anchors);
    let of = |what: fn(&Facts<'_>) -> f32| candidates.iter().map(what).collect::<Vec<f32>>();
    let similar = Deviation::of(nearest.iter().map(|(_, cosine)| *cosine).collect());
    let taste = Deviation::of(of(|c| c.affinity));
    let popular = Deviation::of(of(|c| c.log_popularity));
    let gains = candidates.iter().map(|c| c.vector.dot(grounds.moment));
    let moment = Deviation::of(match grounds.moment {
        [] => vec![0.0; candidates.len()],
        _ => gains.collect(),
    });

    let reason = |i: usize| {
        let mut best = (0.0, None);
        let mut offer = |strength: f32, code: ReasonCode, holds: bool| {
            if holds && strength > best.0 {
                best = (strength, Some(code));
            }
        };
        let (anchor, cosine) = nearest[i];
        let anchor = anchors.get(anchor);
        let similar_code = anchor.map_or(ReasonCode::SimilarToWatched, |a| a.code);
        offer(similar.strength(i), similar_code, cosine >= LEAST_COSINE);
        offer(taste.strength(i), ReasonCode::Taste, !grounds.cold);
        offer(
            moment.strength(i),
            ReasonCode::ForThisMoment,
            moment.values[i] >= LEAST_MOMENT,
        );
        offer(
            NEW_STRENGTH,
            ReasonCode::New,
            is_new(candidates[i].published_at_ms, grounds.now_ms),
        );
        offer(popular.strength(i), ReasonCode::Popular, true);
        match best.1 {
            Some(code) if code == similar_code => Reason {
                code,
                video: anchor.map(|a| a.video.to_owned()),
            },
            Some(code) => Reason::plain(code),
            // Above the others in nothing: the score is then made of what the viewer is, or of nothing but the crowd.
            None if grounds.cold => Reason::plain(ReasonCode::Popular),
            None => Reason::plain(ReasonCode::Taste),
        }
    };
    asked
        .into_iter()
        .filter(|i| *i < candidates.len())
        .map(reason)
        .collect()
}

struct Anchor<'a> {
    video: &'a str,
    code: ReasonCode,
    vector: QuantRow<'a>,
}

/// The latest relevant videos of the past, each once.
fn anchors<'a>(grounds: &Grounds<'a>) -> Vec<Anchor<'a>> {
    let mut anchors: Vec<Anchor<'a>> = Vec::new();
    let mut latest: Vec<&PastEvent<'a>> = grounds
        .history
        .iter()
        .filter(|e| e.at_ms < grounds.now_ms && e.relevant())
        .collect();
    latest.sort_by_key(|e| core::cmp::Reverse(e.at_ms));
    for event in latest {
        let (Some(video), Some(vector)) = (event.video, event.vector) else {
            continue;
        };
        let code = match event.kind {
            EventKind::Like => ReasonCode::SimilarToLiked,
            _ => ReasonCode::SimilarToWatched,
        };
        if let Some(known) = anchors.iter_mut().find(|a| a.video == video) {
            // Liking says more than having finished, whichever came first.
            known.code = known.code.max(code);
        } else if anchors.len() < MAX_ANCHORS {
            anchors.push(Anchor { video, code, vector });
        }
    }
    anchors
}

/// For each candidate the most similar anchor, the later one where two are equal, and the cosine.
fn nearest(candidates: &[Facts<'_>], directions: &UnitRows, anchors: &[Anchor<'_>]) -> Vec<(usize, f32)> {
    let width = candidates.first().map_or(0, |c| c.vector.values.len());
    let mut rows = UnitRows::new(width, anchors.len());
    for anchor in anchors {
        rows.push_levels(anchor.vector.values);
    }
    (0..candidates.len()).map(|i| rows.nearest(directions.row(i))).collect()
}

/// A quality of all candidates, and how far a candidate's is from the others'.
struct Deviation {
    values: Vec<f32>,
    mean: f64,
    /// Standard deviation; 0 where all are equal.
    deviation: f64,
}

impl Deviation {
    #[inline(never)]
    fn of(values: Vec<f32>) -> Deviation {
        let count = values.len().max(1) as f64;
        let mean = values.iter().copied().map(f64::from).sum::<f64>() / count;
        let square = |v: &f32| (f64::from(*v) - mean) * (f64::from(*v) - mean);
        let deviation = (values.iter().map(square).sum::<f64>() / count).sqrt();
        // Rounding alone gives equal values a deviation: what is below a millionth of the mean is none.
        let real = deviation > 1e-6 * mean.abs().max(1e-6);
        Deviation {
            values,
            mean,
            deviation: if real { deviation } else { 0.0 },
        }
    }

    /// Standard deviations above the mean; 0 where all are equal.
    fn strength(&self, at: usize) -> f32 {
        match self.deviation > 0.0 {
            true => ((f64::from(self.values[at]) - self.mean) / self.deviation) as f32,
            false => 0.0,
        }
    }
}

fn is_new(published_at_ms: Option<i64>, now_ms: i64) -> bool {
    published_at_ms.is_some_and(|at| (0..WEEK_MS).contains(&now_ms.saturating_sub(at)))
}

#[cfg(test)]
mod tests;
