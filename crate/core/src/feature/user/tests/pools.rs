//! Pools, counts, factor; what of the history is read.

use super::*;

/// Pools by the words of the design: weights and means in f64, every event looked at for each pool.
fn naive_pool(pool: Pool, history: &[PastEvent<'_>]) -> Vec<f64> {
    let spec = spec();
    let mut latest: Vec<&PastEvent<'_>> = history
        .iter()
        .filter(|e| e.at_ms < NOW && e.kind != EventKind::Impression)
        .collect();
    latest.sort_by_key(|e| e.at_ms);
    let skip = latest.len().saturating_sub(spec.user.history.max_events as usize);
    let (mut sums, mut total) = (vec![0.0; 4], 0.0);
    for event in latest.into_iter().skip(skip).filter(|e| Pool::of(e.kind) == Some(pool)) {
        let age = (NOW - event.at_ms) as f64 / DAY as f64;
        let mut weight = 0.5_f64.powf(age / f64::from(spec.user.history.half_life_days));
        if event.kind == EventKind::Watch {
            weight *= f64::from(event.fraction.unwrap_or(spec.user.history.unknown_fraction));
        }
        let row = event.vector.unwrap();
        for (sum, level) in sums.iter_mut().zip(row.values) {
            *sum += weight * f64::from(row.scale) * f64::from(*level);
        }
        total += weight;
    }
    sums.iter()
        .map(|sum| if total > 0.0 { sum / total } else { 0.0 })
        .collect()
}

#[test]
fn the_factor_is_the_fold_in_of_each_relevant_video_once() {
    let history = [
        event(EventKind::Watch, 5, 1, Some(0.5)),
        event(EventKind::Watch, 4, 2, Some(0.49)),
        event(EventKind::Like, 3, 0, None),
        event(EventKind::Like, 2, 1, None),
        event(EventKind::Share, 2, 3, None),
        event(EventKind::Impression, 1, 4, None),
    ];
    let rows = [history[2].factor.unwrap(), history[3].factor.unwrap()];
    let encoded = encode(&history);
    assert_eq!(encoded.factor, fold_in(&spec().user.fold_in, &gram(), &rows));
    let layout = UserLayout::new(&spec());
    assert_eq!(encoded.dense[layout.factor_at..layout.cold_at], encoded.factor);
    assert_eq!(encoded.dense[layout.cold_at], 0.0);
}

#[test]
fn searches_pool_their_text_and_only_that() {
    let (cats, dogs) = ([1.0; 8], [0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let search = |days: i64, text| PastEvent {
        text: Some(text),
        ..PastEvent::new(EventKind::Search, NOW - days * DAY)
    };
    let encoded = encode(&[search(14, &cats), search(7, &dogs)]);
    // Half-life 7 days: weights 1/4 and 1/2.
    let mut expected = [1.0 / 3.0; 8];
    expected[1] += 4.0 / 3.0;
    for (found, expected) in encoded.dense[16..24].iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6);
    }
    assert!(encoded.dense[..16].iter().all(|v| *v == 0.0));
}

#[test]
fn counts_are_logarithms_and_impressions_are_not_counted() {
    let history: Vec<_> = EventKind::ALL.iter().map(|kind| event(*kind, 1, 0, None)).collect();
    let counts_at = UserLayout::new(&spec()).counts_at;
    let counts = encode(&history).dense[counts_at..counts_at + 5].to_vec();
    assert_eq!(counts, [1, 2, 1, 2, 1].map(|n: u8| libm::log1pf(f32::from(n))));
}

#[test]
fn only_the_latest_events_are_pooled_and_impressions_take_no_place() {
    let most = spec().user.history.max_events as usize;
    let recent: Vec<_> = (0..most)
        .map(|i| event(EventKind::Watch, 1, i % 3, Some(0.6)))
        .collect();
    let mut longer = vec![event(EventKind::Like, 30, 5, None)];
    longer.extend_from_slice(&recent);
    longer.extend(
        (0..most)
            .map(|_| event(EventKind::Impression, 0, 4, None))
            .map(|e| PastEvent { at_ms: NOW - 1, ..e }),
    );
    let factor_at = UserLayout::new(&spec()).factor_at;
    assert_eq!(encode(&longer).dense[..factor_at], encode(&recent).dense[..factor_at]);
}

#[test]
fn an_event_of_another_bundle_counts_and_has_no_vector() {
    let bare = PastEvent {
        vector: None,
        factor: None,
        ..event(EventKind::Watch, 1, 0, Some(1.0))
    };
    let (encoded, layout) = (encode(&[bare]), UserLayout::new(&spec()));
    assert!(encoded.dense[..layout.counts_at].iter().all(|v| *v == 0.0));
    assert!(encoded.dense[layout.counts_at] > 0.0);
    assert_eq!(encoded.dense[layout.cold_at], 1.0);
}

#[test]
fn rows_of_another_width_or_without_a_finite_scale_are_refused() {
    let narrow = QuantRow {
        scale: SCALE,
        values: &[1, 2],
    };
    let infinite = QuantRow {
        scale: f32::NAN,
        values: &VECTORS[0],
    };
    let like = event(EventKind::Like, 1, 0, None);
    let text = [f32::NAN; 8];
    let cases = [
        (
            PastEvent {
                vector: Some(narrow),
                ..like
            },
            Code::BundleInconsistent,
        ),
        (
            PastEvent {
                factor: Some(narrow),
                ..like
            },
            Code::BundleInconsistent,
        ),
        (
            PastEvent {
                vector: Some(infinite),
                ..like
            },
            Code::NotFinite,
        ),
        (
            PastEvent {
                factor: Some(QuantRow {
                    values: &FACTORS[0],
                    ..infinite
                }),
                ..like
            },
            Code::NotFinite,
        ),
        (
            PastEvent {
                kind: EventKind::Search,
                text: Some(&text[..3]),
                ..like
            },
            Code::BundleInconsistent,
        ),
        (
            PastEvent {
                kind: EventKind::Search,
                text: Some(&text),
                ..like
            },
            Code::NotFinite,
        ),
    ];
    for (event, code) in cases {
        let error = encode_user(
            &spec(),
            &gram(),
            Folding::current(),
            &Profile::default(),
            &context(),
            &[event],
        )
        .unwrap_err();
        assert_eq!(error.code(), code);
    }
    let wide = Gram::new(1, vec![1.0]).unwrap();
    let error = encode_user(&spec(), &wide, Folding::current(), &Profile::default(), &context(), &[]).unwrap_err();
    assert_eq!(error.code(), Code::BundleInconsistent);
}

proptest! {
    #[test]
    fn nothing_at_or_after_now_changes_any_feature(
        past in prop::collection::vec(any_event(), 0..30),
        future in prop::collection::vec((any_event(), 0..100 * DAY), 1..10),
        places in prop::collection::vec(any::<prop::sample::Index>(), 10),
    ) {
        let mut leaking = past.clone();
        for ((event, ahead), place) in future.into_iter().zip(places) {
            leaking.insert(place.index(leaking.len() + 1), PastEvent { at_ms: NOW + ahead, ..event });
        }
        prop_assert_eq!(encode(&leaking), encode(&past));
    }

    #[test]
    fn the_order_of_the_input_does_not_matter_where_times_differ(
        mut history in prop::collection::vec(any_event(), 0..30).prop_shuffle(),
    ) {
        let encoded = encode(&history);
        history.sort_by_key(|event| event.at_ms);
        if history.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms) {
            prop_assert_eq!(encode(&history), encoded);
        }
    }

    #[test]
    fn pools_equal_the_naive_mean(history in prop::collection::vec(any_event(), 0..40)) {
        let dense = encode(&history).dense;
        for (pool, found) in Pool::ALL.into_iter().take(4).zip(dense.chunks(4)) {
            for (found, expected) in found.iter().zip(naive_pool(pool, &history)) {
                prop_assert!((f64::from(*found) - expected).abs() < 1e-5, "{pool:?}");
            }
        }
    }
}
