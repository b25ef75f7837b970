//! Channels with habits, and their videos.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::people::{gamma, normal};
use super::words::{LANGUAGES, TOPICS};
use super::{DAY_MS, Options, START_MS, draw};
use crate::table::{Builder, Video};

/// One video and its truth.
#[derive(Debug, Clone)]
pub struct Clip {
    /// Weight of each topic, sum 1.
    pub topics: [f32; TOPICS.len()],
    /// Row in [`LANGUAGES`].
    pub language: usize,
    /// Shift of the log-odds for everybody.
    pub quality: f64,
    /// Relative chance that a policy shows it: skewed.
    pub popularity: f64,
    /// Length.
    pub length_seconds: f32,
    /// Unix milliseconds.
    pub published_at_ms: i64,
    /// The topic it is mostly about.
    pub topic: usize,
}

/// A channel: one language, one topic mostly, its own length, hour and level.
struct Channel {
    name: String,
    language: usize,
    topic: usize,
    length: f64,
    hour: f64,
    quality: f64,
    rating: &'static str,
}

const RATINGS: [&str; 4] = ["G", "PG", "PG-13", "R"];
/// Median length of a topic's videos, seconds.
const LENGTHS: [f64; TOPICS.len()] = [
    240.0, 150.0, 260.0, 90.0, 400.0, 500.0, 420.0, 70.0, 300.0, 60.0, 600.0, 900.0,
];
/// Tags beside the topic, shared by topics.
const EXTRA: [&str; 6] = ["diy", "outdoors", "family", "interview", "live", "top10"];

pub(super) fn make(builder: &mut Builder, options: &Options, rng: &mut ChaCha8Rng) -> Vec<Clip> {
    let channels: Vec<Channel> = (0..options.videos / 12 + 2)
        .map(|row| channel(options, row, rng))
        .collect();
    // Few channels publish much, most a little.
    let weights: Vec<f64> = (0..channels.len()).map(|rank| 1.0 / (3.0 + rank as f64)).collect();
    (0..options.videos)
        .filter_map(|row| {
            let channel = &channels[draw(rng, weights.iter().copied())];
            let clip = clip(options, channel, rng);
            add(builder, row, channel, &clip, rng).map(|_| clip)
        })
        .collect()
}

fn channel(options: &Options, row: u32, rng: &mut ChaCha8Rng) -> Channel {
    // The first ones cover the topics and the languages, so that a tiny world has all of both.
    let topic = if row < 24 {
        row as usize % TOPICS.len()
    } else {
        rng.random_range(0..TOPICS.len())
    };
    let language = draw(rng, options.languages().iter().map(|l| l.share));
    let rating = match TOPICS[topic] {
        "cartoons" => "G",
        "films" | "comedy" | "games" => RATINGS[rng.random_range(1..4)],
        _ => RATINGS[rng.random_range(0..3)],
    };
    Channel {
        name: format!("{} {:04}", LANGUAGES[language].topics[topic], row),
        language,
        topic,
        length: LENGTHS[topic] * normal(rng, 0.0, 0.3).exp(),
        hour: rng.random_range(6.0..23.0),
        quality: normal(rng, 0.0, 0.3),
        rating,
    }
}

fn clip(options: &Options, channel: &Channel, rng: &mut ChaCha8Rng) -> Clip {
    let mut topics = [0.0; TOPICS.len()];
    topics[channel.topic] = 0.8;
    topics[rng.random_range(0..TOPICS.len())] += 0.2;
    let quality = channel.quality + normal(rng, 0.0, 0.5);
    // Two thirds are there from the start, some years old; the others appear during the log.
    let day = if rng.random_bool(0.66) {
        -1.0 - gamma(rng, 1.0, 60.0).floor()
    } else {
        f64::from(rng.random_range(0..options.days))
    };
    let published_at_ms = START_MS + ((day + channel.hour / 24.0) * DAY_MS as f64) as i64;
    Clip {
        topics,
        language: channel.language,
        quality,
        popularity: (1.2 * quality + normal(rng, 0.0, 0.8)).exp(),
        length_seconds: (channel.length * normal(rng, 0.0, 0.35).exp())
            .clamp(6.0, 7200.0)
            .round() as f32,
        published_at_ms,
        topic: channel.topic,
    }
}

fn add(builder: &mut Builder, row: u32, channel: &Channel, clip: &Clip, rng: &mut ChaCha8Rng) -> Option<u32> {
    let language = &LANGUAGES[clip.language];
    let title = language.titles[rng.random_range(0..4)].replace("{}", language.topics[clip.topic]);
    let second = (0..TOPICS.len()).find(|t| *t != clip.topic && clip.topics[*t] > 0.0);
    let tags: Vec<&str> = [
        Some(TOPICS[clip.topic]),
        second.map(|t| TOPICS[t]),
        Some(EXTRA[rng.random_range(0..6)]),
    ]
    .into_iter()
    .flatten()
    .collect();
    // The counts of the first day; whoever comes later has none.
    let old = clip.published_at_ms < START_MS;
    let views = (clip.popularity * 20_000.0 * normal(rng, 0.0, 0.5).exp()).round() as f32;
    let regions: Vec<&str> = language.cities.iter().map(|city| city.country).collect();
    let id = format!("v{row:06}");
    let mut told = |share: f64| rng.random_bool(share);
    builder.video(&Video {
        id: &id,
        title: told(0.98).then_some(&title),
        tags: if told(0.95) { &tags } else { &[] },
        length_seconds: Some(clip.length_seconds),
        language: told(0.95).then_some(language.tag),
        rating: told(0.9).then_some(channel.rating),
        channel: Some(&channel.name),
        published_at_ms: Some(clip.published_at_ms),
        likes: old.then_some((views * 0.04).round()),
        comments: old.then_some((views * 0.006).round()),
        views: old.then_some(views),
        regions: if told(0.3) { &regions } else { &[] },
        content_hash: None,
    })
}
