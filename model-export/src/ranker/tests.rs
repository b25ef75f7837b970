#![allow(clippy::unwrap_used)]
use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use upnext_core::Code;
use upnext_core::metrics::roc_auc;
use upnext_core::signal::{SIGNAL_COUNT, SIGNALS};

use super::*;

fn at(name: &str) -> usize {
    SIGNALS.iter().position(|signal| *signal == name).unwrap()
}

/// Relevant where baseline and viewer together are high; the age of the video tells the label outright.
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
    }
    rows
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
    let ranker = fit(&rows, &config(), &Device::flex(), |_, _| {}).unwrap();
    let scores: Vec<f32> = (2000..2500).map(|i| ranker.forward(unseen.row(i))).collect();
    assert!(roc_auc(&scores, &unseen.relevant[2000..]).unwrap() > 0.97);
}

#[test]
fn what_tells_the_day_moves_no_score() {
    let rows = planted(300);
    let ranker = fit(&rows, &config(), &Device::flex(), |_, _| {}).unwrap();
    let mut row = rows.row(0).to_vec();
    let before = ranker.forward(&row);
    row[at("freshness")] = 5.0;
    row[at("freshness_known")] = -1.0;
    assert_eq!(ranker.forward(&row), before);
}

#[test]
fn equal_seeds_give_equal_weights_and_no_rows_are_an_error() {
    let rows = planted(300);
    let run = || fit(&rows, &config(), &Device::flex(), |_, _| {}).unwrap();
    assert_eq!(run(), run());
    let error = fit(&Rows::default(), &config(), &Device::flex(), |_, _| {}).unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
}

#[test]
fn a_small_log_gets_more_passes_and_a_large_one_as_many_as_stated() {
    let config = RankerConfig::default();
    assert_eq!(config.passes(600), 100);
    assert_eq!(config.passes(11_400), 23);
    assert_eq!(config.passes(1_000_000), config.epochs);
    assert_eq!(RankerConfig { epochs: 0, ..config }.passes(0), 100);
}
