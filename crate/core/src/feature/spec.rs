//! The feature spec: what one analysing pass over the train split learnt about each feature.
//! Data, not code; its SHA-256 stands in the manifest.

use serde::Serialize;

use crate::tree::record;

/// Version of the spec's layout and of the encoders that read it.
pub const SPEC_VERSION: u32 = 1;

/// Terms with rows of their own. Row 0 is *unknown* (missing or never seen),
/// rows `1..=terms.len()` the terms, then `oov_buckets` hashed rows for unseen terms.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Vocabulary {
    /// Known terms, by falling train frequency, ties by the term.
    pub terms: Vec<String>,
    /// Hashed rows for terms that are not in the list; 0: such a term is unknown.
    pub oov_buckets: u32,
}

/// Rising edges; row 0 is unknown, row `1 + number of edges ≤ value` the bucket.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Buckets {
    /// Strictly rising, finite.
    pub edges: Vec<f32>,
}

/// `(log1p(value) − mean) / std`, with train statistics; unknown is 0 with a flag beside it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Standardise {
    /// Mean of log1p over train.
    pub mean: f32,
    /// Standard deviation of log1p over train, > 0.
    pub std: f32,
}

/// Centroids on the sphere; row 0 is unknown, row `1 + i` the nearest centroid `i`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Centroids {
    /// `[latitude, longitude]` in degrees.
    pub points: Vec<[f32; 2]>,
}

/// The built-in hashed character n-gram encoder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TextSpec {
    /// Width of a text vector.
    pub dim: u32,
    /// Shortest n-gram, in characters.
    pub min_n: u32,
    /// Longest n-gram, in characters.
    pub max_n: u32,
}

/// Features of the item tower.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemSpec {
    /// Rows of the hashed id table; a video has two rows in it, by two hashes. Row 0 is unknown.
    pub id_buckets: u32,
    /// Tags, averaged (CBOW); unseen ones hash.
    pub tags: Vocabulary,
    /// At most this many tags of a video count, in table order.
    pub max_tags: u32,
    /// BCP 47 tags, primary subtag.
    pub language: Vocabulary,
    /// Age ratings.
    pub rating: Vocabulary,
    /// Channels, the frequent ones; others hash.
    pub channel: Vocabulary,
    /// Length in seconds.
    pub length: Standardise,
    /// Likes as of the snapshot.
    pub likes: Standardise,
    /// Comments as of the snapshot.
    pub comments: Standardise,
    /// Views as of the snapshot.
    pub views: Standardise,
}

/// How the history is pooled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HistorySpec {
    /// An event this many days old weighs half.
    pub half_life_days: f32,
    /// Only the latest this many events are pooled, and the latest this many relevant videos folded in.
    pub max_events: u32,
    /// Weight of a watch of unknown fraction, 0..=1.
    pub unknown_fraction: f32,
}

/// Fold-in of a history into the collaborative space (the trainer's user half-step).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FoldInSpec {
    /// λ of the loss, 0..1: weight of the unobserved.
    pub lambda: f32,
    /// L2 weight, > 0.
    pub l2: f32,
}

/// Features of the user tower, all encoded on the device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UserSpec {
    /// Age in years.
    pub age: Buckets,
    /// Gender.
    pub gender: Vocabulary,
    /// Language, primary subtag of BCP 47.
    pub language: Vocabulary,
    /// IANA time zone.
    pub time_zone: Vocabulary,
    /// Location clusters.
    pub location: Centroids,
    /// Local hour, 0..24.
    pub hour: Buckets,
    /// Device kinds.
    pub device: Vocabulary,
    /// Surfaces.
    pub surface: Vocabulary,
    /// n-grams of the user name: off by default, it can carry gender and origin.
    pub username: bool,
    /// Pools over the history.
    pub history: HistorySpec,
    /// Collaborative factor.
    pub fold_in: FoldInSpec,
}

/// How often an impression is relevant before one looks at video or viewer: by surface and length,
/// from the train split alone. Made by [`PriorSpec::from_counts`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriorSpec {
    /// Edges over `ln(seconds)`.
    pub length_edges: Buckets,
    /// Natural log-odds of relevance, `user.surface` rows × length rows, row by row.
    pub log_odds: Vec<f32>,
    /// By length row: how often a watch is relevant in the source's own judgement, where a log has
    /// judgements in the place of seconds; 0..1, both ends excluded.
    pub stand_in_rate: Vec<f32>,
    /// Relevant share of all impressions, 0..1, both ends excluded.
    pub base_rate: f32,
}

/// Everything the encoders need. Made by `analyse` from the train split alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureSpec {
    /// [`SPEC_VERSION`].
    pub version: u32,
    /// Seed of every hash.
    pub seed: u64,
    /// Width of user and item vectors.
    pub vector_dim: u32,
    /// Width of collaborative factors.
    pub factor_dim: u32,
    /// Text encoder.
    pub text: TextSpec,
    /// Item side.
    pub item: ItemSpec,
    /// User side.
    pub user: UserSpec,
    /// Relevance by surface and length.
    pub prior: PriorSpec,
}

record!(Vocabulary { terms, oov_buckets = 0 });
record!(Buckets { edges });
record!(Standardise { mean, std });
record!(Centroids { points });
record!(TextSpec { dim, min_n, max_n });
record!(ItemSpec {
    id_buckets,
    tags,
    max_tags,
    language,
    rating,
    channel,
    length,
    likes,
    comments,
    views
});
record!(HistorySpec {
    half_life_days,
    max_events,
    unknown_fraction
});
record!(FoldInSpec { lambda, l2 });
record!(UserSpec {
    age, gender, language, time_zone, location, hour, device, surface, username = false, history, fold_in
});
record!(PriorSpec {
    length_edges,
    log_odds,
    stand_in_rate,
    base_rate
});
record!(FeatureSpec {
    version,
    seed,
    vector_dim,
    factor_dim,
    text,
    item,
    user,
    prior
});
