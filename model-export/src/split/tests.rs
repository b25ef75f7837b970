#![allow(clippy::unwrap_used)]

use upnext_core::{Code, EventKind};

use super::*;
use crate::label::encounters;
use crate::table::{Builder, Interaction, Meta, User, Video};

fn log(times: &[i64], split: Option<(i64, i64)>) -> Dataset {
    let mut builder = Builder::new(Meta {
        split: split.map(|(factors_until_ms, train_until_ms)| SplitInstants {
            factors_until_ms,
            train_until_ms,
        }),
        ..Meta::default()
    });
    builder
        .user(&User {
            id: "u",
            ..User::default()
        })
        .unwrap();
    builder
        .video(&Video {
            id: "v",
            ..Video::default()
        })
        .unwrap();
    for at_ms in times {
        builder.interaction(&Interaction::new(0, 0, EventKind::Impression, *at_ms));
    }
    builder.finish()
}

#[test]
fn every_event_is_on_one_side_and_the_cut_belongs_to_the_later() {
    let data = log(&[9, 10, 19, 20, 1], Some((10, 20)));
    let split = Split::of(&data).unwrap();
    assert_eq!(split.rows(&data, Side::Factors), 0..2);
    assert_eq!(split.rows(&data, Side::Train), 2..4);
    assert_eq!(split.rows(&data, Side::Test), 4..5);
    assert_eq!(
        [9, 10, 19, 20].map(|t| split.side(t)),
        [Side::Factors, Side::Train, Side::Train, Side::Test]
    );
}

#[test]
fn without_a_stated_split_the_log_is_cut_at_60_and_80_percent_of_its_events() {
    let data = log(&(0..10).collect::<Vec<_>>(), None);
    let split = Split::of(&data).unwrap();
    assert_eq!((split.factors_until_ms, split.train_until_ms), (6, 8));
}

#[test]
fn an_empty_side_is_said_with_its_window() {
    let error = Split::of(&log(&[1, 2, 3], Some((2, 10)))).unwrap_err();
    assert_eq!(error.code(), Code::SplitEmpty);
    assert!(
        error.to_string().contains("test window [1970-01-01T00:00:00.01Z"),
        "{error}"
    );
    assert_eq!(Split::of(&log(&[5, 5, 5], None)).unwrap_err().code(), Code::SplitEmpty);
    assert_eq!(Split::of(&log(&[], None)).unwrap_err().code(), Code::SplitEmpty);
}

#[test]
fn instants_that_do_not_rise_are_refused() {
    assert_eq!(
        Split::of(&log(&[1, 2, 3], Some((3, 2)))).unwrap_err().code(),
        Code::ConfigInvalid
    );
}

#[test]
fn examples_are_the_labelled_impressions_of_their_window() {
    let data = log(&[1, 11, 12, 21], Some((10, 20)));
    let split = Split::of(&data).unwrap();
    let found = encounters(&data, &split);
    let at: Vec<i64> = split.examples(&found, Side::Train).map(|(e, _)| e.at_ms).collect();
    assert_eq!(at, [11, 12]);
}
