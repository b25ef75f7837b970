//! What a simulated server shows: popular, to taste, fresh and random, so that many impressions fail. It knows with what
//! chance it showed what it showed.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::people::Person;
use super::videos::Clip;
use super::words::{LANGUAGES, TOPICS};
use super::{DAY_MS, draw};

/// Draws after which a place stays empty.
const TRIES: usize = 12;
/// Share of the draws from the person's own language; the others are English.
const OWN_LANGUAGE: f64 = 0.8;
/// Age up to which a video counts as fresh.
const FRESH_MS: i64 = 4 * DAY_MS;

/// From where a policy draws a video: shares, the rest is uniform over the whole catalogue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// By popularity, in one language.
    pub popular: f64,
    /// By popularity, in one language and on a topic drawn from the person's taste.
    pub taste: f64,
    /// Uniform over the fresh ones of one language.
    pub fresh: f64,
    /// Uniform over one language.
    pub any: f64,
}

impl Policy {
    /// The policy of the log, unless said otherwise.
    pub const SERVER: Policy = Policy {
        popular: 0.35,
        taste: 0.35,
        fresh: 0.12,
        any: 0.14,
    };
    /// Knows the taste, and mostly follows it.
    pub const TASTE: Policy = Policy {
        popular: 0.1,
        taste: 0.75,
        fresh: 0.03,
        any: 0.08,
    };
    /// All of the catalogue alike.
    pub const UNIFORM: Policy = Policy {
        popular: 0.0,
        taste: 0.0,
        fresh: 0.0,
        any: 0.0,
    };
}

/// What a policy chooses from at one place: the catalogue as far as it is published and not among the `shown`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice<'a> {
    pub(crate) clips: &'a [Clip],
    pub(crate) person: &'a Person,
    pub(crate) now_ms: i64,
    /// Distinct videos that were shown lately.
    pub(crate) shown: &'a [u32],
}

impl Choice<'_> {
    fn allows(&self, video: u32) -> bool {
        self.clips[video as usize].published_at_ms <= self.now_ms && !self.shown.contains(&video)
    }

    fn fresh(&self, video: u32) -> bool {
        self.now_ms - self.clips[video as usize].published_at_ms <= FRESH_MS
    }

    /// What the person likes now.
    fn topics(&self) -> &[f32; TOPICS.len()] {
        self.person.topics_at(self.now_ms)
    }

    /// Languages with the share of the draws.
    fn languages(&self) -> [(usize, f64); 2] {
        [(self.person.language, OWN_LANGUAGE), (0, 1.0 - OWN_LANGUAGE)]
    }
}

/// Videos of one kind with their running sum of popularity.
#[derive(Debug, Clone, Default)]
struct Pile {
    videos: Vec<u32>,
    sums: Vec<f64>,
    /// Instants of publication, rising, and the sums of popularity up to each.
    published: Vec<i64>,
    published_sums: Vec<f64>,
}

impl Pile {
    fn push(&mut self, video: u32, weight: f64) {
        let sum = self.total();
        self.videos.push(video);
        self.sums.push(sum + weight);
    }

    fn total(&self) -> f64 {
        self.sums.last().copied().unwrap_or(0.0)
    }

    /// Sorts what was pushed by publication.
    fn settle(&mut self, clips: &[Clip]) {
        let mut order = self.videos.clone();
        let clip = |video: &u32| &clips[*video as usize];
        order.sort_by_key(|video| clip(video).published_at_ms);
        self.published = order.iter().map(|video| clip(video).published_at_ms).collect();
        let mut sum = 0.0;
        let summed = order.iter().map(|video| {
            sum += clip(video).popularity;
            sum
        });
        self.published_sums = summed.collect();
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

    /// Share of the draws by popularity that give something published by then.
    fn popular_share(&self, now_ms: i64) -> f64 {
        let published = self.published.partition_point(|at| *at <= now_ms);
        match published.checked_sub(1) {
            Some(last) => self.published_sums[last] / self.total(),
            None => 0.0,
        }
    }

    /// Share of the uniform draws that give something published by then and, at most, `age_ms` old.
    fn any_share(&self, now_ms: i64, age_ms: i64) -> f64 {
        let until = self.published.partition_point(|at| *at <= now_ms);
        let from = self.published.partition_point(|at| now_ms - *at > age_ms);
        until.saturating_sub(from) as f64 / self.videos.len().max(1) as f64
    }
}

/// The catalogue by language and topic.
#[derive(Debug)]
pub(crate) struct Shelf {
    by_language: Vec<Pile>,
    by_topic: Vec<Pile>,
    all: Pile,
}

impl Shelf {
    /// Sorts the catalogue into piles.
    pub(crate) fn new(clips: &[Clip]) -> Shelf {
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
        let piles = shelf.by_language.iter_mut().chain(&mut shelf.by_topic);
        piles.chain([&mut shelf.all]).for_each(|pile| pile.settle(clips));
        shelf
    }

    /// One video to show; `None` where chance finds none.
    pub(crate) fn pick(&self, policy: &Policy, choice: &Choice<'_>, rng: &mut ChaCha8Rng) -> Option<u32> {
        let until_taste = policy.popular + policy.taste;
        let until_fresh = until_taste + policy.fresh;
        let until_any = until_fresh + policy.any;
        for _ in 0..TRIES {
            // English is shown to everybody now and then.
            let language = if rng.random_bool(OWN_LANGUAGE) {
                choice.person.language
            } else {
                0
            };
            let pile = &self.by_language[language];
            let (found, fresh) = match rng.random::<f64>() {
                x if x < policy.popular => (pile.popular(rng), false),
                x if x < until_taste => {
                    let topic = draw(rng, choice.topics().iter().map(|w| f64::from(*w)));
                    (self.by_topic[language * TOPICS.len() + topic].popular(rng), false)
                }
                x if x < until_fresh => (pile.any(rng), true),
                x if x < until_any => (pile.any(rng), false),
                _ => (self.all.any(rng), false),
            };
            let Some(video) = found else { continue };
            if choice.allows(video) && (!fresh || choice.fresh(video)) {
                return Some(video);
            }
        }
        None
    }

    /// The chance that [`Shelf::pick`], where it finds something, finds this video.
    pub(crate) fn propensity(&self, policy: &Policy, choice: &Choice<'_>, video: u32) -> f64 {
        if !choice.allows(video) {
            return 0.0;
        }
        self.chance(policy, choice, video) / self.reach(policy, choice)
    }

    /// The same of every video.
    #[cfg(test)]
    pub(crate) fn propensities(&self, policy: &Policy, choice: &Choice<'_>) -> Vec<f64> {
        let reach = self.reach(policy, choice);
        let of = |video: u32| match choice.allows(video) {
            true => self.chance(policy, choice, video) / reach,
            false => 0.0,
        };
        (0..choice.clips.len() as u32).map(of).collect()
    }

    /// The chance that one draw gives this video, which is published.
    fn chance(&self, policy: &Policy, choice: &Choice<'_>, video: u32) -> f64 {
        let clip = &choice.clips[video as usize];
        let of_language: f64 = choice
            .languages()
            .into_iter()
            .filter(|(language, _)| *language == clip.language)
            .map(|(language, share)| {
                let pile = &self.by_language[language];
                let topic = &self.by_topic[language * TOPICS.len() + clip.topic];
                let fresh = if choice.fresh(video) { policy.fresh } else { 0.0 };
                let by_taste = policy.taste * taste(choice.topics(), clip.topic) / topic.total();
                let by_popularity = (policy.popular / pile.total() + by_taste) * clip.popularity;
                share * (by_popularity + (fresh + policy.any) / pile.videos.len() as f64)
            })
            .sum();
        of_language + rest(policy) / self.all.videos.len() as f64
    }

    /// The chance that one draw gives anything that may be shown: all that is published, less what was shown.
    fn reach(&self, policy: &Policy, choice: &Choice<'_>) -> f64 {
        let now = choice.now_ms;
        let of_language = |(language, share): (usize, f64)| {
            let pile = &self.by_language[language];
            let topics = self.by_topic[language * TOPICS.len()..(language + 1) * TOPICS.len()].iter();
            let by_taste: f64 = topics
                .enumerate()
                .map(|(topic, pile)| taste(choice.topics(), topic) * pile.popular_share(now))
                .sum();
            let uniform = policy.fresh * pile.any_share(now, FRESH_MS) + policy.any * pile.any_share(now, i64::MAX);
            share * (policy.popular * pile.popular_share(now) + policy.taste * by_taste + uniform)
        };
        let published: f64 = choice.languages().into_iter().map(of_language).sum();
        let shown = choice.shown.iter().filter(|video| {
            let clip = &choice.clips[**video as usize];
            clip.published_at_ms <= now
        });
        let shown: f64 = shown.map(|video| self.chance(policy, choice, *video)).sum();
        published + rest(policy) * self.all.any_share(now, i64::MAX) - shown
    }
}

/// Share of the draws over the whole catalogue.
fn rest(policy: &Policy) -> f64 {
    1.0 - (policy.popular + policy.taste + policy.fresh + policy.any)
}

/// The chance that a topic is drawn.
fn taste(topics: &[f32; TOPICS.len()], topic: usize) -> f64 {
    let sum: f64 = topics.iter().map(|w| f64::from(*w)).sum();
    f64::from(topics[topic]) / sum
}

#[cfg(test)]
mod tests;
