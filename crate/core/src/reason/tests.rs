#![allow(clippy::unwrap_used)]
//! Four candidates that differ in one quality each; a test fails where a code has no case.
use super::*;

const NOW: i64 = 1_700_000_000_000;
const ROWS: [[i8; 2]; 4] = [[127, 0], [0, 127], [-127, 0], [0, -127]];
const OLD: i64 = NOW - 30 * 86_400_000;

fn row(values: &'static [i8]) -> QuantRow<'static> {
    QuantRow {
        scale: 1.0 / 127.0,
        values,
    }
}

/// Alike in all but their vectors.
fn candidates() -> [Facts<'static>; 4] {
    [0, 1, 2, 3].map(|i| Facts {
        vector: row(&ROWS[i]),
        affinity: 0.0,
        log_popularity: 1.0,
        published_at_ms: Some(OLD),
    })
}

fn grounds<'a>(history: &'a [PastEvent<'a>]) -> Grounds<'a> {
    Grounds {
        now_ms: NOW,
        history,
        cold: true,
        moment: &[],
    }
}

fn past(kind: EventKind, video: &'static str, fraction: Option<f32>, at_ms: i64) -> PastEvent<'static> {
    PastEvent {
        video: Some(video),
        fraction,
        vector: Some(row(&[127, 10])),
        ..PastEvent::new(kind, at_ms)
    }
}

fn all(candidates: &[Facts<'_>], grounds: &Grounds<'_>, asked: core::ops::Range<usize>) -> Vec<Reason> {
    let mut directions = UnitRows::new(2, candidates.len());
    candidates.iter().for_each(|c| directions.push_levels(c.vector.values));
    explain(candidates, &directions, grounds, asked)
}

fn first(candidates: &[Facts<'_>], grounds: &Grounds<'_>) -> (ReasonCode, Option<String>) {
    let reason = all(candidates, grounds, 0..1).remove(0);
    (reason.code, reason.video)
}

#[test]
fn like_a_finished_video() {
    let history = [past(EventKind::Watch, "w", Some(0.9), NOW - 1)];
    assert_eq!(
        first(&candidates(), &grounds(&history)),
        (ReasonCode::SimilarToWatched, Some("w".into()))
    );
}

#[test]
fn like_a_liked_video_also_where_it_was_finished_later() {
    let history = [
        past(EventKind::Like, "w", None, NOW - 5),
        past(EventKind::Watch, "w", Some(0.9), NOW - 1),
    ];
    assert_eq!(
        first(&candidates(), &grounds(&history)),
        (ReasonCode::SimilarToLiked, Some("w".into()))
    );
}

#[test]
fn what_was_not_relevant_or_is_yet_to_come_is_no_ground() {
    let history = [
        past(EventKind::Watch, "w", Some(0.1), NOW - 1),
        past(EventKind::Like, "x", None, NOW),
    ];
    assert_eq!(first(&candidates(), &grounds(&history)).0, ReasonCode::Popular);
}

#[test]
fn the_collaborative_factor_is_taste() {
    let mut candidates = candidates();
    candidates[0].affinity = 1.0;
    let grounds = Grounds {
        cold: false,
        ..grounds(&[])
    };
    assert_eq!(first(&candidates, &grounds).0, ReasonCode::Taste);
}

#[test]
fn the_most_popular_is_popular() {
    let mut candidates = candidates();
    candidates[0].log_popularity = 5.0;
    assert_eq!(first(&candidates, &grounds(&[])).0, ReasonCode::Popular);
}

#[test]
fn a_week_old_at_most_is_new() {
    let mut candidates = candidates();
    candidates[0].published_at_ms = Some(NOW - WEEK_MS + 1);
    assert_eq!(first(&candidates, &grounds(&[])).0, ReasonCode::New);
    candidates[0].published_at_ms = Some(NOW - WEEK_MS);
    assert_ne!(first(&candidates, &grounds(&[])).0, ReasonCode::New);
    candidates[0].published_at_ms = Some(NOW + 1);
    assert_ne!(first(&candidates, &grounds(&[])).0, ReasonCode::New);
}

#[test]
fn an_hour_that_makes_a_difference_is_the_reason_and_a_trifle_is_not() {
    let moment = Grounds {
        moment: &[0.4, 0.0],
        ..grounds(&[])
    };
    assert_eq!(first(&candidates(), &moment).0, ReasonCode::ForThisMoment);
    let trifle = Grounds {
        moment: &[0.04, 0.0],
        ..grounds(&[])
    };
    assert_ne!(first(&candidates(), &trifle).0, ReasonCode::ForThisMoment);
}

#[test]
fn without_any_ground_a_newcomer_is_told_the_truth_and_a_known_viewer_too() {
    assert_eq!(first(&candidates(), &grounds(&[])).0, ReasonCode::Popular);
    let known = Grounds {
        cold: false,
        ..grounds(&[])
    };
    assert_eq!(first(&candidates(), &known).0, ReasonCode::Taste);
}

#[test]
fn who_is_asked_for_changes_no_reason() {
    let history = [past(EventKind::Watch, "w", Some(0.9), NOW - 1)];
    let mut candidates = candidates();
    candidates[2].log_popularity = 9.0;
    let every = all(&candidates, &grounds(&history), 0..4);
    assert_eq!(every.len(), 4);
    for (at, reason) in every.iter().enumerate() {
        assert_eq!(all(&candidates, &grounds(&history), at..at + 1).first(), Some(reason));
    }
}

#[test]
fn no_candidates_need_no_reasons() {
    assert!(all(&[], &grounds(&[]), 0..3).is_empty());
}

#[test]
fn every_code_of_an_explanation_has_a_case() {
    let source = include_str!("tests.rs");
    for code in ReasonCode::ALL.into_iter().filter(|c| *c != ReasonCode::Explore) {
        assert!(source.contains(&format!("ReasonCode::{code:?}")), "{}", code.as_str());
    }
}

#[test]
fn equal_values_stand_out_in_nothing() {
    let equal = Deviation::of(vec![0.1; 7]);
    assert_eq!([0, 1, 2, 3, 4, 5, 6].map(|at| equal.strength(at)), [0.0; 7]);
    let unequal = Deviation::of(vec![1.0, 1.0, 1.0, 5.0]);
    assert!(unequal.strength(3) > 1.7 && unequal.strength(0) < 0.0);
}
