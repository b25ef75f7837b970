//! What the simulated server shows: popular, to taste, fresh and random, so that many impressions fail.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::people::Person;
use super::videos::Clip;
use super::words::{LANGUAGES, TOPICS};
use super::{DAY_MS, draw};

/// Videos of one kind with their running sum of popularity.
#[derive(Debug, Clone, Default)]
struct Pile {
    videos: Vec<u32>,
    sums: Vec<f64>,
}

impl Pile {
    fn push(&mut self, video: u32, weight: f64) {
        let sum = self.sums.last().copied().unwrap_or(0.0);
        self.videos.push(video);
        self.sums.push(sum + weight);
    }

    fn popular(&self, rng: &mut ChaCha8Rng) -> Option<u32> {
        let point = rng.random::<f64>() * self.sums.last()?;
        let index = self.sums.partition_point(|sum| *sum <= point);
        self.videos.get(index).or(self.videos.last()).copied()
    }

    fn any(&self, rng: &mut ChaCha8Rng) -> Option<u32> {
        if self.videos.is_empty() {
            return None;
        }
        self.videos.get(rng.random_range(0..self.videos.len())).copied()
    }
}

/// The catalogue by language and topic.
#[derive(Debug)]
pub struct Shelf {
    by_language: Vec<Pile>,
    by_topic: Vec<Pile>,
    all: Pile,
}

impl Shelf {
    /// Sorts the catalogue into piles.
    pub(super) fn new(clips: &[Clip]) -> Shelf {
        let mut shelf = Shelf {
            by_language: vec![Pile::default(); LANGUAGES.len()],
            by_topic: vec![Pile::default(); LANGUAGES.len() * TOPICS.len()],
            all: Pile::default(),
        };
        for (row, clip) in clips.iter().enumerate() {
            let row = row as u32;
            shelf.by_language[clip.language].push(row, clip.popularity);
            shelf.by_topic[clip.language * TOPICS.len() + clip.topic].push(row, clip.popularity);
            shelf.all.push(row, clip.popularity);
        }
        shelf
    }

    /// One video to show, published by then and not among the `shown`; `None` where chance finds none.
    pub(super) fn pick(
        &self,
        clips: &[Clip],
        person: &Person,
        now_ms: i64,
        shown: &[u32],
        rng: &mut ChaCha8Rng,
    ) -> Option<u32> {
        for _ in 0..12 {
            // English is shown to everybody now and then.
            let language = if rng.random_bool(0.8) { person.language } else { 0 };
            let pile = &self.by_language[language];
            let (found, fresh) = match rng.random::<f64>() {
                x if x < 0.35 => (pile.popular(rng), false),
                x if x < 0.70 => {
                    let topic = draw(rng, person.topics.iter().map(|w| f64::from(*w)));
                    (self.by_topic[language * TOPICS.len() + topic].popular(rng), false)
                }
                x if x < 0.82 => (pile.any(rng), true),
                x if x < 0.96 => (pile.any(rng), false),
                _ => (self.all.any(rng), false),
            };
            let Some(video) = found else { continue };
            let published = clips[video as usize].published_at_ms;
            let in_time = published <= now_ms && (!fresh || now_ms - published <= 4 * DAY_MS);
            if in_time && !shown.contains(&video) {
                return Some(video);
            }
        }
        None
    }
}
