//! One pass over the train side of a data set: everything the encoders need, as a [`FeatureSpec`].
//! Nothing at or after the end of the train window is read.

mod place;
mod prior;
mod terms;

use upnext_core::feature::spec::{
    Buckets, FeatureSpec, FoldInSpec, HistorySpec, ItemSpec, SPEC_VERSION, Standardise, TextSpec, UserSpec,
};

use crate::Error;
use crate::catalogue::Counts;
use crate::label::Encounter;
use crate::split::Split;
use crate::table::{Dataset, NONE};

pub use prior::VideoFigures;

/// Widths and seeds that no data decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnalyseConfig {
    /// Width of user and item vectors.
    pub vector_dim: usize,
    /// Width of factors.
    pub factor_dim: usize,
    /// Fold-in that belongs to the factors.
    pub fold_in: FoldInSpec,
    /// Seed of hashes and centroids.
    pub seed: u64,
}

/// The built-in text encoder of titles, comments and searches.
pub const BUILT_IN_TEXT: TextSpec = TextSpec {
    dim: 64,
    min_n: 2,
    max_n: 4,
};

/// Most terms with rows of their own, and hashed rows for the others.
const TAGS: (usize, u32) = (4096, 64);
const CHANNELS: (usize, u32) = (4096, 256);
const SMALL: (usize, u32) = (512, 0);
/// Fewest events of a channel with a row of its own: rarer ones share hashed rows.
const CHANNEL_EVENTS: u64 = 20;
/// Most clusters of places.
const PLACES: usize = 32;

/// Learns the spec from what happened before the end of the train window.
///
/// # Errors
/// [`Error::Core`] where the result does not validate.
pub fn analyse(
    data: &Dataset,
    split: &Split,
    encounters: &[Encounter],
    config: &AnalyseConfig,
) -> Result<FeatureSpec, Error> {
    let seen = Seen::new(data, split);
    let user = user(data, &seen, config);
    let prior = prior::learn(data, split, encounters, &user.surface, config.seed);
    let spec = FeatureSpec {
        version: SPEC_VERSION,
        seed: config.seed,
        vector_dim: config.vector_dim as u32,
        factor_dim: config.factor_dim as u32,
        text: BUILT_IN_TEXT,
        item: item(data, split, &seen),
        user,
        prior,
    };
    spec.validate()?;
    Ok(spec)
}

/// How many events of the train side each video and user has.
struct Seen {
    rows: usize,
    videos: Vec<u64>,
    users: Vec<u64>,
}

impl Seen {
    fn new(data: &Dataset, split: &Split) -> Seen {
        let rows = data.interactions.before(split.train_until_ms);
        let (mut videos, mut users) = (vec![0; data.videos.len()], vec![0; data.users.len()]);
        for row in 0..rows {
            users[data.interactions.user[row] as usize] += 1;
            let video = data.interactions.video[row];
            if video != NONE {
                videos[video as usize] += 1;
            }
        }
        Seen { rows, videos, users }
    }
}

fn item(data: &Dataset, split: &Split, seen: &Seen) -> ItemSpec {
    let videos = &data.videos;
    let by_video = |column| terms::weighted(column, &seen.videos);
    let lengths = (0..videos.len())
        .filter(|v| seen.videos[*v] > 0)
        .filter_map(|v| videos.length_seconds[v]);
    // As training will read them: as of the start of the train window.
    let counts = Counts::before(data, split.factors_until_ms);
    let of = |column: &Option<Vec<f32>>| standardise(column.iter().flatten().copied());
    let tags = (0..videos.len()).flat_map(|v| videos.tags.get(v).map(move |tag| (tag, seen.videos[v])));
    ItemSpec {
        id_buckets: (videos.len().next_power_of_two() as u32).clamp(256, 1 << 18),
        tags: terms::vocabulary(terms::counted(tags), TAGS, 1),
        max_tags: 8,
        language: terms::vocabulary(terms::languages(by_video(&videos.language)), SMALL, 1),
        rating: terms::vocabulary(by_video(&videos.rating), SMALL, 1),
        channel: terms::vocabulary(by_video(&videos.channel), CHANNELS, CHANNEL_EVENTS),
        length: standardise(lengths),
        likes: of(&counts.likes),
        comments: of(&counts.comments),
        views: of(&counts.views),
    }
}

fn user(data: &Dataset, seen: &Seen, config: &AnalyseConfig) -> UserSpec {
    let (users, table) = (&data.users, &data.interactions);
    let once: Vec<u64> = seen.users.iter().map(|events| u64::from(*events > 0)).collect();
    let by_user = |column| terms::weighted(column, &once);
    let by_event = |column| terms::weighted(column, &vec![1; seen.rows]);
    let mut zones = by_user(&users.time_zone);
    // A user without a zone of their own has the data set's.
    if let Some(default) = data.meta.time_zone.as_deref() {
        let without: u64 = (0..users.len())
            .filter(|u| users.time_zone.get(*u).is_none())
            .map(|u| once[u])
            .sum();
        *zones.entry(default.to_owned()).or_default() += without;
    }
    let ages = (0..users.len()).filter(|u| once[*u] > 0).filter_map(|u| users.age[u]);
    let homes = (0..users.len())
        .filter(|u| once[*u] > 0)
        .filter_map(|u| users.latitude[u].zip(users.longitude[u]));
    let events = (0..seen.rows).filter_map(|row| table.latitude[row].zip(table.longitude[row]));
    UserSpec {
        age: quantiles(ages.collect(), 10),
        gender: terms::vocabulary(by_user(&users.gender), SMALL, 1),
        language: terms::vocabulary(terms::languages(by_user(&users.language)), SMALL, 1),
        time_zone: terms::vocabulary(zones, SMALL, 1),
        location: place::centroids(homes.chain(events), PLACES, config.seed),
        hour: Buckets {
            edges: (1..12).map(|i| 2.0 * i as f32).collect(),
        },
        device: terms::vocabulary(by_event(&table.device), SMALL, 1),
        surface: terms::vocabulary(by_event(&table.surface), SMALL, 1),
        username: false,
        history: HistorySpec {
            half_life_days: 14.0,
            max_events: 200,
            unknown_fraction: 0.5,
        },
        fold_in: config.fold_in,
    }
}

/// Mean and deviation of log1p; of nothing 0 and 1.
fn standardise(values: impl Iterator<Item = f32>) -> Standardise {
    let logs: Vec<f64> = values
        .filter(|v| v.is_finite() && *v >= 0.0)
        .map(|v| f64::from(v).ln_1p())
        .collect();
    let count = logs.len().max(1) as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let variance = logs.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
    let std = if variance > 1e-9 { variance.sqrt() } else { 1.0 };
    Standardise {
        mean: mean as f32,
        std: std as f32,
    }
}

/// Edges that cut the values into up to `parts` equal shares; equal edges become one.
fn quantiles(mut values: Vec<f32>, parts: usize) -> Buckets {
    values.retain(|v| v.is_finite());
    values.sort_by(f32::total_cmp);
    let mut edges: Vec<f32> = (1..parts)
        .filter_map(|i| values.get(i * values.len() / parts).copied())
        .collect();
    edges.dedup();
    // An edge at the smallest value would leave the first bucket empty.
    if edges.first() == values.first() && !edges.is_empty() {
        edges.remove(0);
    }
    Buckets { edges }
}

#[cfg(test)]
mod tests;
