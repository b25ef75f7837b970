//! How often an impression is relevant: by surface and length, by video, by viewer.
//! One set of formulas for training and device; all smoothed, so that no count means no opinion.

use crate::feature::spec::{Buckets, PriorSpec};

/// Impressions that a surface's or a length's own rate must outweigh.
const MARGIN_STRENGTH: f64 = 20.0;
/// Impressions that a cell's own rate must outweigh.
const CELL_STRENGTH: f64 = 50.0;
/// Watches that a video's own rate must outweigh.
const VIDEO_STRENGTH: f64 = 10.0;
/// Relevant impressions that a video's own ratio must outweigh.
const EFFECT_STRENGTH: f64 = 4.0;
/// How far [`video_prior`] moves the expectation of an impression of the video.
const PRIOR_SLOPE: f64 = 0.6;

/// Log-odds of a probability, kept away from 0 and 1 so that it stays finite.
#[must_use]
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    libm::log(p / (1.0 - p))
}

/// The probability of log-odds.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// `ln((observed + k) / (expected + k))`: 0 without data, and the surer the more there is.
#[must_use]
pub fn observed_over_expected(observed: f64, expected: f64, k: f64) -> f64 {
    libm::log((observed + k) / (expected + k))
}

/// A video's prior: log-odds of relevance of its watches before the train window, against those of
/// its length. `relevant ≤ watched` count encounters, `usual` is [`PriorSpec::stand_in`].
#[must_use]
pub fn video_prior(relevant: f64, watched: f64, usual: f64) -> f32 {
    let rate = (relevant.min(watched) + VIDEO_STRENGTH * usual) / (watched + VIDEO_STRENGTH);
    (logit(rate) - logit(usual)) as f32
}

/// Expected relevance of an impression of a video with this prior, given [`PriorSpec::log_odds`]:
/// what [`video_effect`] sums up.
#[must_use]
pub fn video_expectation(log_odds: f32, video_prior: f32) -> f64 {
    sigmoid(f64::from(log_odds) + PRIOR_SLOPE * f64::from(video_prior))
}

/// A video's effect: relevant impressions in the train window against [`video_expectation`]s.
#[must_use]
pub fn video_effect(relevant: f64, expected: f64) -> f32 {
    observed_over_expected(relevant, expected, EFFECT_STRENGTH) as f32
}

/// Relevant ones among a number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// Relevant ones.
    pub relevant: f64,
    /// All.
    pub count: f64,
}

impl Tally {
    /// Counts one.
    pub fn add(&mut self, relevant: bool) {
        self.relevant += if relevant { 1.0 } else { 0.0 };
        self.count += 1.0;
    }

    fn sum<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Tally {
        tallies.fold(Tally::default(), |sum, tally| Tally {
            relevant: sum.relevant + tally.relevant,
            count: sum.count + tally.count,
        })
    }

    /// The rate, drawn to `usual` as if by `strength` more observations of it.
    #[must_use]
    pub fn rate(&self, usual: f64, strength: f64) -> f64 {
        (self.relevant + strength * usual) / (self.count + strength)
    }
}

/// What [`PriorSpec::from_counts`] needs of the train side.
#[derive(Debug, Clone, PartialEq)]
pub struct PriorCounts {
    /// Edges over `ln(seconds)`.
    pub length_edges: Buckets,
    /// Impressions of the train window, surface rows × length rows, row by row.
    pub impressions: Vec<Tally>,
    /// By length row: watches of the factor window that the source itself judged; empty or without
    /// a count where a log has none.
    pub judged: Vec<Tally>,
}

impl PriorSpec {
    /// Smoothed log-odds: a cell is drawn to the sum of its surface's and its length's, these to
    /// the rate of all. Unknown surface: the length alone; unknown length: the surface alone.
    #[must_use]
    pub fn from_counts(counts: &PriorCounts) -> PriorSpec {
        let lengths = counts.length_edges.rows() as usize;
        let cells = &counts.impressions;
        let base = Tally::sum(cells.iter()).rate(0.5, 1.0).clamp(1e-4, 1.0 - 1e-4);
        let margin = |tally: Tally| tally.rate(base, MARGIN_STRENGTH);
        let by_length: Vec<f64> = (0..lengths)
            .map(|l| margin(Tally::sum(cells.iter().skip(l).step_by(lengths))))
            .collect();
        let mut log_odds = Vec::with_capacity(cells.len());
        for (s, row) in cells.chunks(lengths).enumerate() {
            let by_surface = margin(Tally::sum(row.iter()));
            for (l, (cell, by_length)) in row.iter().zip(&by_length).enumerate() {
                log_odds.push(match (s, l) {
                    (0, 0) => logit(base),
                    (0, _) => logit(*by_length),
                    (_, 0) => logit(by_surface),
                    _ => {
                        let sum = sigmoid(logit(*by_length) + logit(by_surface) - logit(base));
                        logit(cell.rate(sum, CELL_STRENGTH))
                    }
                } as f32);
            }
        }
        let all = Tally::sum(counts.judged.iter());
        let stand_in_rate = (0..lengths).map(|l| match counts.judged.get(l) {
            Some(tally) if all.count > 0.0 => tally.rate(all.relevant / all.count, MARGIN_STRENGTH),
            _ => by_length[l],
        });
        PriorSpec {
            length_edges: counts.length_edges.clone(),
            log_odds,
            stand_in_rate: stand_in_rate.map(|rate| rate.clamp(1e-4, 1.0 - 1e-4) as f32).collect(),
            base_rate: base as f32,
        }
    }

    /// The row of a length; unknown, not finite or not positive is row 0.
    #[must_use]
    pub fn length_row(&self, length_seconds: Option<f32>) -> u32 {
        self.length_edges
            .row(length_seconds.filter(|s| *s > 0.0).map(libm::logf))
    }

    /// Log-odds of relevance of an impression on this surface (a row of `user.surface`) of a video
    /// of this length.
    #[must_use]
    pub fn log_odds(&self, surface_row: u32, length_seconds: Option<f32>) -> f32 {
        let at = surface_row as usize * self.length_edges.rows() as usize + self.length_row(length_seconds) as usize;
        self.log_odds.get(at).copied().unwrap_or(0.0)
    }

    /// How often a watch of a video of this length is relevant in the source's own judgement.
    #[must_use]
    pub fn stand_in(&self, length_seconds: Option<f32>) -> f64 {
        let row = self.length_row(length_seconds) as usize;
        f64::from(self.stand_in_rate.get(row).copied().unwrap_or(self.base_rate))
    }
}

#[cfg(test)]
mod tests;
