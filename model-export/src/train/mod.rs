//! From a data set to everything a bundle holds: analyse → factors → towers → ranker.

mod cache;
mod config;
mod file;
mod finish;

use std::collections::{BTreeMap, HashMap};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use upnext_core::feature::spec::FeatureSpec;
use upnext_core::feature::{ItemLayout, UserLayout};
use upnext_core::fold_in::Gram;
use upnext_core::head::{Head, HeadWeights};
use upnext_core::metrics::roc_auc;
use upnext_core::text::Student;

pub use cache::Cache;
pub use config::TrainConfig;
pub use file::{TrainFile, options};

use crate::Error;
use crate::analyse::{AnalyseConfig, VideoFigures, analyse};
use crate::catalogue::{self, Ids};
use crate::factors::{FactorConfig, Factors, Ones, factorise};
use crate::given::FactorFiles;
use crate::group::Mask;
use crate::label::{Encounter, encounters};
use crate::moments::{Moments, Pasts};
use crate::progress::Progress;
use crate::ranker::{
    self, Asked, Choice, FULL_SECONDS, Offer, OfferSource, Platt, Ranker, RankerConfig, RowSource, Rows, Told, Watched,
    offers, signals_of,
};
use crate::split::{Side, Split};
use crate::table::Dataset;
use crate::text::Titles;
use crate::towers::weights::{ItemTowerWeights, UserTowerWeights};
use crate::towers::{Examples, ItemInputs, Material, Objective, QuantRows, UserInputs, fit, item_vectors};

/// Everything that training learnt. Rows are those of the data set.
#[derive(Debug, Clone)]
pub struct Model {
    /// The split it was trained on.
    pub split: Split,
    /// Feature spec.
    pub spec: FeatureSpec,
    /// Factors of users and videos.
    pub factors: Factors,
    /// Gram matrix of the item factors.
    pub gram: Gram,
    /// User tower.
    pub user: UserTowerWeights,
    /// Item tower.
    pub item: ItemTowerWeights,
    /// Item vectors, counts as of the end of the train window.
    pub vectors: QuantRows,
    /// Ranker.
    pub ranker: Ranker,
    /// How much its heads count in the order of a slate.
    pub head_weights: HeadWeights,
    /// What was counted for each video.
    pub figures: VideoFigures,
    /// What encodes the titles of new videos, and the hash of the sentence encoder that it learnt from; `None`: the built-in
    /// encoder does.
    pub titles: Option<(Student, String)>,
    /// Relevant videos that each user's factor was learnt from.
    pub history_len: Vec<u32>,
    /// Figures of the run, by name.
    pub metrics: BTreeMap<String, f64>,
}

/// Towers and the loss of each epoch, as the cache keeps them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Towers {
    user: UserTowerWeights,
    item: ItemTowerWeights,
    loss: Vec<f64>,
}

/// Trains on the factor and train windows of `data`. Steps whose inputs did not change come from `cache`.
///
/// # Errors
/// [`Error::SplitEmpty`] where a window has nothing to learn from, [`Error::ConfigInvalid`],
/// [`Error::TrainingDiverged`].
pub fn train(data: &Dataset, config: &TrainConfig, cache: &Cache) -> Result<Model, Error> {
    train_with(data, config, Prepared::default(), cache)
}

/// What training may be given beside the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct Prepared<'a> {
    /// Factors of another solver, of a log that the data set holds a part of the users of: what they decide
    /// ([`FactorFiles::settle`]) stands above the configuration. The cache must know [`FactorFiles::files`].
    pub factors: Option<&'a FactorFiles>,
    /// Titles and comments as a sentence encoder reads them; `None`: the built-in encoder does.
    pub titles: Option<&'a Titles>,
}

/// [`train`] with what it is given beside the log.
///
/// # Errors
/// As [`train`]; those of [`FactorFiles::read`].
pub fn train_with(data: &Dataset, config: &TrainConfig, given: Prepared<'_>, cache: &Cache) -> Result<Model, Error> {
    let Prepared { factors: given, titles } = given;
    let config = &given.map_or(*config, |factors| factors.settle(*config));
    config.check()?;
    let split = Split::of(data)?;
    let met = encounters(data, &split);
    let spec = analyse(
        data,
        &split,
        &met,
        &AnalyseConfig {
            vector_dim: config.towers.vector_dim,
            factor_dim: config.factors.dim,
            fold_in: config.factors.fold_in(),
            seed: config.seed,
        },
    )?;
    let figures = VideoFigures::count(data, &split, &met, &spec);
    let ones = relevant_pairs(data, &split, &met, Side::Factors)?;
    let own_history = || (0..ones.rows()).map(|user| ones.row(user).len() as u32).collect();
    let (factors, history_len) = match given.map(|files| files.read(data, &split, &ones)).transpose()? {
        Some(given) => (given.factors, given.history_len),
        None => {
            let made = cache.step("factors", &config.factors, || factor_step(&ones, &config.factors))?;
            (made, own_history())
        }
    };
    let item_factors = QuantRows::new(factors.dim, factors.items.clone());
    let gram = Gram::of(factors.dim, &factors.items);
    let pasts = Pasts::new(data, &spec, split.train_until_ms);
    let impressions: Vec<(&Encounter, bool)> = split.examples(&met, Side::Train).collect();
    if !impressions.iter().any(|(_, relevant)| *relevant) {
        return Err(split.empty(Side::Train, "relevant impressions"));
    }
    let stage = Stage {
        split: &split,
        moments: Moments {
            data,
            spec: &spec,
            gram: &gram,
            pasts: &pasts,
            factors: &item_factors,
        },
        items: catalogue::encode(data, &spec, titles, split.factors_until_ms, Ids::All),
        mask: Mask::of(config.towers.without, &spec),
        watched: Watched::of(config.ranker.watched, impressions.iter().map(|(e, _)| *e), data),
        config,
    };
    // The ranker must see the towers' scores of moments that they never saw: towers of one half score the other.
    let (early, late) = impressions.split_at(half(&impressions));
    let key = (config.factors, config.towers, titles.map(Titles::teacher));
    let of_early = cache.step("towers-early", &key, || stage.towers("towers, first half", early))?;
    let of_late = cache.step("towers-late", &key, || stage.towers("towers, second half", late))?;
    let mut rows = stage.rows(&of_late, early, &figures)?;
    rows.extend(stage.rows(&of_early, late, &figures)?);
    let offers = offers(
        &OfferSource {
            split: &split,
            met: &met,
            factors: &factors,
            items: &item_factors,
            figures: &figures,
            negatives: config.ranker.negatives,
            moment: config.ranker.offer_moment,
            balance: config.ranker.offer_balance,
            seed: config.ranker.seed,
        },
        late,
    );
    let offered = stage.offered(&of_early, &figures, &offers)?;
    let ranker = ranker_step(&rows, &offered, &config.ranker)?;
    let towers = cache.step("towers", &key, || stage.towers("towers", &impressions))?;
    let vectors = item_vectors(
        &towers.item,
        &catalogue::encode(data, &spec, titles, split.train_until_ms, Ids::Met),
    );
    let mut metrics = metrics(&factors, &towers, &rows, &ranker);
    if let Some(seconds) = stage.watched.full_seconds {
        metrics.insert(FULL_SECONDS.to_owned(), f64::from(seconds));
    }
    if let Some(titles) = titles {
        metrics.insert("text.student_cosine".to_owned(), titles.cosine());
    }
    Ok(Model {
        titles: titles.map(|titles| (titles.student().clone(), titles.teacher().to_owned())),
        history_len,
        split,
        factors,
        gram,
        user: towers.user,
        item: towers.item,
        vectors,
        head_weights: config.ranker.score.of_taught(ranker.taught()),
        ranker,
        figures,
        metrics,
        spec,
    })
}

/// Who found what relevant in a window.
pub(crate) fn relevant_pairs(data: &Dataset, split: &Split, met: &[Encounter], side: Side) -> Result<Ones, Error> {
    let relevant = met
        .iter()
        .filter(|e| split.side(e.at_ms) == side && e.label() == Some(true));
    let ones = Ones::from_pairs(data.users.len(), data.videos.len(), relevant.map(|e| (e.user, e.video)));
    match ones.is_empty() {
        true => Err(split.empty(side, "relevant encounters")),
        false => Ok(ones),
    }
}

fn factor_step(ones: &Ones, config: &FactorConfig) -> Result<Factors, Error> {
    let progress = Progress::start("factors", config.sweeps as u64);
    let factors = factorise(ones, config, |_, loss| progress.note(1, &format!("loss {loss:.0}")));
    progress.finish();
    factors
}

/// Where the second half begins: between two instants, in the order of time.
fn half(impressions: &[(&Encounter, bool)]) -> usize {
    let instant = impressions
        .get(impressions.len() / 2)
        .map_or(i64::MAX, |(e, _)| e.at_ms);
    impressions.partition_point(|(e, _)| e.at_ms < instant)
}

/// What towers and ranker rows share.
struct Stage<'a> {
    split: &'a Split,
    moments: Moments<'a>,
    items: ItemInputs,
    mask: Mask,
    watched: Watched,
    config: &'a TrainConfig,
}

impl Stage<'_> {
    fn towers(&self, label: &str, impressions: &[(&Encounter, bool)]) -> Result<Towers, Error> {
        let config = &self.config.towers;
        let mut examples = Examples::default();
        let mut met: Vec<&Encounter> = Vec::new();
        let softmax = config.objective == Objective::SampledSoftmax;
        for (e, relevant) in impressions.iter().filter(|(_, relevant)| !softmax || *relevant) {
            examples.user.push(e.user);
            examples.video.push(e.video);
            examples.relevant.push(*relevant);
            met.push(*e);
        }
        let mut items = self.items.clone();
        self.mask.hide_items(&mut items);
        let epochs = config.epochs + config.final_epochs;
        let progress = Progress::start(label, (epochs * examples.len()) as u64);
        let mut trained = fit(
            &Material {
                user_layout: UserLayout::new(self.moments.spec),
                item_layout: ItemLayout::new(self.moments.spec),
                items: &items,
                examples: &examples,
                encode: &|vectors| {
                    let mut inputs = UserInputs::default();
                    let rows = self.moments.map(&met, vectors, |moment| Ok(moment.encoded))?;
                    rows.iter().for_each(|row| inputs.push(row));
                    self.mask.hide_users(&mut inputs);
                    Ok(inputs)
                },
                device: Device::flex(),
            },
            config,
            |done, loss| progress.note(done, &format!("loss {loss:.4}")),
        )?;
        progress.finish();
        self.mask.cut_user(&mut trained.user);
        self.mask.cut_item(&mut trained.item);
        Ok(Towers {
            user: trained.user,
            item: trained.item,
            loss: trained.loss,
        })
    }

    /// Rows that know of their video's effect what the other days show, of its trend what the days before show.
    fn rows(&self, towers: &Towers, impressions: &[(&Encounter, bool)], figures: &VideoFigures) -> Result<Rows, Error> {
        let labels: HashMap<u32, bool> = impressions.iter().map(|(e, relevant)| (e.row, *relevant)).collect();
        let met: Vec<&Encounter> = impressions.iter().map(|(e, _)| *e).collect();
        self.signals("signals", towers, &met, figures, |e| {
            let day = self.split.day(e.at_ms);
            vec![Choice::from(Offer {
                video: e.video,
                effect: figures.effect_without(e.video, day),
                trend: figures.trend_before(e.video, day),
                relevant: labels.get(&e.row) == Some(&true),
                told: Told {
                    position: self.moments.data.interactions.position[e.row as usize],
                    further: [Head::Liked, Head::Finished, Head::Watched]
                        .map(|head| self.watched.target(head, e, self.moments.data)),
                },
            })]
        })
    }

    /// Rows of what a server would have offered.
    fn offered(&self, towers: &Towers, figures: &VideoFigures, asked: &[Asked]) -> Result<Rows, Error> {
        let met: Vec<&Encounter> = asked.iter().map(|asked| &asked.moment).collect();
        let choices: HashMap<u32, &Vec<Choice>> = asked.iter().map(|a| (a.moment.row, &a.choices)).collect();
        self.signals("offers", towers, &met, figures, |e| {
            choices.get(&e.row).map(|choices| choices.to_vec()).unwrap_or_default()
        })
    }

    fn signals(
        &self,
        label: &str,
        towers: &Towers,
        met: &[&Encounter],
        figures: &VideoFigures,
        choices: impl Fn(&Encounter) -> Vec<Choice> + Sync,
    ) -> Result<Rows, Error> {
        let vectors = item_vectors(&towers.item, &self.items);
        let progress = Progress::start(label, met.len() as u64);
        let source = RowSource {
            moments: self.moments,
            tower: &towers.user,
            vectors: &vectors,
            prior: &figures.prior,
        };
        let rows = signals_of(&source, met, choices, || progress.add(1));
        progress.finish();
        rows
    }
}

fn ranker_step(shown: &Rows, offered: &Rows, config: &RankerConfig) -> Result<Ranker, Error> {
    let progress = Progress::start("ranker", ranker::work(shown, offered, config) as u64);
    let ranker = ranker::fit(shown, offered, config, &Device::flex(), |done, loss| {
        progress.note(done, &format!("loss {loss:.4}"));
    });
    progress.finish();
    ranker
}

/// Last losses, how well tower and ranker order the rows that the ranker learnt from, and how its heads were calibrated.
fn metrics(factors: &Factors, towers: &Towers, rows: &Rows, ranker: &Ranker) -> BTreeMap<String, f64> {
    let auc = |score: &dyn Fn(&[f32]) -> f32| {
        let scores: Vec<f32> = (0..rows.len()).map(|i| score(rows.row(i))).collect();
        roc_auc(&scores, &rows.relevant)
    };
    let figures = [
        ("factors.loss", factors.loss.last().copied()),
        ("towers.loss", towers.loss.last().copied()),
        ("tower.train_auc", auc(&|row| row.first().copied().unwrap_or(0.0))),
        (
            "ranker.train_auc",
            auc(&|row| ranker.weights.forward(row).first().copied().unwrap_or(0.0)),
        ),
    ];
    let figures = figures.into_iter().map(|(name, value)| (name.to_owned(), value));
    let platt = Head::ALL.iter().zip(ranker.calibration).flat_map(|(head, platt)| {
        platt
            .map_or([None; 2], |platt| [Some(platt.scale), Some(platt.shift)])
            .into_iter()
            .zip(Platt::figures(*head))
            .map(|(value, name)| (name, value.map(f64::from)))
    });
    figures
        .chain(platt)
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}
