use super::*;
use proptest::prelude::*;

fn tally(relevant: f64, count: f64) -> Tally {
    Tally { relevant, count }
}

fn counts(impressions: Vec<Tally>) -> PriorCounts {
    PriorCounts {
        length_edges: Buckets { edges: vec![3.0] },
        impressions,
        judged: Vec::new(),
    }
}

fn close(found: f32, expected: f64) {
    assert!(
        (f64::from(found) - expected).abs() < 1e-5,
        "{found}, expected {expected}"
    );
}

#[test]
fn cells_follow_the_smoothing_of_the_definition() {
    // Rows: unknown, one surface; columns: unknown, short, long.
    let cells = vec![
        tally(0.0, 0.0),
        tally(2.0, 10.0),
        tally(1.0, 10.0),
        tally(3.0, 5.0),
        tally(40.0, 50.0),
        tally(5.0, 25.0),
    ];
    let spec = PriorSpec::from_counts(&counts(cells));
    let base = (51.0 + 0.5) / 101.0;
    let by_surface = (48.0 + 20.0 * base) / 100.0;
    let short = (42.0 + 20.0 * base) / 80.0;
    let sum = sigmoid(logit(short) + logit(by_surface) - logit(base));
    close(spec.log_odds(1, Some(10.0)), logit((40.0 + 50.0 * sum) / 100.0));
    close(spec.log_odds(0, Some(10.0)), logit(short));
    close(spec.log_odds(1, None), logit(by_surface));
    close(spec.log_odds(0, None), logit(base));
    close(spec.base_rate, base);
}

#[test]
fn without_the_source_s_judgements_the_stand_in_is_the_rate_by_length() {
    let cells = vec![Tally::default(), tally(9.0, 10.0), tally(1.0, 10.0)];
    let spec = PriorSpec::from_counts(&counts(cells.clone()));
    for seconds in [Some(5.0), Some(500.0), None] {
        let usual = sigmoid(f64::from(spec.log_odds(0, seconds)));
        assert!((spec.stand_in(seconds) - usual).abs() < 1e-6);
    }
    let judged = vec![Tally::default(), tally(30.0, 60.0), tally(0.0, 40.0)];
    let spec = PriorSpec::from_counts(&PriorCounts {
        judged,
        ..counts(cells)
    });
    assert!((spec.stand_in(Some(5.0)) - (30.0 + 20.0 * 0.3) / 80.0).abs() < 1e-6);
    assert!((spec.stand_in(None) - 0.3).abs() < 1e-6);
}

#[test]
fn a_length_of_zero_or_less_is_unknown() {
    let spec = PriorSpec::from_counts(&counts(vec![Tally::default(); 3]));
    for seconds in [None, Some(0.0), Some(-3.0), Some(f32::NAN), Some(f32::INFINITY)] {
        assert_eq!(spec.length_row(seconds), 0, "{seconds:?}");
    }
    assert_eq!([spec.length_row(Some(20.0)), spec.length_row(Some(21.0))], [1, 2]);
}

#[test]
fn a_row_outside_the_table_has_no_opinion() {
    let spec = PriorSpec::from_counts(&counts(vec![tally(9.0, 10.0); 3]));
    assert_eq!(spec.log_odds(u32::MAX, Some(1.0)), 0.0);
}

#[test]
fn no_counts_mean_no_opinion_on_video_or_viewer() {
    assert_eq!(video_prior(0.0, 0.0, 0.3), 0.0);
    assert_eq!(video_effect(0.0, 0.0), 0.0);
}

#[test]
fn a_video_s_numbers_follow_their_definitions() {
    close(video_prior(8.0, 10.0, 0.4), logit(12.0 / 20.0) - logit(0.4));
    // More judged relevant than watched is a slip of the log.
    assert_eq!(video_prior(12.0, 10.0, 0.4), video_prior(10.0, 10.0, 0.4));
    close(video_effect(10.0, 4.0), (14.0_f64 / 8.0).ln());
    let p = video_expectation(0.3, -1.0);
    assert!((logit(p) - (f64::from(0.3_f32) - 0.6)).abs() < 1e-9);
}

prop_compose! {
    fn any_tally()(count in 0_u32..1000, share in 0.0..=1.0_f64) -> Tally {
        tally((f64::from(count) * share).floor(), f64::from(count))
    }
}

proptest! {
    #[test]
    fn any_counts_make_a_valid_spec(
        cells in prop::collection::vec(any_tally(), 12), judged in prop::collection::vec(any_tally(), 3),
    ) {
        let prior = PriorSpec::from_counts(&PriorCounts { judged, ..counts(cells) });
        let mut spec = crate::feature::fixture::spec();
        spec.user.surface = crate::feature::fixture::terms(&["a", "b", "c"], 0);
        spec.prior = prior;
        prop_assert_eq!(spec.validate(), Ok(()));
    }

    #[test]
    fn logit_undoes_sigmoid_and_is_finite_at_the_ends(x in -12.0..12.0_f64) {
        prop_assert!((logit(sigmoid(x)) - x).abs() < 1e-6);
        prop_assert!(logit(0.0).is_finite() && logit(1.0).is_finite());
    }

    #[test]
    fn more_relevant_ones_never_lower_a_video_s_numbers(
        few in 0_u32..50, more in 0_u32..50, watched in 50_u32..100, usual in 0.01..0.99_f64,
    ) {
        let (few, more, watched) = (f64::from(few), f64::from(few + more), f64::from(watched));
        prop_assert!(video_prior(few, watched, usual) <= video_prior(more, watched, usual));
        prop_assert!(video_effect(few, usual * watched) <= video_effect(more, usual * watched));
    }
}
