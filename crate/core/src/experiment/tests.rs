#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

const NAMES: [&str; 5] = ["control", "new", "old", "wild", "quiet"];

fn arms(weights: &[f64]) -> Vec<Arm<'static>> {
    NAMES
        .iter()
        .zip(weights)
        .map(|(name, weight)| Arm { name, weight: *weight })
        .collect()
}

fn assigned(experiment: &str, viewers: usize, weights: &[f64]) -> Vec<usize> {
    let arms = arms(weights);
    (0..viewers)
        .map(|viewer| assign(experiment, &format!("u{viewer:06}"), &arms).unwrap())
        .collect()
}

fn shares(weights: &[f64]) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Whether `count` of `of` is within five and a half standard deviations of a binomial variable, and three for shares so
/// small that its tail is a Poisson's: a wrong alarm in some million looks.
fn is_likely(count: usize, of: usize, share: f64) -> bool {
    let (of, count) = (of as f64, count as f64);
    (count - of * share).abs() <= 5.5 * (of * share * (1.0 - share)).sqrt() + 3.0
}

#[test]
fn known_answers() {
    // A change of the hash would move every viewer of every experiment that runs.
    let places = assigned("may", 24, &[1.0, 2.0, 1.0]);
    assert_eq!(
        places.iter().map(ToString::to_string).collect::<String>(),
        "211101212111222111012111"
    );
    assert_eq!(uniform(&["", "", ""]).to_bits(), 0x3fe3_b211_d9f6_d64a);
    // Where one text ends and the next begins makes a difference.
    assert_ne!(uniform(&["a", "b", "c"]), uniform(&["ab", "", "c"]));
    assert_ne!(uniform(&["a", "b", "c"]), uniform(&["a", "bc", ""]));
}

#[test]
fn arms_without_a_weight_get_nobody() {
    for nothing in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(assign("x", "ann", &arms(&[nothing, nothing])), None);
        assert_eq!(assign("x", "ann", &arms(&[nothing, 1e-300, nothing])), Some(1));
    }
}

#[test]
fn two_experiments_divide_the_viewers_independently() {
    let (viewers, weights) = (20_000, [1.0, 1.0, 2.0]);
    let (may, june) = (assigned("may", viewers, &weights), assigned("june", viewers, &weights));
    let share = shares(&weights);
    let mut chi = 0.0;
    for (a, own) in share.iter().enumerate() {
        for (b, other) in share.iter().enumerate() {
            let both = may.iter().zip(&june).filter(|pair| *pair == (&a, &b)).count() as f64;
            let expected = viewers as f64 * own * other;
            chi += (both - expected).powi(2) / expected;
        }
    }
    // Eight degrees of freedom: 42.7 is exceeded once in a million.
    assert!(chi < 42.7, "chi² {chi}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn shares_are_those_of_the_weights(experiment in "[a-z]{0,8}", weights in prop::collection::vec(0.1_f64..5.0, 1..=5)) {
        let places = assigned(&experiment, 1500, &weights);
        for (arm, share) in shares(&weights).into_iter().enumerate() {
            let count = places.iter().filter(|place| **place == arm).count();
            prop_assert!(is_likely(count, places.len(), share), "arm {arm}: {count} of 1500, share {share}");
        }
    }

    /// The order of the arms and a common factor of the weights say nothing.
    #[test]
    fn a_viewer_stays_where_they_are(viewer in ".{0,20}", weights in prop::collection::vec(0.1_f64..5.0, 1..=5), turn in 0_usize..5) {
        let arms = arms(&weights);
        let name = |arms: &[Arm<'static>]| arms[assign("may", &viewer, arms).unwrap()].name;
        let mut turned = arms.clone();
        turned.rotate_left(turn % arms.len());
        prop_assert_eq!(name(&turned), name(&arms));
        // A power of two: the quotients are exact.
        let scaled: Vec<Arm<'static>> = arms.iter().map(|arm| Arm { weight: 4.0 * arm.weight, ..*arm }).collect();
        prop_assert_eq!(name(&scaled), name(&arms));
    }

    /// Nobody moves between two arms whose weights stay, and of the others no more than the share that changed hands.
    #[test]
    fn one_weight_that_changes_moves_the_fewest(weights in prop::collection::vec(0.1_f64..5.0, 2..=5), arm in 0_usize..5, weight in 0.0_f64..5.0) {
        let arm = arm % weights.len();
        let mut after = weights.clone();
        after[arm] = weight;
        let (old, new) = (assigned("may", 1500, &weights), assigned("may", 1500, &after));
        let moved: Vec<(&usize, &usize)> = old.iter().zip(&new).filter(|(old, new)| old != new).collect();
        let grows = weight > weights[arm];
        let through_it = moved.iter().all(|(old, new)| if grows { **new == arm } else { **old == arm });
        prop_assert!(through_it);
        let changed = (shares(&after)[arm] - shares(&weights)[arm]).abs();
        prop_assert!(is_likely(moved.len(), old.len(), changed), "{} moved, {changed} of 1500 changed hands", moved.len());
    }

    /// Whatever changes at once: as many stay as the formula says.
    #[test]
    fn any_change_lets_stay_what_can_stay(p in prop::collection::vec(0.1_f64..5.0, 4), q in prop::collection::vec(0.1_f64..5.0, 4)) {
        let (old, new) = (assigned("may", 1500, &p), assigned("may", 1500, &q));
        let stayed = old.iter().zip(&new).filter(|(old, new)| old == new).count();
        let (p, q) = (shares(&p), shares(&q));
        let share: f64 = (0..4)
            .map(|i| 1.0 / (0..4).map(|j| (p[j] / p[i]).max(q[j] / q[i])).sum::<f64>())
            .sum();
        prop_assert!(is_likely(stayed, old.len(), share), "{stayed} of 1500 stayed, expected share {share}");
        let distance: f64 = p.iter().zip(&q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
        prop_assert!(1.0 - share <= 2.0 * distance / (1.0 + distance) + 1e-12);
    }
}
