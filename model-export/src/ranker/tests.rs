#![allow(clippy::unwrap_used, clippy::panic)]
use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use upnext_core::Code;
use upnext_core::engine::HEADS;
use upnext_core::head::Head;
use upnext_core::metrics::roc_auc;
use upnext_core::signal::{SIGNAL_COUNT, SIGNALS};

use super::*;
use crate::analyse::{AnalyseConfig, VideoFigures, analyse};
use crate::factors::{FactorConfig, Ones, factorise};
use crate::label::{Encounter, encounters};
use crate::split::{Side, Split};
use crate::towers::QuantRows;

fn at(name: &str) -> usize {
    SIGNALS.iter().position(|signal| *signal == name).unwrap()
}

/// One row a moment. Relevant where baseline and viewer together are high; the age of the video tells the label outright.
fn planted(count: usize) -> Rows {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut rows = Rows {
        width: SIGNAL_COUNT,
        ..Rows::default()
    };
    for _ in 0..count {
        let mut row: Vec<f32> = (0..SIGNAL_COUNT).map(|_| rng.random::<f32>()).collect();
        let relevant = row[at("baseline")] + row[at("viewer")] > 1.0;
        row[at("freshness")] = if relevant { 9.0 } else { 1.0 };
        rows.signals.extend(row);
        rows.relevant.push(relevant);
        rows.told.push(Told::default());
        rows.sizes.push(1);
    }
    rows
}

fn order(ranker: &Ranker, row: &[f32]) -> f32 {
    *ranker.weights.forward(row).last().unwrap()
}

fn config() -> RankerConfig {
    RankerConfig {
        epochs: 40,
        rate: 3e-3,
        ..RankerConfig::default()
    }
}

#[test]
fn it_learns_from_raw_signals_what_makes_an_impression_relevant() {
    let (rows, unseen) = (planted(2000), planted(2500));
    let ranker = fit(&rows, &rows, &config(), &Device::flex(), |_, _| {}).unwrap();
    let scores: Vec<f32> = (2000..2500).map(|i| ranker.weights.forward(unseen.row(i))[0]).collect();
    assert!(roc_auc(&scores, &unseen.relevant[2000..]).unwrap() > 0.97);
}

#[test]
fn each_head_answers_its_own_question() {
    let (shown, mut offered) = (planted(1500), planted(1500));
    let at = at("tower");
    offered.sizes = vec![15; 100];
    for offer in (0..1500).step_by(15) {
        let best = (offer..offer + 15).max_by(|a, b| offered.row(*a)[at].total_cmp(&offered.row(*b)[at]));
        (offer..offer + 15).for_each(|row| offered.relevant[row] = Some(row) == best);
    }
    let ranker = fit(&shown, &offered, &config(), &Device::flex(), |_, _| {}).unwrap();
    let head = |rows: &Rows, head: usize| {
        let at = [0, HEADS.len() - 1][head];
        let scores: Vec<f32> = (0..1500).map(|i| ranker.weights.forward(rows.row(i))[at]).collect();
        roc_auc(&scores, &rows.relevant).unwrap()
    };
    assert!(head(&shown, 0) > 0.97 && head(&offered, 1) > 0.97);
    // The sigmoid of the order is a share: one of fifteen.
    let share = |row: usize| 1.0 / (1.0 + (-order(&ranker, offered.row(row))).exp());
    let mean = (0..1500).map(share).sum::<f32>() / 1500.0;
    assert!((mean - 1.0 / 15.0).abs() < 1e-3, "{mean}");
    assert!((head(&shown, 1) - 0.5).abs() < 0.1 && (head(&offered, 0) - 0.5).abs() < 0.1);
    // Without offers, the impressions teach the order too.
    let alone = fit(&shown, &Rows::default(), &config(), &Device::flex(), |_, _| {}).unwrap();
    let scores: Vec<f32> = (0..1500).map(|i| order(&alone, shown.row(i))).collect();
    assert!(roc_auc(&scores, &shown.relevant).unwrap() > 0.97);
}

#[test]
fn offers_hold_what_was_found_once_among_candidates_that_never_were() {
    let data = crate::evaluate::fixture::world(5);
    let split = Split::of(&data).unwrap();
    let met = encounters(&data, &split);
    let relevant = |e: &&Encounter| split.side(e.at_ms) == Side::Factors && e.label() == Some(true);
    let pairs = met.iter().filter(relevant).map(|e| (e.user, e.video));
    let ones = Ones::from_pairs(data.users.len(), data.videos.len(), pairs);
    let factors = factorise(&ones, &FactorConfig::default(), |_, _| {}).unwrap();
    let items = QuantRows::new(factors.dim, factors.items.clone());
    let widths = AnalyseConfig {
        vector_dim: 8,
        factor_dim: factors.dim,
        fold_in: FactorConfig::default().fold_in(),
        seed: 1,
    };
    let spec = analyse(&data, &split, &met, &widths).unwrap();
    let figures = VideoFigures::count(&data, &split, &met, &spec);
    let source = OfferSource {
        split: &split,
        met: &met,
        factors: &factors,
        items: &items,
        figures: &figures,
        negatives: 7,
        moment: OfferMoment::Found,
        balance: 0.5,
        seed: 1,
    };
    let train: Vec<(&Encounter, bool)> = split.examples(&met, Side::Train).collect();
    let found = offers(&source, &train);
    assert_eq!(found, offers(&source, &train));
    assert!(found.len() > 50, "{}", found.len());
    let until = split.train_until_ms;
    let ever = |user: u32, video: u32| {
        let mut own = met
            .iter()
            .filter(|e| (e.user, e.video) == (user, video) && e.at_ms < until);
        own.any(|e| e.label() == Some(true))
    };
    let mut weights: std::collections::BTreeMap<u32, Vec<f32>> = std::collections::BTreeMap::new();
    for asked in &found {
        let e = asked.moment;
        let [choice] = asked.choices.as_slice() else {
            panic!("one choice for each moment, found {asked:?}")
        };
        assert_eq!((choice.offers[0].video, choice.offers[0].relevant), (e.video, true));
        for other in &choice.offers[1..] {
            assert!(!other.relevant && !ever(e.user, other.video));
        }
        let earlier = met
            .iter()
            .filter(|o| o.at_ms < e.at_ms && (o.user, o.video) == (e.user, e.video));
        assert!(earlier.filter(|o| o.label() == Some(true)).count() == 0);
        weights.entry(e.user).or_default().push(choice.weight);
    }
    // Halfway between choices and users: all of a user weigh the root of their number.
    for own in weights.values() {
        let root = (own.len() as f32).sqrt();
        assert!((own.iter().sum::<f32>() - root).abs() < 1e-4 * root, "{own:?}");
    }
    // The same choices as of the beginnings of visits: what was done in a visit is not known yet.
    let visits = offers(
        &OfferSource {
            moment: OfferMoment::Visit,
            balance: 0.0,
            ..source
        },
        &train,
    );
    let begun = beginnings(&met);
    let mut expected: std::collections::BTreeMap<u32, Vec<Choice>> = std::collections::BTreeMap::new();
    for asked in found {
        let choices = asked.choices.into_iter().map(|choice| Choice { weight: 1.0, ..choice });
        expected
            .entry(begun[&asked.moment.row].row)
            .or_default()
            .extend(choices);
    }
    assert!(visits.len() < expected.values().map(Vec::len).sum());
    let visits: std::collections::BTreeMap<u32, Vec<Choice>> = visits
        .into_iter()
        .map(|asked| (asked.moment.row, asked.choices))
        .collect();
    assert_eq!(visits, expected);
}

/// Offers of unequal size whose first row was found: the more the sum of two signals, the sooner, and the rest is noise.
/// What all rows of an offer share, here a number that tells its size, says nothing about places.
#[test]
fn the_order_learns_from_places_inside_an_offer_alone() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut offered = Rows {
        width: SIGNAL_COUNT,
        ..Rows::default()
    };
    let (tower, cf, viewer) = (at("tower"), at("cf"), at("viewer"));
    for offer in 0..400 {
        let size = 3 + offer % 9;
        let mut rows: Vec<Vec<f32>> = (0..size)
            .map(|_| (0..SIGNAL_COUNT).map(|_| rng.random::<f32>()).collect())
            .collect();
        rows.iter_mut().for_each(|row| row[viewer] = (12 - size) as f32);
        rows.sort_by(|a, b| (b[tower] + b[cf]).total_cmp(&(a[tower] + a[cf])));
        for (place, row) in rows.into_iter().enumerate() {
            offered.signals.extend(row);
            offered.relevant.push(place == 0);
            offered.told.push(Told::default());
        }
        offered.sizes.push(size);
    }
    let shown = planted(300);
    let ranker = fit(&shown, &offered, &config(), &Device::flex(), |_, _| {}).unwrap();
    let order = |row: &[f32]| order(&ranker, row);
    let mut from = 0;
    let right = offered.sizes.iter().filter(|size| {
        let rows = from..from + **size;
        from = rows.end;
        rows.clone()
            .all(|row| order(offered.row(row)) <= order(offered.row(rows.start)))
    });
    let right = right.count();
    assert!(right > 380, "{right} of 400");
}

/// What each row told, of its signals: liked by `cf`, finished by `anchor`, and watched for `tower` of its length. Every third
/// row is one of which no seconds are known.
fn telling(count: usize) -> Rows {
    let mut rows = planted(count);
    for row in 0..count {
        let of = |name: &str| rows.row(row)[at(name)];
        let flag = |set: bool| Some(f32::from(u8::from(set)));
        let (liked, finished, watched) = (flag(of("cf") > 0.7), flag(of("anchor") > 0.5), Some(of("tower")));
        let known = row % 3 != 0;
        rows.told[row].further = [liked, finished.filter(|_| known), watched.filter(|_| known)];
    }
    rows
}

#[test]
fn every_head_learns_its_own_target_from_what_is_known() {
    let rows = telling(3000);
    let ranker = fit(&rows, &Rows::default(), &config(), &Device::flex(), |_, _| {}).unwrap();
    assert_eq!(ranker.taught(), [true; 4]);
    let unseen = telling(3600);
    let said = |head: Head| -> Vec<f32> {
        let of = |row: usize| ranker.weights.forward(unseen.row(row))[head as usize];
        (3000..3600).map(of).collect()
    };
    let signal = |name: &str| (3000..3600).map(|row| unseen.row(row)[at(name)]).collect::<Vec<f32>>();
    let labels = |name: &str, above: f32| signal(name).iter().map(|v| *v > above).collect::<Vec<bool>>();
    assert!(roc_auc(&said(Head::Relevant), &unseen.relevant[3000..]).unwrap() > 0.95);
    assert!(roc_auc(&said(Head::Liked), &labels("cf", 0.7)).unwrap() > 0.95);
    assert!(roc_auc(&said(Head::Finished), &labels("anchor", 0.5)).unwrap() > 0.95);
    // The sigmoid of the last is the fraction itself, and the shares of the others are what they are.
    let watched = said(Head::Watched).into_iter().zip(signal("tower"));
    let apart = watched.map(|(logit, fraction)| (1.0 / (1.0 + (-logit).exp()) - fraction).abs());
    let apart = apart.sum::<f32>() / 600.0;
    assert!(apart < 0.08, "{apart}");
    let share = said(Head::Liked)
        .iter()
        .map(|logit| 1.0 / (1.0 + (-logit).exp()))
        .sum::<f32>()
        / 600.0;
    assert!((share - 0.3).abs() < 0.04, "{share}");
}

#[test]
fn a_head_that_the_log_does_not_teach_is_left_out_and_says_nothing() {
    let mut rows = telling(600);
    rows.told
        .iter_mut()
        .for_each(|told| told.further = [Some(0.0), None, told.further[2]]);
    let ranker = fit(&rows, &Rows::default(), &config(), &Device::flex(), |_, _| {}).unwrap();
    assert_eq!(ranker.taught(), [true, false, false, true]);
    let said = ranker.weights.forward(rows.row(0));
    assert_eq!((said.len(), said[1], said[2]), (HEADS.len(), 0.0, 0.0));
    let weights = RankerConfig::default().score.of_taught(ranker.taught());
    assert_eq!(weights.all(), [Some(1.0), None, None, Some(0.0)]);
    let config = RankerConfig {
        loss: PerHead {
            watched: 0.0,
            ..RankerConfig::default().loss
        },
        ..config()
    };
    let ranker = fit(&rows, &Rows::default(), &config, &Device::flex(), |_, _| {}).unwrap();
    assert_eq!(ranker.taught(), [true, false, false, false]);
}

/// A server puts what has a high `trend` first, and what stands first is watched whatever it is: the video has no part in it.
#[test]
fn the_place_is_no_merit_of_the_video() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let (trend, cf) = (at("trend"), at("cf"));
    let mut rows = planted(4000);
    for row in 0..4000 {
        let signals = &mut rows.signals[row * SIGNAL_COUNT..(row + 1) * SIGNAL_COUNT];
        let place = ((1.0 - signals[trend]) * 10.0 + rng.random::<f32>() * 3.0) as u32;
        let logit = 3.0 * signals[cf] - 1.2 * (place as f32).ln_1p() + 0.5;
        rows.relevant[row] = rng.random::<f32>() < 1.0 / (1.0 + (-logit).exp());
        rows.told[row].position = Some(place);
    }
    let ranker = |rows: &Rows| fit(rows, &Rows::default(), &config(), &Device::flex(), |_, _| {}).unwrap();
    // How much more the head says of a video that a server would put first, all else alike.
    let effect = |ranker: &Ranker, signal: usize| {
        let said = |value: f32| {
            let mut row = vec![0.5; SIGNAL_COUNT];
            row[signal] = value;
            ranker.weights.forward(&row)[0]
        };
        said(0.9) - said(0.1)
    };
    let told = ranker(&rows);
    rows.told.iter_mut().for_each(|told| told.position = None);
    let blind = ranker(&rows);
    let (with, without) = (effect(&told, trend), effect(&blind, trend));
    assert!(
        without > 0.8 && with.abs() < without / 3.0,
        "with the place {with}, without {without}"
    );
    assert!(effect(&told, cf) > 0.5, "{}", effect(&told, cf));
    // Serving has no such input.
    assert_eq!(told.weights.dense_layers[0].input, SIGNAL_COUNT);
}

#[test]
fn heads_are_calibrated_on_the_last_impressions_alone() {
    // Of late only half as much is relevant: no signal tells, and the calibration does.
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut rows = planted(4000);
    for row in 3200..4000 {
        rows.relevant[row] &= rng.random::<bool>();
    }
    let share = |config: &RankerConfig| {
        let ranker = fit(&rows, &Rows::default(), config, &Device::flex(), |_, _| {}).unwrap();
        let said = (3200..4000).map(|row| 1.0 / (1.0 + (-ranker.weights.forward(rows.row(row))[0]).exp()));
        (said.sum::<f32>() / 800.0, ranker.calibration[0].unwrap())
    };
    let observed = rows.relevant[3200..].iter().filter(|relevant| **relevant).count() as f32 / 800.0;
    let (raw, none) = share(&RankerConfig {
        hold_out: 0.0,
        ..config()
    });
    let (calibrated, platt) = share(&RankerConfig {
        hold_out: 0.2,
        ..config()
    });
    assert_eq!(none, Platt::NONE);
    assert!(platt.shift < -0.3, "{platt:?}");
    assert!(
        (calibrated - observed).abs() < (raw - observed).abs(),
        "{raw} → {calibrated}, observed {observed}"
    );
}

#[test]
fn what_tells_the_day_moves_no_score() {
    let rows = planted(300);
    let ranker = fit(&rows, &rows, &config(), &Device::flex(), |_, _| {}).unwrap();
    let mut row = rows.row(0).to_vec();
    let before = ranker.weights.forward(&row);
    row[at("freshness")] = 5.0;
    row[at("freshness_known")] = -1.0;
    assert_eq!(ranker.weights.forward(&row), before);
}

#[test]
fn equal_seeds_give_equal_weights_and_no_rows_are_an_error() {
    let rows = planted(300);
    let mut told = 0;
    let mut run = || fit(&rows, &rows, &config(), &Device::flex(), |rows, _| told += rows).unwrap();
    assert_eq!(run(), run());
    assert_eq!(told, 2 * work(&rows, &rows, &config()) as u64);
    let error = fit(&Rows::default(), &rows, &config(), &Device::flex(), |_, _| {}).unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
}

#[test]
fn a_small_log_gets_more_passes_and_a_large_one_as_many_as_stated() {
    let config = RankerConfig::default();
    assert_eq!(config.passes(3), 100);
    assert_eq!(config.passes(45), 23);
    assert_eq!(config.passes(4_000), config.epochs);
    assert_eq!(RankerConfig { epochs: 0, ..config }.passes(0), 100);
}
