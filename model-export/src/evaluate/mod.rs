//! Evaluation on the test window, with the very functions that the device runs: encoders, engine, signals, ranker,
//! filter, MMR.
//!
//! Two questions. **Impressions**: does a model score what was found relevant above what was not, each impression as
//! of its own instant? **Slates**: as of the start of the test window, does a model find in the whole catalogue what
//! a user will find relevant?
//!
//! | model | impressions | slates |
//! |---|---|---|
//! | `popular` | log-popularity | the most popular |
//! | `cf` | folded-in factor · item factor | account factor · item factor over the catalogue; a newcomer's content shelf |
//! | `two_tower` | user vector · item vector | the same over the catalogue |
//! | `device` | the ranker's logit | the server's 500 candidates through the device's pipeline |
//!
//! From every slate is left out what the device's filter drops.

mod breadth;
mod calibration;
pub(crate) mod catalogue;
mod heads;
mod html;
mod impressions;
mod interval;
mod measure;
mod off_policy;
mod personal;
mod report;
pub(crate) mod series;
mod slates;
mod weightings;

use upnext_core::ErrorKind;
use upnext_core::bundle::EngineKind;
use upnext_core::engine::CompactEngine;
use upnext_core::head::HeadWeights;

pub use crate::bootstrap::Interval;
pub use crate::prune::CANDIDATES;
pub(crate) use breadth::gini;
pub use calibration::{Bin, Calibration};
pub use heads::HeadReport;
pub use html::page;
pub use interval::{Figures, Intervals};
pub use measure::{Measured, SlateHits, measure};
pub use off_policy::{OffPolicyReport, PolicyValue, Values};
pub use personal::{Evidence, Group, Paired, PersonalReport, personal};
pub use report::{Auc, Bucket, Cold, DialPoint, FreshVideos, Pruning, Quality, Report, SlateQuality, TestSize};
pub use weightings::{PLACES, Weighting};

use crate::Error;
use crate::bundle::Bundle;
use crate::label::{Encounter, encounters};
use crate::moments::{Moments, Pasts};
use crate::off_policy::OffPolicyConfig;
use crate::ranker::Watched;
use crate::split::{Side, Split};
use crate::table::Dataset;
use catalogue::Catalogue;

/// The models, in the order of every list of them.
pub const MODELS: [&str; 4] = ["popular", "cf", "two_tower", "device"];
/// The `k` of the metrics at `k`.
pub const KS: [usize; 6] = [1, 5, 10, 20, 50, 100];
/// Videos of a slate as a page shows it: diversity and coverage are of these.
pub const SLATE: usize = 12;
/// Stands of the diversity dial that a sweep visits.
pub const DIALS: [f32; 7] = [0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0];

/// How to evaluate.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluateConfig {
    /// At most this many users' slates, evenly spaced over all; impressions are always all.
    pub users: usize,
    /// Diversity dial of the device's slates, 0..=1.
    pub diversity: f32,
    /// What the device's slates are ordered for; `None`: as the bundle weighs its heads.
    pub head_weights: Option<HeadWeights>,
    /// Further weightings of the heads whose slates are judged beside those.
    pub weightings: Vec<HeadWeights>,
    /// Users whose slates show what the dial does, evenly spaced; 0 for no such sweep.
    pub dial_users: usize,
    /// How to estimate what the models would have earned as policies; `None`: not at all.
    pub off_policy: Option<OffPolicyConfig>,
}

impl Default for EvaluateConfig {
    fn default() -> EvaluateConfig {
        EvaluateConfig {
            users: usize::MAX,
            diversity: upnext_core::pipeline::Options::default().diversity,
            head_weights: None,
            weightings: Vec::new(),
            dial_users: 0,
            off_policy: None,
        }
    }
}

/// A pool of engines: one per thread that needs one.
struct Engines {
    first: CompactEngine,
    idle: std::sync::Mutex<Vec<CompactEngine>>,
}

impl Engines {
    /// Lends an engine to `run`.
    fn with<T>(&self, run: impl FnOnce(&mut CompactEngine) -> T) -> T {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let mut engine = idle.unwrap_or_else(|| self.first.clone());
        let result = run(&mut engine);
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(engine);
        }
        result
    }
}

/// What a bundle is judged with.
struct Ground<'a> {
    split: Split,
    met: &'a [Encounter],
    test: &'a [(&'a Encounter, bool)],
    seen: &'a Seen,
    stage: slates::Stage<'a>,
}

/// Sets everything up for a bundle on the test window of the data it was trained on.
fn on_ground<T>(
    data: &Dataset,
    bundle: &Bundle,
    (diversity, head_weights): (f32, Option<HeadWeights>),
    judge: impl FnOnce(&Ground<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let split = Split::of(data)?;
    let client = client(bundle)?;
    let catalogue = Catalogue::read(data, bundle, &split)?;
    let engines = Engines {
        first: CompactEngine::new(&client)?,
        idle: std::sync::Mutex::default(),
    };
    let model = &client.model;
    let met = encounters(data, &split);
    let test: Vec<(&Encounter, bool)> = split.examples(&met, Side::Test).collect();
    if !test.iter().any(|(_, relevant)| *relevant) {
        return Err(split.empty(Side::Test, "relevant impressions"));
    }
    let pasts = Pasts::new(data, &model.spec, i64::MAX);
    let moments = Moments {
        data,
        spec: &model.spec,
        gram: &model.gram,
        pasts: &pasts,
        factors: &catalogue.factors,
    };
    let seen = Seen::before(data, &split);
    let fresh = seen.fresh();
    judge(&Ground {
        split,
        met: &met,
        test: &test,
        seen: &seen,
        stage: slates::Stage {
            moments: &moments,
            catalogue: &catalogue,
            engines: &engines,
            model,
            from_ms: split.train_until_ms,
            diversity,
            head_weights,
            watched: Watched::of_figures(&bundle.manifest.metrics),
            fresh: &fresh,
        },
    })
}

/// Evaluates a bundle on the test window of the data it was trained on.
///
/// # Errors
/// Those of reading the bundle; [`Error::ConfigInvalid`] where its videos or its windows are not those of `data`;
/// [`Error::OpUnsupported`] where its graphs have no compact program; [`Error::SplitEmpty`] for a test window
/// without relevant impressions; [`Error::PropensityUnusable`] where an off-policy estimate lacks a propensity.
pub fn evaluate(data: &Dataset, bundle: &Bundle, config: &EvaluateConfig) -> Result<Report, Error> {
    config.off_policy.map_or(Ok(()), |off_policy| off_policy.check())?;
    let options = (config.diversity, config.head_weights);
    on_ground(data, bundle, options, |ground| {
        let (stage, seen) = (&ground.stage, ground.seen);
        // First: it refuses a log without propensities before anything is computed.
        let off_policy = match &config.off_policy {
            Some(off_policy) => {
                let log = off_policy::Log::new(ground, config.users, off_policy)?;
                let judged = stage.judge_all(&log.visitors, "policies")?;
                Some(off_policy::off_policy(&log, &judged))
            }
            None => None,
        };
        let own = config.head_weights.unwrap_or(bundle.manifest.head_weights);
        let weightings = weightings::weightings(
            ground,
            own,
            &config.weightings,
            config.users,
            config.off_policy.as_ref(),
        )?;
        let scores = impressions::score(stage, ground.test, true)?;
        let visitors = slates::pleased(ground.test, seen, config.users);
        let judged = stage.judge_all(&visitors, "slates")?;
        let dial = dial(stage, &visitors, config.dial_users)?;
        let mut report = report::report(data, bundle, &scores, &judged, seen, stage.catalogue);
        report.dial = dial;
        report.off_policy = off_policy;
        report.weightings = weightings;
        Ok(report)
    })
}

/// What the dial does, on some of the visitors.
fn dial(stage: &slates::Stage<'_>, visitors: &[slates::Visitor], users: usize) -> Result<Vec<DialPoint>, Error> {
    if users == 0 {
        return Ok(Vec::new());
    }
    let some: Vec<slates::Visitor> = visitors
        .iter()
        .step_by(visitors.len().div_ceil(users).max(1))
        .cloned()
        .collect();
    let mut points = Vec::new();
    for diversity in DIALS {
        let stage = slates::Stage { diversity, ..*stage };
        let judged = stage.judge_all(&some, "dial")?;
        points.push(report::dial_point(diversity, &judged, stage.catalogue));
    }
    Ok(points)
}

fn client(bundle: &Bundle) -> Result<upnext_core::bundle::ClientBundle, Error> {
    match bundle.client(EngineKind::Compact) {
        Err(Error::Core(error)) => Err(match error.kind() {
            ErrorKind::BundleIncomplete { file } => Error::OpUnsupported {
                op: file.clone(),
                reason: "the bundle has no compact program of it, and evaluation runs the compact engine".to_owned(),
            },
            _ => Error::Core(error),
        }),
        other => other,
    }
}

/// What the past knew: users and videos with an event before the test window.
struct Seen {
    users: Vec<bool>,
    videos: Vec<bool>,
}

impl Seen {
    fn before(data: &Dataset, split: &Split) -> Seen {
        let mut seen = Seen {
            users: vec![false; data.users.len()],
            videos: vec![false; data.videos.len()],
        };
        let table = &data.interactions;
        for row in 0..table.before(split.train_until_ms) {
            seen.users[table.user[row] as usize] = true;
            if let Some(video) = seen.videos.get_mut(table.video[row] as usize) {
                *video = true;
            }
        }
        seen
    }

    /// Videos without an event.
    fn fresh(&self) -> Vec<u32> {
        let rows = self.videos.iter().enumerate();
        rows.filter(|(_, seen)| !**seen).map(|(row, _)| row as u32).collect()
    }

    fn warm_user(&self, score: &impressions::Impression) -> bool {
        self.users[score.user as usize]
    }

    fn warm_video(&self, score: &impressions::Impression) -> bool {
        self.videos[score.video as usize]
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
