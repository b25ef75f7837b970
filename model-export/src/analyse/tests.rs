#![allow(clippy::unwrap_used)]
use upnext_core::EventKind;
use upnext_core::feature::{on_globe, unit_vector};

use super::*;
use crate::label::encounters;
use crate::table::{Builder, Interaction, Meta, SplitInstants, User, Video};

const DAY: i64 = 86_400_000;

fn config() -> AnalyseConfig {
    AnalyseConfig {
        vector_dim: 8,
        factor_dim: 4,
        fold_in: FoldInSpec { lambda: 0.1, l2: 1.0 },
        seed: 7,
    }
}

/// Six days: two for the factors, two to train, two to test. `future` changes what the test window holds.
fn world(future: bool) -> Dataset {
    let mut builder = Builder::new(Meta {
        split: Some(SplitInstants {
            factors_until_ms: 2 * DAY,
            train_until_ms: 4 * DAY,
        }),
        time_zone: Some("Asia/Tokyo".to_owned()),
        ..Meta::default()
    });
    let cities = [(52.5, 13.4), (35.7, 139.7), (-33.9, 151.2)];
    for i in 0..30_usize {
        let (lat, lon) = cities[i % 3];
        builder.user(&User {
            id: &format!("u{i}"),
            age: Some(10.0 + i as f32),
            gender: Some(["f", "m", "f", "x"][i % 4]),
            latitude: Some(lat + (i as f32) * 1e-3),
            longitude: Some(lon),
            language: Some(["de-AT", "DE", "ja"][i % 3]),
            time_zone: [None, Some("Europe/Berlin")][i % 2],
            ..User::default()
        });
        builder.video(&Video {
            id: &format!("v{i}"),
            tags: &[["a", "b", "c"][i % 3], "all"],
            length_seconds: Some(5.0 + i as f32),
            channel: Some(if i < 25 { "big" } else { "small" }),
            ..Video::default()
        });
    }
    let late = builder
        .user(&User {
            id: "late",
            gender: Some("late"),
            age: Some(99.0),
            ..User::default()
        })
        .unwrap();
    let fresh = builder
        .video(&Video {
            id: "fresh",
            tags: &["late"],
            length_seconds: Some(9e5),
            ..Video::default()
        })
        .unwrap();
    for step in 0..600_i64 {
        let (user, at_ms) = ((step % 30) as u32, step * 4 * DAY / 600);
        let video = ((step * 7) % 30) as u32;
        let on = |kind| Interaction {
            surface: Some(["feed", "search"][(step % 2) as usize]),
            ..Interaction::new(user, video, kind, at_ms)
        };
        builder.interaction(&on(EventKind::Impression));
        // Short videos are finished, long ones left.
        let seconds = Some(if video < 15 { 20.0 } else { 1.0 });
        builder.interaction(&Interaction {
            seconds,
            ..on(EventKind::Watch)
        });
    }
    for step in 0..200 {
        let (user, video) = if future { (late, fresh) } else { (0, 0) };
        let event = Interaction::new(user, video, EventKind::Impression, 4 * DAY + step);
        builder.interaction(&Interaction {
            surface: Some(if future { "late" } else { "feed" }),
            ..event
        });
    }
    builder.finish()
}

fn learn(data: &Dataset) -> (FeatureSpec, VideoFigures) {
    let split = Split::of(data).unwrap();
    let met = encounters(data, &split);
    let spec = analyse(data, &split, &met, &config()).unwrap();
    let figures = VideoFigures::count(data, &split, &met, &spec);
    (spec, figures)
}

#[test]
fn nothing_of_the_test_window_changes_spec_or_figures() {
    assert_eq!(learn(&world(true)), learn(&world(false)));
}

#[test]
fn terms_come_by_falling_frequency_and_languages_by_their_primary_subtag() {
    let (spec, _) = learn(&world(false));
    assert_eq!(spec.user.gender.terms, ["f", "m", "x"]);
    assert_eq!(spec.user.language.terms, ["de", "ja"]);
    assert_eq!(spec.user.time_zone.terms, ["Asia/Tokyo", "Europe/Berlin"]);
    assert_eq!(spec.item.tags.terms, ["all", "a", "b", "c"]);
    assert_eq!(spec.item.channel.terms, ["big", "small"]);
    assert_eq!(spec.item.rating, Default::default());
    assert_eq!(spec.user.age.edges.len(), 9);
}

#[test]
fn every_city_has_a_centroid_of_its_own() {
    let (spec, _) = learn(&world(false));
    let row = |lat, lon| spec.user.location.row(Some((lat, lon)));
    let rows = [row(52.5, 13.4), row(35.7, 139.7), row(-33.9, 151.2)];
    assert!(rows.iter().all(|r| *r > 0) && rows[0] != rows[1] && rows[1] != rows[2] && rows[0] != rows[2]);
    for [lat, lon] in &spec.user.location.points {
        assert!(on_globe(*lat, *lon));
        let near = [(52.5, 13.4), (35.7, 139.7), (-33.9, 151.2_f32)]
            .into_iter()
            .any(|(a, b)| {
                unit_vector(*lat, *lon)
                    .iter()
                    .zip(unit_vector(a, b))
                    .map(|(x, y)| x * y)
                    .sum::<f64>()
                    > 0.999_99
            });
        assert!(near, "{lat} {lon}");
    }
}

#[test]
fn standardise_is_that_of_log1p_and_of_nothing_the_identity() {
    let learnt = standardise([0.0, 3.0].into_iter());
    assert!((learnt.mean - 4.0_f32.ln() / 2.0).abs() < 1e-6 && (learnt.std - 4.0_f32.ln() / 2.0).abs() < 1e-6);
    assert_eq!(
        (standardise([].into_iter()).mean, standardise([5.0].into_iter()).std),
        (0.0, 1.0)
    );
}

#[test]
fn quantiles_cut_into_equal_shares_and_repeated_values_make_one_edge() {
    assert_eq!(
        quantiles((0..100).map(|v| v as f32).collect(), 4).edges,
        [25.0, 50.0, 75.0]
    );
    assert!(quantiles(vec![3.0; 50], 4).edges.is_empty());
    assert!(quantiles(Vec::new(), 4).edges.is_empty());
}

#[test]
fn short_videos_have_the_better_odds_and_a_row_does_not_know_its_own_day() {
    let data = world(false);
    let (spec, figures) = learn(&data);
    assert!(spec.prior.log_odds(1, Some(6.0)) > spec.prior.log_odds(1, Some(30.0)) + 1.0);
    assert!(figures.relevant[0] > 0 && figures.relevant[29] == 0);
    // Of video 0 every train impression was relevant; without one of its days less is known.
    let split = Split::of(&data).unwrap();
    let met = encounters(&data, &split);
    let mut days: Vec<i64> = split
        .examples(&met, crate::split::Side::Train)
        .filter(|(e, _)| e.video == 0)
        .map(|(e, _)| split.day(e.at_ms))
        .collect();
    days.dedup();
    assert!(days.len() > 1);
    for of_day in days {
        let (all, without) = (figures.effect[0], figures.effect_without(0, of_day));
        assert!(without.abs() < all.abs() && all != 0.0);
    }
    assert_eq!(figures.effect_without(0, 1), figures.effect[0]);
}

#[test]
fn a_trend_rises_with_what_was_relevant_and_fades_without_more() {
    let data = world(false);
    let (_, figures) = learn(&data);
    let trend: Vec<f32> = (-2..40).map(|day| figures.trend_before(0, day)).collect();
    assert_eq!(trend[0], 0.0, "nothing is known before the train window");
    assert!(trend[1] > 0.0 && trend[2] > trend[1], "{trend:?}");
    assert!(trend[2..].windows(2).all(|w| w[1] < w[0]), "{trend:?}");
    assert_eq!(figures.trend[0], figures.trend_before(0, 0));
    assert_eq!(figures.trend[29], 0.0);
}
