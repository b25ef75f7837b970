//! What the personal head brings: the device's slates and its foretelling of impressions, with the head and without, of
//! the same users at the same moments.
//!
//! A slate is made at each visit of the test window, out of the server's candidates. It is judged by what the user found
//! relevant from then on, and in a simulated world by the truth: the mean chance that its videos would be found relevant
//! there and then, shown by the log or not. Each impression of the window is foretold as of its own instant. The
//! ranker's logit of every earlier encounter is computed as of that encounter's instant, as a device would have kept it.
//!
//! Several heads, tuned differently, are judged of the same visits and impressions.

mod oracle;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::ValueEnum;
use rayon::prelude::*;
use serde::Serialize;
use upnext_core::Context;
use upnext_core::encounter::encounters;
use upnext_core::engine::Engine as _;
use upnext_core::feature::PastEvent;
use upnext_core::metrics::{precision_at, roc_auc};
use upnext_core::personal::{Personal, Tuning};
use upnext_core::pipeline::{Options, compose_with};
use upnext_core::signal::signals;
use upnext_core::viewer::ViewerState;

use super::slates::{Stage, Visitor, spaced, visitors};
use super::{Ground, on_ground};
use crate::Error;
use crate::bootstrap::{Interval, draw};
use crate::bundle::Bundle;
use crate::label::Encounter;
use crate::moments::before;
use crate::progress::Progress;
use crate::simulate::affinity::{moment_at, probability};
use crate::simulate::visit::device;
use crate::simulate::{Person, World, world};
use crate::table::Dataset;

/// Places of a slate that are judged.
const PLACES: usize = 10;
/// Visits of a user at which a slate is made: the first.
const VISITS: usize = 8;
/// Impressions that are further apart belong to two visits.
const VISIT_MS: i64 = 2 * 3_600_000;
/// Draws of users of an interval.
const DRAWS: u64 = 1000;
/// Earlier encounters of a user for which the ranker's logit is computed: the latest, more than a head reads.
const EARLIER: usize = 400;

/// Which encounters a head learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Evidence {
    /// Those of the test window: what the ranker expected of them it expected before it knew how they went, as on a device, which
    /// has a bundle only after it was trained.
    Window,
    /// Those before too, whose labels towers and ranker were trained on: the residuals that are left of them are not those
    /// that a device sees.
    All,
}

/// A figure without the head, with it, and the difference in pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Paired {
    /// Without the head.
    pub without: f64,
    /// With it.
    pub with: f64,
    /// With minus without, the same users drawn for both.
    pub difference: Interval,
}

/// What the head does for some users.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Users with a slate.
    pub users: usize,
    /// Slates.
    pub slates: usize,
    /// Share of the slates at which the head acted.
    pub acting: f64,
    /// Mean chance of the first ten, in a world whose truth is known.
    pub true_precision_at_10: Option<Paired>,
    /// The same without fatigue and with it, both without the head.
    pub fatigue_true_precision_at_10: Option<Paired>,
    /// The same of the order alone, without diversity: the ranker's, and with a head of the same features that knew the
    /// taste of that moment as well as they can say it.
    pub knowing_head_true_precision_at_10: Option<Paired>,
    /// The ranker's order alone, and that of the truth: what these candidates have to give.
    pub truth_true_precision_at_10: Option<Paired>,
    /// Share of the first ten that came true, of slates after which something did.
    pub precision_at_10: Paired,
    /// The same without fatigue and with it, both without the head.
    pub fatigue_precision_at_10: Paired,
    /// Impressions of the window.
    pub impressions: usize,
    /// Mean log loss of an impression, nats: lower is better.
    pub log_loss: Paired,
    /// Mean of the users' own areas under the ROC curve, weighted by impressions.
    pub user_auc: Paired,
}

/// What the head does, by group of users.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonalReport {
    /// Data set.
    pub dataset: String,
    /// Bundle.
    pub bundle: String,
    /// How the head was tuned.
    pub tuning: Tuning,
    /// By the group's name.
    pub groups: BTreeMap<&'static str, Group>,
}

/// Slates of a visit before those of the heads: as the ranker has it, with fatigue.
const WAYS: usize = 2;

/// The slates of one visit.
#[derive(Debug, Clone)]
struct Shown {
    /// Of each head, whether it acted.
    acts: Vec<bool>,
    /// Of the ranker's slate, that with fatigue, and that with each head; `None` where nothing came true afterwards.
    precision: Option<Vec<f64>>,
    /// The truth of the same slates, where it is known.
    chance: Option<Vec<f64>>,
    /// What there was to reach, where the truth is known.
    ceiling: Option<[f64; 3]>,
}

/// One impression: logits of the ranker and with each head; for the order, without the viewer's level, which goes up and
/// down between the impressions of one user.
#[derive(Debug, Clone)]
struct Foretold {
    relevant: bool,
    logits: Vec<f32>,
    orders: Vec<f32>,
}

/// All of one user.
#[derive(Debug, Clone)]
struct User {
    row: u32,
    slates: Vec<Shown>,
    impressions: Vec<Foretold>,
}

/// Judges heads on a bundle's test window, on at most `most` users, evenly spaced: a report for each tuning. Where the data
/// set says what world it was simulated in, those who drift there and the others are groups of their own.
///
/// # Errors
/// As [`evaluate`](super::evaluate).
pub fn personal(
    data: &Dataset,
    bundle: &Bundle,
    most: usize,
    evidence: Evidence,
    tunings: &[Tuning],
) -> Result<Vec<PersonalReport>, Error> {
    let world = data.meta.world.as_ref().map(world).transpose()?;
    on_ground(data, bundle, (Options::default().diversity, None), |ground| {
        let users = judge(ground, world.as_ref(), most, evidence, tunings)?;
        let drifts = |user: &&User| {
            let people = world.as_ref().map(|world| &world.people);
            people.is_some_and(|people| people[user.row as usize].drift.is_some())
        };
        let (moved, others): (Vec<&User>, Vec<&User>) = users.iter().partition(drifts);
        let everybody: Vec<&User> = users.iter().collect();
        let report = |(head, tuning): (usize, &Tuning)| {
            let mut groups = BTreeMap::from([("all", group(&everybody, head))]);
            if !moved.is_empty() {
                groups.insert("drifting", group(&moved, head));
                groups.insert("others", group(&others, head));
            }
            PersonalReport {
                dataset: data.meta.name.clone(),
                bundle: bundle.id.clone(),
                tuning: *tuning,
                groups,
            }
        };
        Ok(tunings.iter().enumerate().map(report).collect())
    })
}

fn judge(
    ground: &Ground<'_>,
    world: Option<&World>,
    most: usize,
    evidence: Evidence,
    tunings: &[Tuning],
) -> Result<Vec<User>, Error> {
    let stage = &ground.stage;
    let everyone = spaced(visitors(ground.test, ground.seen), most);
    let expected = expected(ground, &everyone, evidence)?;
    let mut impressions: BTreeMap<u32, Vec<(&Encounter, bool)>> = BTreeMap::new();
    ground
        .test
        .iter()
        .for_each(|(e, relevant)| impressions.entry(e.user).or_default().push((e, *relevant)));
    let progress = Progress::start("personal", everyone.len() as u64);
    let users = everyone.par_iter().map(|visitor| {
        let mut events = stage
            .moments
            .pasts
            .of(visitor.user, Some(&stage.catalogue.vectors), stage.moments.factors);
        for (event, row) in events.iter_mut().zip(stage.moments.pasts.rows(visitor.user)) {
            event.expected = expected.get(row).copied();
        }
        let own = impressions.get(&visitor.user).map_or(&[][..], Vec::as_slice);
        let visits = visits(own)
            .into_iter()
            .map(|first| slates(stage, world, &own[first..], &events, tunings));
        let slates = visits.collect::<Result<_, Error>>()?;
        let foretell = |(e, relevant): &(&Encounter, bool)| {
            let alone = expected.get(&e.row).copied()?;
            let (past, spec) = (before(&events, e.at_ms), stage.moments.spec);
            let met = encounters(spec.seed, past, e.at_ms);
            let vector = stage.catalogue.vectors.row(e.video)?;
            let mut foretold = Foretold {
                relevant: *relevant,
                logits: vec![alone],
                orders: vec![alone],
            };
            for tuning in tunings {
                let head = Personal::of(tuning, spec.vector_dim as usize, past, &met, e.at_ms);
                let [of_relevance, of_order] = head.shift(vector, stage.moments.data.length_of(e.video));
                foretold.logits.push(alone + of_relevance);
                foretold.orders.push(alone + of_order);
            }
            Some(foretold)
        };
        progress.add(1);
        Ok(User {
            row: visitor.user,
            slates,
            impressions: own.iter().filter_map(foretell).collect(),
        })
    });
    let users = users.collect();
    progress.finish();
    users
}

/// Where visits begin in a user's impressions, in order of time.
fn visits(own: &[(&Encounter, bool)]) -> Vec<usize> {
    let begins = |at: &usize| *at == 0 || own[*at].0.at_ms - own[*at - 1].0.at_ms > VISIT_MS;
    (0..own.len()).filter(begins).take(VISITS).collect()
}

/// The slates of the visit that begins with the first of these impressions of a user: as the ranker has it, with fatigue,
/// with each head.
fn slates(
    stage: &Stage<'_>,
    world: Option<&World>,
    ahead: &[(&Encounter, bool)],
    events: &[PastEvent<'_>],
    tunings: &[Tuning],
) -> Result<Shown, Error> {
    let (data, first) = (stage.moments.data, ahead[0].0);
    let candidates = stage.catalogue.candidates(first.user);
    let block = stage.catalogue.block(&candidates)?;
    let profile = data.profile(first.user, Some(first.row as usize));
    let context = data.context(first.row as usize);
    let past = before(events, first.at_ms);
    let came_true = |row: &u32| ahead.iter().any(|(e, relevant)| *relevant && e.video == *row);
    let anything = ahead.iter().any(|(_, relevant)| *relevant);
    let person = world.map(|world| (world, &world.people[first.user as usize]));
    let mut shown = Shown {
        acts: Vec::new(),
        precision: anything.then(Vec::new),
        chance: person.map(|_| Vec::new()),
        ceiling: None,
    };
    let asks = [(0.0, 0.0), (0.0, 1.0)].map(|ask| (Tuning::CURRENT, ask));
    let heads = tunings.iter().map(|tuning| (*tuning, (1.0, 0.0)));
    for (way, (tuning, (personal, fatigue))) in asks.into_iter().chain(heads).enumerate() {
        let options = Options {
            size: PLACES,
            personal,
            fatigue,
            ..Options::default()
        };
        let made = stage
            .engines
            .with(|engine| compose_with(&tuning, engine, stage.model, &block, &profile, past, &context, &options))?;
        let rows: Vec<u32> = made.items.iter().map(|item| candidates[item.row]).collect();
        if let Some(precision) = &mut shown.precision {
            let hits: Vec<bool> = rows.iter().map(came_true).collect();
            precision.push(precision_at(&hits, PLACES).unwrap_or(0.0));
        }
        if let (Some(chance), Some((world, person))) = (&mut shown.chance, person) {
            let sum: f64 = rows.iter().map(|row| chance_of(world, person, *row, &context)).sum();
            chance.push(sum / PLACES as f64);
        }
        if way >= WAYS {
            shown.acts.push(made.personal.acts());
        }
    }
    if let Some((world, person)) = person {
        let chances: Vec<f64> = candidates
            .iter()
            .map(|row| chance_of(world, person, *row, &context))
            .collect();
        shown.ceiling = Some(oracle::ceiling(stage, &block, &profile, past, &context, &chances)?);
    }
    Ok(shown)
}

/// The chance that a person would find a video relevant there and then.
fn chance_of(world: &World, person: &Person, video: u32, context: &Context) -> f64 {
    let device = context.device.as_deref().and_then(device);
    let moment = moment_at(person, context.now_ms, device.unwrap_or_default());
    moment.map_or(0.0, |moment| probability(person, &world.clips[video as usize], &moment))
}

/// The ranker's logits, by the row that opened the encounter, of the latest encounters of these users.
fn expected(ground: &Ground<'_>, users: &[Visitor], evidence: Evidence) -> Result<BTreeMap<u32, f32>, Error> {
    let (stage, moments) = (&ground.stage, ground.stage.moments);
    let mut left = vec![0; moments.data.users.len()];
    users.iter().for_each(|visitor| left[visitor.user as usize] = EARLIER);
    let labelled = ground
        .met
        .iter()
        .rev()
        .filter(|e| e.outcome.shown && e.label().is_some())
        .filter(|e| evidence == Evidence::All || e.at_ms >= stage.from_ms);
    let mut wanted: Vec<&Encounter> = Vec::new();
    for e in labelled {
        if left[e.user as usize] > 0 {
            left[e.user as usize] -= 1;
            wanted.push(e);
        }
    }
    let progress = Progress::start("ranker", wanted.len() as u64);
    let logits = moments.map(&wanted, &stage.catalogue.vectors, |moment| {
        progress.add(1);
        stage.engines.with(|engine| {
            let vector = engine.user_vector(&moment.encoded)?;
            let viewer = ViewerState::new(moments.spec, &moment.context, moment.past, &moment.encoded, &vector);
            let row = signals(&viewer, &stage.catalogue.candidate(moment.encounter.video));
            let logits = engine.rank(&row, 1)?;
            Ok(logits.first().copied().unwrap_or(f32::NAN))
        })
    })?;
    progress.finish();
    Ok(wanted.iter().zip(logits).map(|(e, logit)| (e.row, logit)).collect())
}

/// The figures of these users, with the head of this number.
fn group(users: &[&User], head: usize) -> Group {
    let slates = || users.iter().flat_map(|user| &user.slates);
    let count = slates().count();
    let loss = |side: usize| {
        move |user: &&User| {
            let of = |f: &Foretold| {
                let against = f64::from(if f.relevant { -f.logits[side] } else { f.logits[side] });
                against.max(0.0) + (-against.abs()).exp().ln_1p()
            };
            (user.impressions.iter().map(of).sum(), user.impressions.len() as f64)
        }
    };
    let area = |side: usize| {
        move |user: &&User| {
            let scores: Vec<f32> = user.impressions.iter().map(|f| f.orders[side]).collect();
            let labels: Vec<bool> = user.impressions.iter().map(|f| f.relevant).collect();
            let weight = scores.len() as f64;
            roc_auc(&scores, &labels).map_or((0.0, 0.0), |auc| (auc * weight, weight))
        }
    };
    let each = |of: &dyn Fn(&&User) -> (f64, f64)| users.iter().map(of).collect::<Vec<_>>();
    let of_slates = |of: &dyn Fn(&Shown) -> Option<f64>| {
        each(&|user: &&User| {
            let figures = || user.slates.iter().filter_map(of);
            (figures().sum(), figures().count() as f64)
        })
    };
    let precision = |way: usize| of_slates(&|slate| slate.precision.as_ref().map(|all| all[way]));
    let chance = |way: usize| of_slates(&|slate| slate.chance.as_ref().map(|all| all[way]));
    let ceiling = |way: usize| of_slates(&|slate| slate.ceiling.map(|all| all[way]));
    let known = slates().any(|slate| slate.chance.is_some());
    let with = WAYS + head;
    Group {
        users: users.iter().filter(|user| !user.slates.is_empty()).count(),
        slates: count,
        acting: slates().filter(|slate| slate.acts[head]).count() as f64 / count.max(1) as f64,
        true_precision_at_10: known.then(|| paired(&chance(0), &chance(with))),
        fatigue_true_precision_at_10: known.then(|| paired(&chance(0), &chance(1))),
        knowing_head_true_precision_at_10: known.then(|| paired(&ceiling(0), &ceiling(1))),
        truth_true_precision_at_10: known.then(|| paired(&ceiling(0), &ceiling(2))),
        precision_at_10: paired(&precision(0), &precision(with)),
        fatigue_precision_at_10: paired(&precision(0), &precision(1)),
        impressions: users.iter().map(|user| user.impressions.len()).sum(),
        log_loss: paired(&each(&loss(0)), &each(&loss(1 + head))),
        user_auc: paired(&each(&area(0)), &each(&area(1 + head))),
    }
}

/// Means of sums with weights, one pair for each user on either side.
fn paired(without: &[(f64, f64)], with: &[(f64, f64)]) -> Paired {
    let mean = |values: &[(f64, f64)], times: &dyn Fn(usize) -> f64| {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (user, (value, of)) in values.iter().enumerate() {
            sum += times(user) * value;
            weight += times(user) * of;
        }
        sum / weight
    };
    let once = |_: usize| 1.0;
    let (a, b) = (mean(without, &once), mean(with, &once));
    let draws = (0..DRAWS).map(|number| {
        let drawn = draw(without.len().max(1), number);
        let times = |user: usize| drawn[user];
        mean(with, &times) - mean(without, &times)
    });
    Paired {
        without: a,
        with: b,
        difference: Interval::of(b - a, draws),
    }
}

impl PersonalReport {
    /// As text for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        let Tuning {
            variance,
            half_life_days,
            least_gain,
            gain_kept,
        } = self.tuning;
        let mut text = format!(
            "{}: the device without the personal head and with it; variance {variance}, half-life {half_life_days} days, \
             least gain {least_gain}, of which {gain_kept} is kept\n",
            self.dataset
        );
        for (name, group) in &self.groups {
            let _ = writeln!(
                text,
                "{name}: {} users, {} slates, at {:.1} % of them the head acts; {} impressions",
                group.users,
                group.slates,
                100.0 * group.acting,
                group.impressions
            );
            for (what, figure) in [
                ("true P@10", group.true_precision_at_10),
                ("by fatigue", group.fatigue_true_precision_at_10),
                ("if it knew", group.knowing_head_true_precision_at_10),
                ("the truth", group.truth_true_precision_at_10),
                ("P@10", Some(group.precision_at_10)),
                ("by fatigue", Some(group.fatigue_precision_at_10)),
                ("log loss", Some(group.log_loss)),
                ("user_auc", Some(group.user_auc)),
            ] {
                let Some(figure) = figure else { continue };
                let Paired {
                    without,
                    with,
                    difference: d,
                } = figure;
                let _ = writeln!(
                    text,
                    "  {what:10} {without:.4} → {with:.4}, difference {:+.4} [{:+.4}, {:+.4}]",
                    d.value, d.low, d.high
                );
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tempfile::TempDir;

    use super::super::fixture::{bundle, drifting};
    use super::*;

    #[test]
    fn every_user_is_in_one_group_and_the_intervals_hold_their_figures() {
        let (mut data, dir) = (drifting(5), TempDir::new().unwrap());
        let bundle = bundle(&data, &dir);
        let tunings = [Tuning::CURRENT, Tuning::FIRST];
        let reports = personal(&data, &bundle, 1000, Evidence::All, &tunings).unwrap();
        let (report, first) = (&reports[0], &reports[1]);
        let [all, drifting, others] = ["all", "drifting", "others"].map(|name| &report.groups[name]);
        assert_eq!(all.users, drifting.users + others.users);
        assert_eq!(all.impressions, drifting.impressions + others.impressions);
        assert!(drifting.impressions > 0 && others.slates > 0);
        for group in report.groups.values() {
            for figure in [
                group.precision_at_10,
                group.fatigue_precision_at_10,
                group.log_loss,
                group.user_auc,
            ] {
                let d = figure.difference;
                assert!((d.value - (figure.with - figure.without)).abs() < 1e-12);
                assert!(d.low <= d.value && d.value <= d.high, "{figure:?}");
            }
            assert_eq!(group.precision_at_10.without, group.fatigue_precision_at_10.without);
            let chance = group.true_precision_at_10.unwrap();
            assert!(chance.without > 0.0 && chance.without < 1.0, "{chance:?}");
            let (knowing, truth) = (
                group.knowing_head_true_precision_at_10,
                group.truth_true_precision_at_10,
            );
            let (knowing, truth) = (knowing.unwrap(), truth.unwrap());
            assert_eq!(knowing.without, truth.without);
            assert!(knowing.difference.low > 0.0, "{knowing:?}");
            assert!(truth.with > knowing.with, "nothing is above the truth: {truth:?}");
        }
        assert_eq!([report.tuning, first.tuning], tunings);
        let without = |report: &PersonalReport| report.groups["all"].true_precision_at_10.unwrap().without;
        assert_eq!(without(report), without(first), "the same visits");
        assert!(first.groups["all"].acting <= all.acting, "it asked for more");
        assert!(report.table().contains("drifting"));
        data.meta.world = None;
        let untold = personal(&data, &bundle, 1000, Evidence::All, &tunings[..1])
            .unwrap()
            .swap_remove(0);
        assert_eq!(untold.groups.len(), 1);
        assert_eq!(untold.groups["all"].true_precision_at_10, None);
        assert_eq!(untold.groups["all"].log_loss, all.log_loss);
    }

    #[test]
    fn a_paired_difference_is_that_of_the_means() {
        let without = [(1.0, 2.0), (0.0, 1.0), (2.0, 2.0)];
        let with = [(2.0, 2.0), (1.0, 1.0), (2.0, 2.0)];
        let found = paired(&without, &with);
        assert!((found.without - 0.6).abs() < 1e-12 && (found.with - 1.0).abs() < 1e-12);
        assert!(found.difference.low < 0.4 && found.difference.high > 0.4);
    }
}
