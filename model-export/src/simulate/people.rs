//! People: taste, language, place, habits.

use jiff::tz::TimeZone;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Normal};

use super::words::{City, LANGUAGES, TOPICS};
use super::{Options, draw};
use crate::table::{Builder, User};

/// One person and their truth.
#[derive(Debug, Clone)]
pub struct Person {
    /// Weight of each topic, sum 1; until [`Person::drift`], where there is one.
    pub topics: [f32; TOPICS.len()],
    /// The taste that they have later.
    pub drift: Option<Drift>,
    /// Row in [`LANGUAGES`].
    pub language: usize,
    /// Home.
    pub city: City,
    /// Their clock.
    pub zone: TimeZone,
    /// Visits per day.
    pub activity: f64,
    /// First day of the log on which they come.
    pub first_day: u32,
}

/// A taste that replaces another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// From this instant, Unix milliseconds.
    pub from_ms: i64,
    /// Weight of each topic, sum 1.
    pub topics: [f32; TOPICS.len()],
}

impl Person {
    /// Weight of each topic at an instant.
    #[must_use]
    pub fn topics_at(&self, at_ms: i64) -> &[f32; TOPICS.len()] {
        match &self.drift {
            Some(drift) if at_ms >= drift.from_ms => &drift.topics,
            _ => &self.topics,
        }
    }
}

/// Visits per day are drawn around this.
const VISITS: f64 = 0.55;

pub(super) fn make(builder: &mut Builder, options: &Options, rng: &mut ChaCha8Rng) -> Vec<Person> {
    (0..options.users)
        .filter_map(|row| {
            let person = person(options, row, rng);
            add(builder, row, &person, rng).map(|_| person)
        })
        .collect()
}

fn person(options: &Options, row: u32, rng: &mut ChaCha8Rng) -> Person {
    let language = draw(rng, options.languages().iter().map(|l| l.share));
    let city = LANGUAGES[language].cities[rng.random_range(0..2)];
    let activity = match row % 50 {
        // A user of the table who never does anything.
        7 => 0.0,
        _ => VISITS * gamma(rng, 2.0, 0.5),
    };
    // Every twelfth user is new in the test window.
    let cold = row % 12 == 5;
    Person {
        topics: tastes(rng),
        drift: if cold { None } else { drift(options, row) },
        language,
        zone: TimeZone::get(city.time_zone).unwrap_or(TimeZone::UTC),
        city,
        activity: if cold { activity + VISITS } else { activity },
        first_day: if cold { options.test_day() } else { 0 },
    }
}

/// Whether this one drifts, when and whereto, from numbers of their own: without drift the world is the same.
/// It happens within the train window, so that what the server learnt of them is mostly of the past.
fn drift(options: &Options, row: u32) -> Option<Drift> {
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    rng.set_stream(u64::MAX - u64::from(row));
    let drifts = rng.random_bool(options.drifting.clamp(0.0, 1.0));
    drifts.then(|| Drift {
        from_ms: rng.random_range(options.day_ms(options.days / 2)..options.day_ms(options.test_day())),
        topics: tastes(&mut rng),
    })
}

/// A few favourites, and a little of the rest: a sparse Dirichlet.
fn tastes(rng: &mut ChaCha8Rng) -> [f32; TOPICS.len()] {
    let raw: [f64; TOPICS.len()] = std::array::from_fn(|_| gamma(rng, 0.35, 1.0) + 1e-3);
    let sum: f64 = raw.iter().sum();
    raw.map(|w| (w / sum) as f32)
}

pub(super) fn gamma(rng: &mut ChaCha8Rng, shape: f64, scale: f64) -> f64 {
    // Constant, positive arguments: the distribution exists.
    Gamma::new(shape, scale).map_or(1.0, |g| g.sample(rng))
}

pub(super) fn normal(rng: &mut ChaCha8Rng, mean: f64, deviation: f64) -> f64 {
    Normal::new(mean, deviation).map_or(mean, |n| n.sample(rng))
}

/// The row of the table. Age and gender follow taste a little, so that they tell something of a newcomer:
/// the young watch games and cartoons; nothing is certain.
fn add(builder: &mut Builder, row: u32, person: &Person, rng: &mut ChaCha8Rng) -> Option<u32> {
    let language = &LANGUAGES[person.language];
    let weight = |names: [&str; 3]| -> f32 {
        let of = |name: &str| TOPICS.iter().position(|t| *t == name).map_or(0.0, |t| person.topics[t]);
        names.into_iter().map(of).sum()
    };
    let young = f64::from(weight(["games", "cartoons", "comedy"]));
    let age = normal(rng, 48.0 - 24.0 * young, 9.0).clamp(13.0, 90.0).round() as f32;
    let leaning = f64::from(weight(["fashion", "fitness", "cooking"]) - weight(["football", "games", "space"]));
    let gender = match rng.random::<f64>() {
        x if x < 0.06 => "nonbinary",
        x if x < 0.53 + 0.3 * leaning => "female",
        _ => "male",
    };
    let name = language.names[rng.random_range(0..3)];
    let username = format!("{name}_{:03}", row % 1000);
    let id = format!("u{row:06}");
    let place = (
        person.city.latitude + normal(rng, 0.0, 0.1) as f32,
        person.city.longitude + normal(rng, 0.0, 0.1) as f32,
    );
    // Everyone leaves something out now and then.
    let mut told = |share: f64| rng.random_bool(share);
    let located = told(0.85);
    builder.user(&User {
        id: &id,
        age: told(0.9).then_some(age),
        gender: told(0.9).then_some(gender),
        latitude: located.then_some(place.0),
        longitude: located.then_some(place.1),
        username: told(0.95).then_some(&username),
        language: told(0.97).then_some(language.tag),
        time_zone: told(0.97).then_some(person.city.time_zone),
    })
}
