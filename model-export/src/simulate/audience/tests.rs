#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::*;
use crate::simulate::{DAY_MS, START_MS};

const SMALL: Options = Options {
    users: 80,
    videos: 120,
    days: 28,
    seed: 6,
    drifting: 0.3,
};

fn ask(audience: &Audience, question: serde_json::Value) -> serde_json::Value {
    let question: Question = serde_json::from_value(question).unwrap();
    serde_json::to_value(audience.answer(&question).unwrap()).unwrap()
}

fn visits(audience: &Audience) -> Vec<Visit> {
    audience.visits(START_MS + 14 * DAY_MS, START_MS + 28 * DAY_MS)
}

fn shown(audience: &Audience, visit: usize, videos: &[&str]) -> Option<Shown> {
    let rows: Vec<u32> = videos
        .iter()
        .map(|id| audience.data.videos.ids.row(id).unwrap())
        .collect();
    audience.shown(visit, &rows)
}

#[test]
fn a_window_is_cut_into_windows_and_nothing_is_lost() {
    let audience = Audience::new(&SMALL).unwrap();
    let days: Vec<i64> = (14..=28).map(|day| START_MS + day * DAY_MS).collect();
    let whole = visits(&audience);
    assert!(whole.len() > 200 && whole.is_sorted_by_key(|visit| visit.at));
    let by_day: Vec<Visit> = days
        .windows(2)
        .flat_map(|day| audience.visits(day[0], day[1]))
        .collect();
    assert_eq!(by_day, whole);
    let videos = audience.videos(i64::MIN, i64::MAX);
    assert_eq!(videos.len(), audience.world.clips.len());
    assert!(videos.is_sorted_by_key(|published| published.video.published_at));
    let viewers: BTreeSet<String> = audience.viewers().into_iter().map(|viewer| viewer.id).collect();
    assert!(whole.iter().all(|visit| viewers.contains(&visit.viewer)));
}

#[test]
fn what_somebody_does_with_a_video_does_not_depend_on_what_stands_beside_it() {
    let audience = Audience::new(&SMALL).unwrap();
    let old: Vec<String> = audience.videos(i64::MIN, START_MS).into_iter().map(|v| v.id).collect();
    let ids: Vec<&str> = old.iter().map(String::as_str).take(8).collect();
    let of = |shown: &Shown, id: &str| -> Vec<(EventKind, Option<f32>)> {
        let own = shown.events.iter().filter(|event| event.video.as_deref() == Some(id));
        own.map(|event| (event.kind, event.seconds)).collect()
    };
    for visit in visits(&audience).iter().take(40) {
        let forth = shown(&audience, visit.visit, &ids).unwrap();
        let back: Vec<&str> = ids.iter().rev().copied().collect();
        let back = shown(&audience, visit.visit, &back).unwrap();
        assert!(ids.iter().all(|id| of(&forth, id) == of(&back, id)));
        assert_eq!(forth.done, back.done);
        assert_eq!(forth.until, back.until);
        assert!(forth.events.is_sorted_by_key(|event| event.at_ms) && forth.events[0].at_ms == visit.at);
        assert_eq!(forth.events[0].kind == EventKind::Search, visit.search.is_some());
    }
}

#[test]
fn chances_are_how_often_it_comes_true() {
    let audience = Audience::new(&Options { users: 400, ..SMALL }).unwrap();
    let old: Vec<String> = audience.videos(i64::MIN, START_MS).into_iter().map(|v| v.id).collect();
    let ids: Vec<&str> = old.iter().map(String::as_str).collect();
    let (mut expected, mut variance, mut found) = (0.0, 0.0, 0.0);
    for visit in visits(&audience).iter().take(150) {
        let shown = shown(&audience, visit.visit, &ids).unwrap();
        expected += shown.chances.iter().sum::<f64>();
        variance += shown.chances.iter().map(|p| p * (1.0 - p)).sum::<f64>();
        let relevant: BTreeSet<&str> = shown
            .events
            .iter()
            .filter(|event| {
                let row = event.video.as_deref().and_then(|id| audience.data.videos.ids.row(id));
                let fraction = fraction_watched(event.seconds, row.and_then(|row| audience.data.length_of(row)));
                upnext_core::relevant(event.kind == EventKind::Like, fraction)
            })
            .filter_map(|event| event.video.as_deref())
            .collect();
        found += relevant.len() as f64;
    }
    assert!(
        variance > 500.0 && (found - expected).abs() < 4.0 * variance.sqrt(),
        "{found}, expected {expected}"
    );
}

#[test]
fn nobody_sees_what_is_not_published_or_not_there() {
    let audience = Audience::new(&SMALL).unwrap();
    let first = &visits(&audience)[0];
    let later = audience.videos(first.at + 1, i64::MAX);
    assert!(!later.is_empty() && shown(&audience, first.visit, &[&later[0].id]).is_none());
    for question in [
        serde_json::json!({"ask": "shown", "visit": first.visit, "videos": ["v999999"]}),
        serde_json::json!({"ask": "shown", "visit": 1_000_000, "videos": []}),
        serde_json::json!({"ask": "past", "viewer": "nobody", "until": 0}),
    ] {
        let question: Question = serde_json::from_value(question).unwrap();
        assert!(audience.answer(&question).is_none(), "{question:?}");
    }
}

#[test]
fn answers_are_json_as_devices_and_servers_read_it() {
    let audience = Audience::new(&SMALL).unwrap();
    let viewers = ask(&audience, serde_json::json!({"ask": "viewers"}));
    assert!(viewers["viewers"].as_array().unwrap().len() > 70);
    assert!(
        viewers["viewers"]
            .as_array()
            .unwrap()
            .iter()
            .any(|viewer| viewer["drifts"].is_i64())
    );
    for viewer in viewers["viewers"].as_array().unwrap() {
        let text = viewer["profile"].to_string();
        upnext_core::Profile::from_json(text.as_bytes()).unwrap();
    }
    let half = START_MS + 14 * DAY_MS;
    let past = ask(
        &audience,
        serde_json::json!({"ask": "past", "viewer": "u000001", "until": half}),
    );
    let events = past["events"].as_array().unwrap();
    assert!(
        events
            .iter()
            .all(|event| event["atMs"].as_i64().unwrap() < half && event["kind"].is_string())
    );
    let gini = ask(&audience, serde_json::json!({"ask": "gini", "exposures": [0, 0, 0, 8]}));
    assert_eq!(gini["gini"], 0.75);
}
