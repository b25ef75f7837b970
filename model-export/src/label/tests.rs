#![allow(clippy::unwrap_used)]

use super::*;
use crate::table::{Builder, Interaction, Meta, User, Video};

const SPLIT: Split = Split {
    factors_until_ms: 1_000_000_000,
    train_until_ms: 2_000_000_000,
};

/// Video, kind, instant, seconds, the source's judgement.
type Row = (u32, EventKind, i64, Option<f32>, Option<bool>);

/// One user, one video of 100 s, one of unknown length.
fn log(events: &[Row]) -> Dataset {
    let mut builder = Builder::new(Meta::default());
    builder
        .user(&User {
            id: "u",
            ..User::default()
        })
        .unwrap();
    for (id, length_seconds) in [("known", Some(100.0)), ("unknown", None)] {
        builder
            .video(&Video {
                id,
                length_seconds,
                ..Video::default()
            })
            .unwrap();
    }
    for (video, kind, at_ms, seconds, judged) in events {
        builder.interaction(&Interaction {
            seconds: *seconds,
            relevant: *judged,
            ..Interaction::new(0, *video, *kind, *at_ms)
        });
    }
    builder.finish()
}

fn labels(events: &[Row]) -> Vec<Option<bool>> {
    encounters(&log(events), &SPLIT).iter().map(Encounter::label).collect()
}

use EventKind::{Comment, Dislike, Impression, Like, NotInterested, Search, Watch};

#[test]
fn an_impression_alone_is_negative() {
    assert_eq!(labels(&[(0, Impression, 5, None, None)]), [Some(false)]);
}

#[test]
fn half_watched_is_relevant_and_less_is_not() {
    assert_eq!(
        labels(&[(0, Impression, 5, None, None), (0, Watch, 5, Some(50.0), None)]),
        [Some(true)]
    );
    assert_eq!(
        labels(&[(0, Impression, 5, None, None), (0, Watch, 5, Some(49.0), None)]),
        [Some(false)]
    );
}

#[test]
fn watches_of_one_occasion_add_up() {
    let events = [
        (0, Impression, 5, None, None),
        (0, Watch, 6, Some(30.0), None),
        (0, Watch, 99, Some(30.0), None),
    ];
    assert_eq!(labels(&events), [Some(true)]);
}

#[test]
fn each_impression_is_an_occasion_of_its_own() {
    let events = [
        (0, Impression, 5, None, None),
        (0, Watch, 6, Some(90.0), None),
        (0, Impression, 9, None, None),
    ];
    assert_eq!(labels(&events), [Some(true), Some(false)]);
}

#[test]
fn events_of_one_instant_may_come_in_any_order() {
    let events = [
        (0, Like, 5, None, None),
        (0, Watch, 5, Some(1.0), None),
        (0, Impression, 5, None, None),
    ];
    let data = log(&events);
    let found = encounters(&data, &SPLIT);
    assert_eq!(found.len(), 1);
    assert!(found[0].outcome.shown);
    assert_eq!(data.interactions.kind[found[0].row as usize], Impression);
    assert_eq!(found[0].label(), Some(true));
}

#[test]
fn a_rejection_outweighs_the_time_watched_and_a_like_outweighs_it() {
    let watched = [(0, Impression, 5, None, None), (0, Watch, 5, Some(90.0), None)];
    for rejection in [Dislike, NotInterested] {
        let mut events = watched.to_vec();
        events.push((0, rejection, 5, None, None));
        assert_eq!(labels(&events), [Some(false)]);
        events.push((0, Like, 5, None, None));
        assert_eq!(labels(&events), [Some(true)]);
    }
}

#[test]
fn unknown_is_not_negative() {
    // A watch of unknown fraction, with and without an impression, and a lone comment.
    assert_eq!(labels(&[(1, Watch, 5, Some(50.0), None)]), [None]);
    assert_eq!(
        labels(&[(1, Impression, 5, None, None), (1, Watch, 5, None, None)]),
        [None]
    );
    assert_eq!(labels(&[(0, Comment, 5, None, None)]), [None]);
}

#[test]
fn the_logs_own_judgement_counts_where_there_are_no_seconds() {
    assert_eq!(labels(&[(1, Watch, 5, None, Some(true))]), [Some(true)]);
    assert_eq!(labels(&[(1, Watch, 5, None, Some(false))]), [Some(false)]);
    // Seconds and length are known: they decide.
    assert_eq!(labels(&[(0, Watch, 5, Some(10.0), Some(true))]), [Some(false)]);
}

#[test]
fn a_label_never_knows_what_happened_after_its_window() {
    let cut = SPLIT.train_until_ms;
    let events = [(0, Impression, cut - 1, None, None), (0, Watch, cut, Some(90.0), None)];
    assert_eq!(labels(&events), [Some(false), Some(true)]);
}

#[test]
fn a_like_of_the_next_day_is_another_occasion() {
    let events = [(0, Impression, 5, None, None), (0, Like, 6 + ENCOUNTER_MS, None, None)];
    assert_eq!(labels(&events), [Some(false), Some(true)]);
}

#[test]
fn a_search_opens_no_encounter() {
    let mut builder = Builder::new(Meta::default());
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
    builder.interaction(&Interaction::new(0, NONE, Search, 4));
    builder.interaction(&Interaction::new(0, 0, Like, 5));
    let found = encounters(&builder.finish(), &SPLIT);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].video, found[0].at_ms), (0, 5));
}
