#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::EventKind;
use crate::encounter::encounters;
use crate::feature::sigmoid;
use crate::fixture::{NOW, noise};

const WIDTH: usize = 6;
const HOUR: i64 = 3_600_000;
const TUNING: Tuning = Tuning::CURRENT;
const HALF_LIFE_DAYS: f64 = TUNING.half_life_days;

/// Levels of the vector of a video.
fn levels(video: usize) -> Vec<i8> {
    (0..WIDTH)
        .map(|i| (noise(31, video * WIDTH + i) * 127.0) as i8)
        .collect()
}

/// One showing: hours after the first, video, what the ranker expected, whether it was watched to the end.
type Showing = (i64, usize, f32, bool);

/// The head after these showings, at `hours` after the first.
fn head(showings: &[Showing], hours: i64) -> Personal {
    let rows: Vec<Vec<i8>> = showings.iter().map(|(_, video, ..)| levels(*video)).collect();
    let names: Vec<String> = showings.iter().map(|(_, video, ..)| format!("v{video}")).collect();
    let mut past = Vec::new();
    for (((at, _, expected, relevant), row), name) in showings.iter().zip(&rows).zip(&names) {
        let shown = PastEvent {
            video: Some(name),
            vector: Some(QuantRow {
                scale: 0.01,
                values: row,
            }),
            length_seconds: Some(60.0),
            expected: Some(*expected),
            ..PastEvent::new(EventKind::Impression, NOW + at * HOUR)
        };
        past.push(shown);
        if *relevant {
            past.push(PastEvent {
                kind: EventKind::Watch,
                fraction: Some(1.0),
                expected: None,
                ..shown
            });
        }
    }
    let now_ms = NOW + hours * HOUR;
    Personal::of(&TUNING, WIDTH, &past, &encounters(7, &past, now_ms), now_ms)
}

/// Log-odds of somebody who likes the first coordinate, and nothing of it is known to a ranker.
fn taste_of_one(video: usize) -> f32 {
    let row = levels(video);
    let quant = QuantRow {
        scale: 1.0,
        values: &row,
    };
    3.0 * unit(quant) * f32::from(row[0])
}

/// `count` showings, one an hour, of somebody with this taste, where the ranker expects that.
fn showings(from: usize, count: usize, truth: impl Fn(usize) -> f32, expected: impl Fn(usize) -> f32) -> Vec<Showing> {
    (from..from + count)
        .map(|n| {
            let luck = f64::from(0.5 + 0.5 * noise(5, n));
            (n as i64, n, expected(n), luck < sigmoid(f64::from(truth(n))))
        })
        .collect()
}

fn shift(head: &Personal, video: usize) -> [f32; 2] {
    let values = levels(video);
    head.shift(
        QuantRow {
            scale: 0.01,
            values: &values,
        },
        Some(60.0),
    )
}

#[test]
fn what_the_ranker_does_not_know_is_learnt_and_what_it_knows_is_left_to_it() {
    let ignorant = head(&showings(0, 150, taste_of_one, |_| 0.0), 150);
    assert!(ignorant.standing().acts(), "{:?}", ignorant.standing());
    let products: f32 = (500..600)
        .map(|video| shift(&ignorant, video)[1] * taste_of_one(video))
        .sum();
    let squares: f32 = (500..600).map(|video| taste_of_one(video).powi(2)).sum();
    assert!(products / squares > 0.4, "slope {}", products / squares);
    let knowing = head(&showings(0, 150, taste_of_one, taste_of_one), 150);
    assert!(
        knowing.standing().gain < ignorant.standing().gain / 4.0,
        "{:?}",
        knowing.standing()
    );
}

#[test]
fn little_evidence_does_nothing() {
    for count in 0..LEAST_EVIDENCE {
        let head = head(&showings(0, count, |n| 9.0 * taste_of_one(n), |_| 0.0), 200);
        assert_eq!((head.standing().evidence, head.standing().acts()), (count, false));
        assert_eq!(shift(&head, 3), [0.0; 2]);
    }
    let empty = head(&[], 0);
    assert_eq!(
        empty,
        Personal {
            belief: empty.belief.clone(),
            ..Personal::new(&TUNING, WIDTH)
        }
    );
    assert_eq!(shift(&empty, 3), [0.0; 2]);
}

#[test]
fn a_head_that_loses_is_off_and_can_come_back() {
    // It has learnt a taste; then the labels are the opposite of all it foretells, until it has learnt that too.
    let mut all = showings(0, 80, |n| 3.0 * taste_of_one(n), |_| 0.0);
    assert!(head(&all, 80).standing().acts());
    all.extend(showings(80, 160, |n| -3.0 * taste_of_one(n), |_| 0.0));
    let states: Vec<bool> = (80..=240)
        .map(|n| head(&all[..n], n as i64).standing().acts())
        .collect();
    let off = states.iter().position(|acts| !acts).unwrap();
    assert!(off < 25, "off after {off}");
    assert!(states[160], "back at the end");
    assert!(shift(&head(&all, 240), 3)[1] * taste_of_one(3) < 0.0);
}

#[test]
fn what_was_learnt_fades_with_time() {
    let all = showings(0, 100, |n| 3.0 * taste_of_one(n), |_| 0.0);
    let of = |days: f64, video| shift(&head(&all, 100 + (24.0 * days) as i64), video)[1].abs();
    // One of which something is said, and less than all that may be.
    let video = (500..600)
        .find(|video| (0.2..0.9 * MAX_SHIFT).contains(&of(0.0, *video)))
        .unwrap();
    let (now, half, year) = (of(0.0, video), of(HALF_LIFE_DAYS, video), of(365.0, video));
    assert!((half / now - 0.5).abs() < 0.02, "{half} of {now}");
    assert!(year < 0.01 * now);
}

#[test]
fn only_the_latest_encounters_count() {
    let all = showings(0, MAX_EVIDENCE + 40, taste_of_one, |_| 0.0);
    let hours = all.len() as i64;
    assert_eq!(head(&all, hours), head(&all[40..], hours));
    assert_eq!(head(&all, hours).standing().evidence, MAX_EVIDENCE);
}

#[test]
fn a_sample_of_an_ensemble_ranks_by_what_may_be() {
    let head = head(&showings(0, 150, taste_of_one, |_| 0.0), 150);
    let rows: Vec<Vec<i8>> = (500..540).map(levels).collect();
    let candidates: Vec<_> = rows
        .iter()
        .map(|values| (QuantRow { scale: 0.01, values }, Some(60.0), 0.0))
        .collect();
    let ensemble = head.ensemble(32, &candidates);
    assert_eq!(ensemble, head.ensemble(32, &candidates));
    assert!(ensemble.iter().all(|best| best.len() == 40));
    let mut firsts: Vec<usize> = ensemble.iter().map(|best| best[0]).collect();
    let mean: f32 = firsts.iter().map(|at| taste_of_one(500 + at)).sum::<f32>() / 32.0;
    let usual: f32 = (500..540).map(taste_of_one).sum::<f32>() / 40.0;
    assert!(mean > usual + 1.0, "{mean} against {usual}");
    firsts.sort_unstable();
    firsts.dedup();
    assert!(firsts.len() > 1, "samples differ");
    assert!(Personal::new(&TUNING, WIDTH).ensemble(32, &candidates).is_empty());
}

#[test]
fn samples_have_the_mean_and_the_covariance_of_the_belief() {
    const COUNT: usize = 20_000;
    let mut belief = Belief::new(vec![0.5, 2.0, 1.0], HALF_LIFE_DAYS);
    for (n, relevant) in [true, true, false, true].into_iter().enumerate() {
        belief.pass(NOW + n as i64 * 48 * HOUR);
        belief.learn(&[1.0, noise(3, n), noise(4, n)], 0.3, relevant);
    }
    belief.pass(NOW + 30 * 24 * HOUR);
    let samples = belief.samples(COUNT);
    let covariance = belief.settled();
    for i in 0..3 {
        let mean = samples.iter().map(|s| s[i]).sum::<f32>() / COUNT as f32;
        assert!((mean - belief.mean()[i]).abs() < 0.03, "{mean}");
        for j in 0..3 {
            let product = |s: &Vec<f32>| (s[i] - belief.mean()[i]) * (s[j] - belief.mean()[j]);
            let found = samples.iter().map(product).sum::<f32>() / COUNT as f32;
            assert!((found - covariance[3 * i + j]).abs() < 0.05, "{i} {j}: {found}");
        }
    }
}

#[test]
fn the_mode_is_found_where_newtons_steps_alone_go_to_and_fro() {
    for variance in [0.0, 0.1, 1.0, 12.3, 100.0] {
        for logit in [-12.0, -3.688745, 0.0, 2.5, 12.0] {
            for label in [0.0, 1.0] {
                let (step, _) = belief::mode(logit, variance, label);
                let surplus = step + sigmoid(logit + variance * step) - label;
                assert!(surplus.abs() < 1e-9, "{variance} {logit} {label}: {surplus}");
            }
        }
    }
}

proptest! {
    #[test]
    fn one_label_more_is_the_same_learnt_now_or_with_the_whole_history(
        labels in prop::collection::vec((0_usize..50, -3.0_f32..3.0, any::<bool>(), 7_i64..90), 1..60),
    ) {
        let mut at = 0;
        let all: Vec<Showing> = labels.iter().map(|(video, expected, relevant, wait)| {
            at += wait;
            (at, *video, *expected, *relevant)
        }).collect();
        let (last, before) = all.split_last().unwrap();
        let mut kept = head(before, last.0);
        // The head of the slate before this label had passed to its moment already.
        let values = levels(last.1);
        kept.learn(NOW + last.0 * HOUR, &features(QuantRow { scale: 0.01, values: &values }, Some(60.0)), last.2, last.3);
        let whole = head(&all, last.0 + 1);
        kept.belief.pass(NOW + (last.0 + 1) * HOUR);
        prop_assert_eq!(kept.standing(), whole.standing());
        for video in 60..70 {
            let ([a, b], [c, d]) = (shift(&kept, video), shift(&whole, video));
            prop_assert!((a - c).abs() < 1e-4 && (b - d).abs() < 1e-4);
            prop_assert!(b.abs() <= MAX_SHIFT);
        }
    }

    /// The posterior is where the gradient of its logarithm vanishes, and its precision is that of the prior and of the label.
    #[test]
    fn a_label_is_learnt_as_bayes_says(
        first in prop::collection::vec(-2.0_f32..2.0, 4), second in prop::collection::vec(-2.0_f32..2.0, 4),
        offset in -4.0_f32..4.0, relevant: bool, days in 0_i64..60,
    ) {
        let prior = [0.5, 0.1, 2.0, 1.0];
        let mut belief = Belief::new(prior.to_vec(), HALF_LIFE_DAYS);
        belief.pass(NOW);
        belief.learn(&first, 0.5, true);
        let (m, s) = (belief.mean().to_vec(), belief.settled());
        belief.pass(NOW + days * 24 * HOUR);
        let kept = libm::exp2(-(days as f64) / HALF_LIFE_DAYS);
        let before: Vec<f64> = m.iter().map(|v| f64::from(*v) * kept).collect();
        let spread = |i: usize, j: usize| {
            let rest = if i == j { (1.0 - kept * kept) * f64::from(prior[i]) } else { 0.0 };
            kept * kept * f64::from(s[4 * i + j]) + rest
        };
        belief.learn(&second, offset, relevant);
        let after: Vec<f64> = belief.mean().iter().map(|v| f64::from(*v)).collect();
        let x: Vec<f64> = second.iter().map(|v| f64::from(*v)).collect();
        let logit = f64::from(offset) + after.iter().zip(&x).map(|(m, x)| m * x).sum::<f64>();
        let chance = sigmoid(logit);
        let surprise = f64::from(u8::from(relevant)) - chance;
        let along: Vec<f64> = (0..4).map(|i| (0..4).map(|j| spread(i, j) * x[j]).sum()).collect();
        for i in 0..4 {
            // S⁻¹(m − m₀) = (y − p)·x, both sides times S.
            prop_assert!((after[i] - before[i] - along[i] * surprise).abs() < 2e-4, "{i}");
        }
        // (S₀⁻¹ + p(1 − p)·x·xᵀ) · S = I, times S₀: S + p(1 − p)·S₀x·(Sx)ᵀ = S₀.
        let settled = belief.settled();
        for i in 0..4 {
            for j in 0..4 {
                let product: f64 = (0..4).map(|k| f64::from(settled[4 * k + j]) * x[k]).sum();
                let left = f64::from(settled[4 * i + j]) + chance * (1.0 - chance) * along[i] * product;
                prop_assert!((left - spread(i, j)).abs() < 2e-3, "{i} {j}: {left} of {}", spread(i, j));
            }
        }
    }

    #[test]
    fn waiting_in_parts_is_waiting_at_once(days in prop::collection::vec(0_i64..40, 1..6)) {
        let mut parts = Belief::new(vec![0.5, 2.0], HALF_LIFE_DAYS);
        parts.pass(NOW);
        parts.learn(&[1.0, 0.7], 0.0, true);
        let mut once = parts.clone();
        let mut at = NOW;
        for days in &days {
            at += days * 24 * HOUR;
            parts.pass(at);
        }
        once.pass(at);
        prop_assert!((parts.mean()[1] - once.mean()[1]).abs() < 1e-5);
        for (a, b) in parts.settled().iter().zip(once.settled()) {
            prop_assert!((a - b).abs() < 1e-5);
        }
    }
}
