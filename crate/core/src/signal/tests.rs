#![allow(clippy::unwrap_used)]
use super::*;
use crate::feature::fixture::spec;
use crate::feature::spec::FeatureSpec;
use crate::feature::{EncodedUser, PastEvent, sigmoid};
use crate::{Context, EventKind};
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000_000;
const DAY: i64 = 86_400_000;
const VIDEOS: [&str; 4] = ["a", "b", "c", "d"];
const ROWS: [[i8; 4]; 4] = [[127, 0, 0, 0], [0, 127, 3, 0], [-60, 90, 127, 1], [50, -127, 3, 9]];

fn row(video: usize) -> QuantRow<'static> {
    QuantRow {
        scale: 1.0 / 127.0,
        values: &ROWS[video],
    }
}

fn context() -> Context {
    Context {
        now_ms: NOW,
        surface: Some("up-next".to_owned()),
        ..Context::default()
    }
}

fn user(factor: &[f32]) -> EncodedUser {
    EncodedUser {
        categorical: Vec::new(),
        dense: Vec::new(),
        factor: factor.to_vec(),
    }
}

fn candidate(video: usize) -> Candidate<'static> {
    Candidate {
        vector: row(video),
        factor: Some(QuantRow {
            scale: 0.5,
            values: &ROWS[video][..3],
        }),
        prior: 0.25,
        effect: -0.5,
        trend: 1.25,
        length_seconds: Some(30.0),
        published_at_ms: Some(NOW - DAY),
    }
}

fn named(
    spec: &FeatureSpec,
    history: &[PastEvent<'_>],
    factor: &[f32],
    of: &Candidate<'_>,
) -> impl Fn(&str) -> f32 + use<> {
    let encoded = user(factor);
    let vector = [0.6, 0.0, 0.8, 0.0];
    let values = signals(&ViewerState::new(spec, &context(), history, &encoded, &vector), of);
    move |name| values[SIGNALS.iter().position(|signal| *signal == name).unwrap()]
}

fn watch(days_ago: i64, video: usize, fraction: f32) -> PastEvent<'static> {
    PastEvent {
        video: Some(VIDEOS[video]),
        fraction: Some(fraction),
        length_seconds: Some(30.0),
        vector: Some(row(video)),
        surface: Some("up-next"),
        ..PastEvent::new(EventKind::Watch, NOW - days_ago * DAY)
    }
}

#[test]
fn each_signal_is_what_its_name_says() {
    let spec = spec();
    let like = PastEvent {
        kind: EventKind::Like,
        fraction: None,
        ..watch(3, 1, 0.0)
    };
    let history = [watch(5, 0, 0.9), watch(4, 2, 0.1), like];
    let signal = named(&spec, &history, &[0.0, 3.0, 4.0], &candidate(2));
    let cosine = |a: &[f32], b: &[i8]| {
        let dot: f32 = a.iter().zip(b).map(|(a, b)| a * f32::from(*b)).sum();
        let length = |v: f32| v.sqrt();
        let norm_b = length(b.iter().map(|b| f32::from(*b).powi(2)).sum());
        dot / (length(a.iter().map(|a| a * a).sum()) * norm_b)
    };
    let p = sigmoid(f64::from(spec.prior.log_odds(1, Some(30.0))));
    // The watches are one of two relevant, the like is a third, relevant; all at the same surface and length.
    let viewer = ((2.0 + 2.0) / (3.0 * p + 2.0)).ln() as f32;
    let x = (30.0_f32.ln() - 4.0) / 1.2;
    let b: Vec<f32> = ROWS[1].iter().map(|v| f32::from(*v)).collect();
    let expected = [
        ("tower", (0.6 * -60.0 + 0.8 * 127.0) / 127.0),
        ("cf", cosine(&[0.0, 3.0, 4.0], &ROWS[2][..3])),
        ("anchor", cosine(&b, &ROWS[2])),
        ("baseline", spec.prior.log_odds(1, Some(30.0))),
        ("prior", 0.25),
        ("effect", -0.5),
        ("length", x),
        ("length_squared", x * x),
        ("length_known", 1.0),
        ("viewer", viewer),
        ("like_rate", (1.5_f32 / 23.0).ln()),
        ("freshness", 2.0_f32.ln()),
        ("freshness_known", 1.0),
        ("affinity", 0.5 * (3.0 * 90.0 + 4.0 * 127.0)),
        ("trend", 1.25),
    ];
    assert_eq!(expected.len(), SIGNAL_COUNT);
    for (name, value) in expected {
        assert!(
            (signal(name) - value).abs() < 1e-5,
            "{name}: {}, expected {value}",
            signal(name)
        );
    }
}

#[test]
fn a_new_viewer_has_no_opinion() {
    let signal = named(&spec(), &[], &[0.0; 3], &candidate(0));
    for name in ["cf", "affinity", "anchor", "viewer"] {
        assert_eq!(signal(name), 0.0, "{name}");
    }
}

#[test]
fn an_unknown_candidate_is_zero_where_nothing_is_known() {
    let unknown = Candidate {
        factor: None,
        length_seconds: None,
        published_at_ms: None,
        ..candidate(1)
    };
    let signal = named(&spec(), &[], &[1.0; 3], &unknown);
    for name in [
        "cf",
        "affinity",
        "length",
        "length_squared",
        "length_known",
        "freshness",
        "freshness_known",
    ] {
        assert_eq!(signal(name), 0.0, "{name}");
    }
    // Log-odds of the surface alone.
    assert_eq!(signal("baseline"), -0.25);
}

#[test]
fn a_judgement_of_the_source_weighs_half_against_its_own_rate() {
    let spec = spec();
    let judged = PastEvent {
        fraction: None,
        judged: Some(true),
        ..watch(2, 0, 0.0)
    };
    let usual = spec.prior.stand_in(Some(30.0));
    let viewer = named(&spec, &[judged], &[0.0; 3], &candidate(0))("viewer");
    assert!((f64::from(viewer) - (2.5 / (0.5 * usual + 2.0)).ln()).abs() < 1e-6);
}

#[test]
fn watching_more_than_expected_is_above_zero_and_less_below() {
    let spec = spec();
    let viewer = |fraction| {
        named(
            &spec,
            &[watch(3, 0, fraction), watch(2, 1, fraction)],
            &[0.0; 3],
            &candidate(0),
        )("viewer")
    };
    assert!(viewer(1.0) > 0.0 && viewer(0.1) < 0.0);
}

#[test]
fn the_anchors_are_the_latest_relevant_videos() {
    let spec = spec();
    let many: Vec<String> = (0..=crate::viewer::MAX_ANCHORS).map(|i| i.to_string()).collect();
    let mut history = vec![watch(50, 0, 1.0)];
    let recent = |id| PastEvent {
        video: Some(id),
        ..watch(20, 1, 1.0)
    };
    history.extend(
        many.iter()
            .take(crate::viewer::MAX_ANCHORS)
            .map(|id| recent(id.as_str())),
    );
    let anchor = named(&spec, &history, &[0.0; 3], &candidate(0))("anchor");
    assert_eq!(anchor, 0.0, "the oldest has left");
    let anchor = named(&spec, &history[..history.len() - 1], &[0.0; 3], &candidate(0))("anchor");
    assert!((anchor - 1.0).abs() < 1e-6);
}

#[test]
fn a_video_published_after_now_is_as_fresh_as_one_published_now() {
    let published = |at| Candidate {
        published_at_ms: Some(at),
        ..candidate(0)
    };
    for at in [NOW, NOW + DAY, i64::MAX] {
        assert_eq!(named(&spec(), &[], &[0.0; 3], &published(at))("freshness"), 0.0);
    }
}

prop_compose! {
    fn any_event()(kind in 0..8_usize, ago in 1..40 * DAY, video in 0..4_usize, fraction in proptest::option::of(0.0..=1.0_f32))
        -> PastEvent<'static> {
        PastEvent { kind: EventKind::ALL[kind], at_ms: NOW - ago, fraction, ..watch(0, video, 0.0) }
    }
}

proptest! {
    #[test]
    fn nothing_at_or_after_now_changes_a_signal(
        past in prop::collection::vec(any_event(), 0..20), future in prop::collection::vec(any_event(), 1..5),
    ) {
        let (spec, encoded, vector) = (spec(), user(&[0.1, 0.2, 0.3]), [0.5; 4]);
        let all = |history: &[PastEvent<'_>]| {
            signals(&ViewerState::new(&spec, &context(), history, &encoded, &vector), &candidate(3))
        };
        let mut leaking = past.clone();
        leaking.extend(future.into_iter().map(|e| PastEvent { at_ms: NOW + (NOW - e.at_ms) - 1, ..e }));
        prop_assert_eq!(all(&leaking), all(&past));
    }

    #[test]
    fn signals_are_finite_and_cosines_within_one(
        history in prop::collection::vec(any_event(), 0..20),
        factor in prop::collection::vec(-10.0..10.0_f32, 3), video in 0..4_usize,
        length in proptest::option::of(any::<f32>()), published in proptest::option::of(any::<i64>()),
    ) {
        let of = Candidate { length_seconds: length, published_at_ms: published, ..candidate(video) };
        let signal = named(&spec(), &history, &factor, &of);
        for name in SIGNALS {
            prop_assert!(signal(name).is_finite(), "{name}");
        }
        prop_assert!(signal("cf").abs() < 1.0001 && signal("anchor").abs() < 1.0001);
    }
}
