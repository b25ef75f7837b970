//! Reading a feature spec: parsed, and every bound checked before an encoder sees it.

use crate::feature::spec::{
    Buckets, Centroids, FeatureSpec, ItemSpec, PriorSpec, SPEC_VERSION, Standardise, TextSpec, UserSpec, Vocabulary,
};
use crate::tree::{FromTree as _, Misfit, Tree, decimal};
use crate::{Error, ErrorKind};

/// Widest vector, factor or text vector.
pub const MAX_DIM: u32 = 1024;
/// Most rows of one embedding table.
pub const MAX_ROWS: u32 = 1 << 24;
/// Most tags of a video that count.
pub const MAX_TAGS: u32 = 256;
/// Most events of a history that count.
pub const MAX_HISTORY: u32 = 100_000;
/// Longest n-gram: every length is another pass over a text.
pub const MAX_N: u32 = 16;

impl FeatureSpec {
    /// Parses and validates.
    ///
    /// # Errors
    /// [`ErrorKind::BundleUnreadable`] where it is no JSON of this shape, [`ErrorKind::BundleVersion`]
    /// where another release wrote it, [`ErrorKind::BundleInconsistent`] where a bound is broken.
    pub fn from_json(bytes: &[u8]) -> Result<FeatureSpec, Error> {
        let unreadable = |misfit: Misfit| {
            Error::from(ErrorKind::BundleUnreadable {
                file: "feature spec".to_owned(),
                reason: misfit.to_string(),
            })
        };
        let tree = Tree::parse(bytes).map_err(unreadable)?;
        // Read first: a later version may have other fields.
        let version = tree.version().map_err(unreadable)?;
        if version != SPEC_VERSION {
            return Err(Error::from(ErrorKind::BundleVersion {
                what: "feature spec",
                found: version,
                expected: SPEC_VERSION,
            }));
        }
        let spec = FeatureSpec::from_tree(tree).map_err(unreadable)?;
        spec.validate()?;
        Ok(spec)
    }

    /// The spec's bytes: equal specs give equal bytes, and reading them gives the spec back.
    ///
    /// # Errors
    /// [`ErrorKind::BundleInconsistent`] where the spec does not validate: such a one is never written.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        self.validate()?;
        serde_json::to_vec(self).map_err(|error| {
            Error::from(ErrorKind::BundleUnreadable {
                file: "feature spec".to_owned(),
                reason: error.to_string(),
            })
        })
    }

    /// Checks every bound that the encoders rely on.
    ///
    /// # Errors
    /// [`ErrorKind::BundleInconsistent`] naming the first field that breaks one.
    pub fn validate(&self) -> Result<(), Error> {
        if self.version != SPEC_VERSION {
            return Err(Error::from(ErrorKind::BundleVersion {
                what: "feature spec",
                found: self.version,
                expected: SPEC_VERSION,
            }));
        }
        count("vector_dim", self.vector_dim, 1, MAX_DIM)?;
        count("factor_dim", self.factor_dim, 1, MAX_DIM)?;
        text(&self.text)?;
        item(&self.item)?;
        user(&self.user)?;
        prior(&self.prior, self.user.surface.rows())
    }
}

fn text(spec: &TextSpec) -> Result<(), Error> {
    count("text.dim", spec.dim, 1, MAX_DIM)?;
    count("text.min_n", spec.min_n, 1, MAX_N)?;
    count("text.max_n", spec.max_n, spec.min_n, MAX_N)
}

fn item(spec: &ItemSpec) -> Result<(), Error> {
    count("item.id_buckets", spec.id_buckets, 2, MAX_ROWS)?;
    count("item.max_tags", spec.max_tags, 1, MAX_TAGS)?;
    vocabulary("item.tags", &spec.tags)?;
    vocabulary("item.language", &spec.language)?;
    vocabulary("item.rating", &spec.rating)?;
    vocabulary("item.channel", &spec.channel)?;
    standardise("item.length", &spec.length)?;
    standardise("item.likes", &spec.likes)?;
    standardise("item.comments", &spec.comments)?;
    standardise("item.views", &spec.views)
}

fn user(spec: &UserSpec) -> Result<(), Error> {
    buckets("user.age", &spec.age)?;
    vocabulary("user.gender", &spec.gender)?;
    vocabulary("user.language", &spec.language)?;
    vocabulary("user.time_zone", &spec.time_zone)?;
    centroids(&spec.location)?;
    buckets("user.hour", &spec.hour)?;
    vocabulary("user.device", &spec.device)?;
    vocabulary("user.surface", &spec.surface)?;
    let history = &spec.history;
    number("user.history.half_life_days", history.half_life_days, "above 0", |v| {
        v > 0.0
    })?;
    count("user.history.max_events", history.max_events, 1, MAX_HISTORY)?;
    number(
        "user.history.unknown_fraction",
        history.unknown_fraction,
        "0 to 1",
        |v| (0.0..=1.0).contains(&v),
    )?;
    // Up to one half the unobserved weigh no more than the observed, and the normal equations
    // are positive definite whatever the history holds.
    number(
        "user.fold_in.lambda",
        spec.fold_in.lambda,
        "above 0, at most 0.5",
        |v| v > 0.0 && v <= 0.5,
    )?;
    number("user.fold_in.l2", spec.fold_in.l2, "above 0", |v| v > 0.0)
}

fn prior(spec: &PriorSpec, surfaces: u32) -> Result<(), Error> {
    buckets("prior.length_edges", &spec.length_edges)?;
    let lengths = spec.length_edges.rows();
    let share = |v: f32| v > 0.0 && v < 1.0;
    number("prior.base_rate", spec.base_rate, "between 0 and 1", share)?;
    values(
        "prior.stand_in_rate",
        &spec.stand_in_rate,
        u64::from(lengths),
        "between 0 and 1",
        share,
    )?;
    // Odds beyond e^30 are no estimate.
    let cells = u64::from(surfaces) * u64::from(lengths);
    values("prior.log_odds", &spec.log_odds, cells, "-30 to 30", |v| {
        v.abs() <= 30.0
    })
}

fn values(what: &str, found: &[f32], size: u64, expected: &str, fits: impl Fn(f32) -> bool) -> Result<(), Error> {
    if found.len() as u64 != size {
        return Err(broken(what, &format!("{size} values"), &found.len().to_string()));
    }
    found.iter().try_for_each(|value| number(what, *value, expected, &fits))
}

fn vocabulary(what: &str, vocabulary: &Vocabulary) -> Result<(), Error> {
    count(what, vocabulary.rows(), 1, MAX_ROWS)?;
    let mut sorted: Vec<&str> = vocabulary.terms.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let bad = |term: &&str| term.is_empty() || term.trim() != *term;
    if let Some(term) = sorted.iter().find(|term| bad(term)) {
        return Err(broken(what, "terms without white space around them", term));
    }
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(broken(what, "distinct terms", pair[0])),
        None => Ok(()),
    }
}

fn buckets(what: &str, buckets: &Buckets) -> Result<(), Error> {
    count(what, buckets.rows(), 2, MAX_ROWS)?;
    let finite = buckets.edges.iter().all(|edge| edge.is_finite());
    if finite && buckets.edges.windows(2).all(|pair| pair[0] < pair[1]) {
        return Ok(());
    }
    Err(broken(what, "finite, strictly rising edges", "others"))
}

fn standardise(what: &str, value: &Standardise) -> Result<(), Error> {
    number(what, value.mean, "finite", |_| true)?;
    number(what, value.std, "a deviation above 0", |v| v > 0.0)
}

fn centroids(centroids: &Centroids) -> Result<(), Error> {
    count("user.location", centroids.rows(), 1, MAX_ROWS)?;
    match centroids.points.iter().all(|[lat, lon]| super::on_globe(*lat, *lon)) {
        true => Ok(()),
        false => Err(broken("user.location", "degrees within ±90 and ±180", "others")),
    }
}

fn count(what: &str, found: u32, least: u32, most: u32) -> Result<(), Error> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(broken(what, &format!("{least} to {most}"), &found.to_string()))
}

fn number(what: &str, found: f32, expected: &str, fits: impl Fn(f32) -> bool) -> Result<(), Error> {
    if found.is_finite() && fits(found) {
        return Ok(());
    }
    Err(broken(what, expected, &decimal::text(found)))
}

fn broken(what: &str, expected: &str, found: &str) -> Error {
    Error::from(ErrorKind::BundleInconsistent {
        what: format!("feature spec, {what}"),
        expected: expected.to_owned(),
        found: found.to_owned(),
    })
}

#[cfg(test)]
mod tests;
