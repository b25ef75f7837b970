//! What impressions of the train window and watches before it say about surfaces, lengths and videos.

use upnext_core::feature::spec::{FeatureSpec, PriorSpec, Vocabulary};
use upnext_core::feature::{PriorCounts, Tally, video_effect, video_expectation, video_prior};

use super::quantiles;
use crate::label::Encounter;
use crate::split::{Side, Split};
use crate::table::Dataset;

/// Parts of the train impressions that a length bucket holds at most: 5 %.
const LENGTH_PARTS: usize = 20;

/// Parts of the train window after each of which a relevant impression counts half for the trend.
const TREND_PARTS: f64 = 4.0;

/// Counts by surface and length, smoothed by the core.
pub fn learn(data: &Dataset, split: &Split, encounters: &[Encounter], surface: &Vocabulary, seed: u64) -> PriorSpec {
    let logs = |e: &Encounter| data.length_of(e.video).filter(|s| *s > 0.0).map(f32::ln);
    let train: Vec<(&Encounter, bool)> = split.examples(encounters, Side::Train).collect();
    let length_edges = quantiles(train.iter().filter_map(|(e, _)| logs(e)).collect(), LENGTH_PARTS);
    let lengths = length_edges.rows() as usize;
    // Rows as the core will find them, to the last bit of a logarithm.
    let bare = PriorSpec {
        length_edges: length_edges.clone(),
        log_odds: Vec::new(),
        stand_in_rate: Vec::new(),
        base_rate: 0.5,
    };
    let row_of = |e: &Encounter| bare.length_row(data.length_of(e.video)) as usize;
    let mut impressions = vec![Tally::default(); surface.rows() as usize * lengths];
    for (e, relevant) in &train {
        let on = surface.row(seed, data.interactions.surface.get(e.row as usize)) as usize;
        impressions[on * lengths + row_of(e)].add(*relevant);
    }
    let mut judged = vec![Tally::default(); lengths];
    for e in encounters
        .iter()
        .filter(|e| split.side(e.at_ms) == Side::Factors && e.outcome.by_source())
    {
        if let Some(relevant) = e.label() {
            judged[row_of(e)].add(relevant);
        }
    }
    PriorSpec::from_counts(&PriorCounts {
        length_edges,
        impressions,
        judged,
    })
}

/// What one day of the train window showed of a video.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Day {
    /// [`Split::day`].
    day: i64,
    /// Relevant impressions.
    relevant: f64,
    /// As many as surface, length and prior let expect.
    expected: f64,
}

/// What was counted for every video before the end of the train window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VideoFigures {
    /// [`video_prior`]: watches of the factor window against those of the same length.
    pub prior: Vec<f32>,
    /// [`video_effect`] over the whole train window: for serving and testing.
    pub effect: Vec<f32>,
    /// [`VideoFigures::trend_before`] the test window: for serving and testing.
    pub trend: Vec<f32>,
    /// Relevant encounters before the end of the train window.
    pub relevant: Vec<u32>,
    /// What each day of the train window showed of each video, in the order of time.
    days: Vec<Vec<Day>>,
    /// Days after which a relevant impression counts half.
    half_life: f64,
}

impl VideoFigures {
    /// Counts.
    #[must_use]
    pub fn count(data: &Dataset, split: &Split, encounters: &[Encounter], spec: &FeatureSpec) -> VideoFigures {
        let videos = data.videos.len();
        let mut figures = VideoFigures {
            prior: watched_before(data, split, encounters, spec),
            relevant: vec![0; videos],
            days: vec![Vec::new(); videos],
            half_life: half_life(split),
            ..VideoFigures::default()
        };
        for e in encounters
            .iter()
            .filter(|e| e.at_ms < split.train_until_ms && e.label() == Some(true))
        {
            figures.relevant[e.video as usize] += 1;
        }
        for (e, relevant) in split.examples(encounters, Side::Train) {
            let on = spec
                .user
                .surface
                .row(spec.seed, data.interactions.surface.get(e.row as usize));
            let log_odds = spec.prior.log_odds(on, data.length_of(e.video));
            let expected = video_expectation(log_odds, figures.prior[e.video as usize]);
            let (days, day) = (&mut figures.days[e.video as usize], split.day(e.at_ms));
            if days.last().is_none_or(|last| last.day != day) {
                days.push(Day {
                    day,
                    relevant: 0.0,
                    expected: 0.0,
                });
            }
            if let Some(last) = days.last_mut() {
                last.relevant += if relevant { 1.0 } else { 0.0 };
                last.expected += expected;
            }
        }
        let rows = 0..videos as u32;
        figures.effect = rows
            .clone()
            .map(|video| figures.effect_without(video, i64::MAX))
            .collect();
        figures.trend = rows.map(|video| figures.trend_before(video, 0)).collect();
        figures
    }

    /// The effect as all days of the train window but one show it: what a training row may know.
    #[must_use]
    pub fn effect_without(&self, video: u32, day: i64) -> f32 {
        let others = self.days_of(video).iter().filter(|d| d.day != day);
        let (relevant, expected) = others.fold((0.0, 0.0), |(r, e), d| (r + d.relevant, e + d.expected));
        video_effect(relevant, expected)
    }

    /// The trend as a bundle that was made at the beginning of a day would have it: `log1p` of the relevant
    /// impressions of the train window before, each counting half for every quarter of the window since.
    #[must_use]
    pub fn trend_before(&self, video: u32, day: i64) -> f32 {
        let before = self.days_of(video).iter().take_while(|d| d.day < day);
        let weight = |d: &Day| (-((day - 1 - d.day) as f64) / self.half_life).exp2();
        let sum: f64 = before.map(|d| d.relevant * weight(d)).sum();
        sum.ln_1p() as f32
    }

    fn days_of(&self, video: u32) -> &[Day] {
        self.days.get(video as usize).map_or(&[], Vec::as_slice)
    }
}

/// Days after which a relevant impression counts half.
fn half_life(split: &Split) -> f64 {
    let days = split.train_until_ms.saturating_sub(split.factors_until_ms) as f64 / 86_400_000.0;
    (days / TREND_PARTS).max(0.25)
}

/// Priors: per video the distinct users who watched it in the factor window, and those who found it relevant.
fn watched_before(data: &Dataset, split: &Split, encounters: &[Encounter], spec: &FeatureSpec) -> Vec<f32> {
    let mut pairs: Vec<(u32, u32, bool)> = encounters
        .iter()
        .filter(|e| split.side(e.at_ms) == Side::Factors && e.outcome.watched)
        .filter_map(|e| Some((e.video, e.user, e.label()?)))
        .collect();
    // Relevant last, so that of one pair the best encounter stays.
    pairs.sort_unstable();
    let mut counts = vec![(0.0, 0.0); data.videos.len()];
    for (i, (video, user, relevant)) in pairs.iter().enumerate() {
        let last = pairs.get(i + 1).is_none_or(|next| (next.0, next.1) != (*video, *user));
        if last {
            counts[*video as usize].0 += if *relevant { 1.0 } else { 0.0 };
            counts[*video as usize].1 += 1.0;
        }
    }
    let prior = |(video, (relevant, watched)): (usize, &(f64, f64))| {
        video_prior(*relevant, *watched, spec.prior.stand_in(data.length_of(video as u32)))
    };
    counts.iter().enumerate().map(prior).collect()
}
