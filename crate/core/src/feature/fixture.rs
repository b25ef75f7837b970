//! A small valid spec and rows for tests.

use super::spec::*;

/// Terms of a vocabulary.
pub(crate) fn terms(terms: &[&str], oov_buckets: u32) -> Vocabulary {
    Vocabulary {
        terms: terms.iter().map(|t| (*t).to_owned()).collect(),
        oov_buckets,
    }
}

/// Vectors of width 4, factors of width 3, text of width 8.
pub(crate) fn spec() -> FeatureSpec {
    let standard = |mean, std| Standardise { mean, std };
    FeatureSpec {
        version: SPEC_VERSION,
        seed: 77,
        vector_dim: 4,
        factor_dim: 3,
        text: TextSpec {
            dim: 8,
            min_n: 2,
            max_n: 4,
        },
        item: ItemSpec {
            id_buckets: 50,
            tags: terms(&["music", "猫"], 5),
            max_tags: 3,
            language: terms(&["en", "hi"], 0),
            rating: terms(&["G", "PG-13"], 0),
            channel: terms(&["ch1"], 4),
            length: standard(4.0, 1.5),
            likes: standard(2.0, 2.0),
            comments: standard(1.0, 1.0),
            views: standard(6.0, 3.0),
        },
        user: UserSpec {
            age: Buckets {
                edges: vec![18.0, 25.0, 35.0],
            },
            gender: terms(&["F", "M"], 0),
            language: terms(&["en", "hi"], 2),
            time_zone: terms(&["Europe/Berlin"], 3),
            location: Centroids {
                points: vec![[52.5, 13.4], [-17.7, 178.1]],
            },
            hour: Buckets {
                edges: vec![6.0, 12.0, 18.0],
            },
            device: terms(&["phone", "tv"], 0),
            surface: terms(&["up-next"], 0),
            username: false,
            history: HistorySpec {
                half_life_days: 7.0,
                max_events: 20,
                unknown_fraction: 0.25,
            },
            fold_in: FoldInSpec { lambda: 0.1, l2: 0.2 },
        },
        prior: PriorSpec {
            length_edges: Buckets { edges: vec![3.0, 4.0] },
            log_odds: vec![-0.5, 0.5, 0.0, -1.0, -0.25, 0.75, 0.25, -1.25],
            stand_in_rate: vec![0.3, 0.4, 0.3, 0.2],
            base_rate: 0.4,
        },
    }
}
