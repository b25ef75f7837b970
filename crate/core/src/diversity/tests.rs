#![allow(clippy::unwrap_used)]
//! Each method against its definition, from scratch at every step, in f64.
use super::dpp::SHARE;
use super::select::unit_range;
use super::ssd::LEAST_SQUARE;
use super::*;
use crate::fixture::noise;
use crate::metrics::mean_pairwise_cosine;
use proptest::prelude::*;

const WIDTH: usize = 5;
/// f32 against f64: a pick may be short of the best by rounding, not by more.
const TOLERANCE: f64 = 1e-3;

type Case = Vec<(f32, Vec<f32>)>;
/// The spread of candidate `i` after `picked`, by the definition.
type Definition = fn(&[Vec<f64>], &[usize], usize) -> f64;

/// Rows with repetitions and zeros among them.
fn cases() -> impl Strategy<Value = Case> {
    let row = prop_oneof![
        8 => prop::collection::vec(-1.0_f32..1.0, WIDTH),
        1 => Just(vec![0.0; WIDTH]),
        1 => Just(vec![0.5, 0.25, 0.0, -0.5, 0.125]),
    ];
    prop::collection::vec((-4.0_f32..4.0, row), 1..24)
}

fn unit_rows(case: &Case) -> UnitRows {
    let mut rows = UnitRows::new(case[0].1.len(), case.len());
    case.iter().for_each(|(_, row)| rows.push(row.iter().copied()));
    rows
}

fn relevance(case: &Case) -> Vec<f32> {
    case.iter().map(|c| c.0).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(p, q)| p * q).sum()
}

fn unit(case: &Case) -> Vec<Vec<f64>> {
    let unit = |row: &Vec<f32>| -> Vec<f64> {
        let row: Vec<f64> = row.iter().map(|v| f64::from(*v)).collect();
        let length = dot(&row, &row).sqrt();
        row.iter()
            .map(|v| if length > 0.0 { v / length } else { 0.0 })
            .collect()
    };
    case.iter().map(|c| unit(&c.1)).collect()
}

fn nearest(rows: &[Vec<f64>], picked: &[usize], i: usize) -> f64 {
    -picked
        .iter()
        .map(|j| dot(&rows[i], &rows[*j]))
        .fold(f64::NEG_INFINITY, f64::max)
}

/// By Gaussian elimination with pivoting.
fn determinant(mut m: Vec<Vec<f64>>) -> f64 {
    let mut product = 1.0;
    for k in 0..m.len() {
        let pivot = (k..m.len())
            .max_by(|a, b| m[*a][k].abs().total_cmp(&m[*b][k].abs()))
            .unwrap();
        if m[pivot][k] == 0.0 {
            return 0.0;
        }
        if pivot != k {
            m.swap(pivot, k);
            product = -product;
        }
        product *= m[k][k];
        let pivot = m[k].clone();
        for row in &mut m[k + 1..] {
            let factor = row[k] / pivot[k];
            row.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= factor * p);
        }
    }
    product
}

/// Determinant of the kernel of these rows.
fn gram(rows: &[Vec<f64>], set: &[usize]) -> f64 {
    let cosine = |a: usize, b: usize| {
        if a == b {
            1.0
        } else {
            SHARE * dot(&rows[set[a]], &rows[set[b]])
        }
    };
    determinant(
        (0..set.len())
            .map(|a| (0..set.len()).map(|b| cosine(a, b)).collect())
            .collect(),
    )
}

fn log_determinant<const WINDOW: usize>(rows: &[Vec<f64>], picked: &[usize], i: usize) -> f64 {
    let mut set = picked[picked.len().saturating_sub(WINDOW - 1)..].to_vec();
    let before = gram(rows, &set);
    set.push(i);
    (gram(rows, &set) / before).ln()
}

/// What Gram–Schmidt leaves of `rows[picked[at]]`, of which the directions of up to `keeps` before it are taken.
fn left(rows: &[Vec<f64>], picked: &[usize], at: usize, keeps: usize) -> (f64, Vec<f64>) {
    let row = &rows[picked[at]];
    let mut rest = row.clone();
    for before in at.saturating_sub(keeps)..at {
        let (_, direction) = left(rows, picked, before, keeps);
        let part = dot(row, &direction);
        rest.iter_mut().zip(&direction).for_each(|(r, d)| *r -= part * d);
    }
    let square = dot(&rest, &rest);
    let zeros = row.iter().all(|v| *v == 0.0);
    let scale = if square > LEAST_SQUARE {
        1.0 / square.sqrt()
    } else {
        0.0
    };
    rest.iter_mut().for_each(|v| *v *= scale);
    (if zeros { 1.0 } else { square.max(LEAST_SQUARE).sqrt() }, rest)
}

fn volume<const WINDOW: usize>(rows: &[Vec<f64>], picked: &[usize], i: usize) -> f64 {
    let keeps = WINDOW - 1;
    // A pick's own length is what those before it left, as far as they were in its window.
    let mut all = picked.to_vec();
    all.push(i);
    let from = all.len().saturating_sub(WINDOW);
    // Only the last few matter, each with those before it: deeper recursion would take exponential time.
    (from..all.len()).map(|at| left(rows, &all, at, keeps).0).product()
}

/// Each pick is the best by the definition, within rounding.
fn follows(case: &Case, picked: &[usize], lambda: f32, definition: Definition) -> Result<(), TestCaseError> {
    let (scaled, rows) = (unit_range(&relevance(case)), unit(case));
    let lambda = f64::from(lambda);
    for (step, pick) in picked.iter().enumerate() {
        let before = &picked[..step];
        let value = |i: usize| match before.is_empty() {
            true => f64::from(scaled[i]),
            false => lambda * f64::from(scaled[i]) + (1.0 - lambda) * definition(&rows, before, i),
        };
        let best = (0..case.len())
            .filter(|i| !before.contains(i))
            .map(value)
            .fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(
            value(*pick) >= best - TOLERANCE,
            "step {} of {:?}: {} < {}",
            step,
            picked,
            value(*pick),
            best
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn mmr_follows_its_definition(case in cases(), lambda in 0.0_f32..1.0) {
        let picked = mmr(&relevance(&case), &unit_rows(&case), case.len(), lambda);
        follows(&case, &picked, lambda, nearest)?;
    }

    #[test]
    fn dpp_is_the_greedy_maximum_of_determinants(case in cases(), lambda in 0.0_f32..1.0) {
        let picked = dpp(&relevance(&case), &unit_rows(&case), 12, lambda, usize::MAX);
        follows(&case, &picked, lambda, log_determinant::<99>)?;
    }

    #[test]
    fn dpp_with_a_window_is_the_greedy_maximum_of_determinants_in_it(case in cases(), lambda in 0.0_f32..1.0) {
        let picked = dpp(&relevance(&case), &unit_rows(&case), case.len(), lambda, 4);
        follows(&case, &picked, lambda, log_determinant::<4>)?;
    }

    #[test]
    fn ssd_is_the_greedy_maximum_of_volumes(case in cases(), lambda in 0.0_f32..1.0) {
        let picked = ssd(&relevance(&case), &unit_rows(&case), 5, lambda, usize::MAX);
        follows(&case, &picked, lambda, volume::<99>)?;
    }

    #[test]
    fn ssd_with_a_window_is_the_greedy_maximum_of_volumes_in_it(case in cases(), lambda in 0.0_f32..1.0) {
        let picked = ssd(&relevance(&case), &unit_rows(&case), 9, lambda, 3);
        follows(&case, &picked, lambda, volume::<3>)?;
    }

    #[test]
    fn never_loses_or_repeats_a_candidate(case in cases(), bad in any::<u32>(), size in 0_usize..40, lambda in -1.0_f32..2.0, window in 0_usize..6) {
        let mut relevance = relevance(&case);
        for (i, value) in relevance.iter_mut().enumerate() {
            if bad >> i & 3 == 3 { *value = f32::NAN }
        }
        let rows = unit_rows(&case);
        for picked in [
            mmr(&relevance, &rows, size, lambda),
            dpp(&relevance, &rows, size, lambda, window),
            ssd(&relevance, &rows, size, lambda, window),
        ] {
            prop_assert!(picked.is_sorted_by_key(|i| relevance[*i].is_nan()), "NaN comes last");
            let mut distinct = picked.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), size.min(case.len()));
            prop_assert_eq!(picked.len(), distinct.len());
        }
    }

    #[test]
    fn lambda_one_is_the_order_of_relevance(case in cases()) {
        let (relevance, rows) = (relevance(&case), unit_rows(&case));
        let mut expected: Vec<usize> = (0..case.len()).collect();
        expected.sort_by(|a, b| relevance[*b].total_cmp(&relevance[*a]));
        prop_assert_eq!(&mmr(&relevance, &rows, case.len(), 1.0), &expected);
        prop_assert_eq!(&dpp(&relevance, &rows, case.len(), 1.0, 3), &expected);
        prop_assert_eq!(&ssd(&relevance, &rows, case.len(), 1.0, 3), &expected);
    }

    #[test]
    fn calibration_takes_what_a_naive_sum_takes(
        case in cases(), owners in prop::collection::vec(prop::collection::vec(0_u32..4, 0..3), 24),
        wanted in prop::array::uniform4(0.0_f64..1.0), weight in 0.05_f32..1.0,
    ) {
        let mut groups = Groups::new(4);
        owners.iter().take(case.len()).for_each(|own| groups.push(own.iter().copied()));
        prop_assume!(wanted.iter().sum::<f64>() > 0.01);
        let mut calibration = Calibration::new(weight, groups.clone(), wanted.to_vec()).unwrap();
        let rows = unit_rows(&case);
        let mut spread = Nearest::new(&rows, case.len());
        let picked = select(&relevance(&case), &mut spread, case.len(), 1.0, &mut Tally::default(), Some(&mut calibration));
        let scaled = unit_range(&relevance(&case));
        let total: f64 = wanted.iter().sum();
        let divergence = |set: &[usize]| -> f64 {
            (0..4_u32).map(|group| {
                let p = wanted[group as usize] / total;
                let own = |i: &usize| {
                    let own = groups.of(*i);
                    if own.contains(&group) { 1.0 / own.len() as f64 } else { 0.0 }
                };
                let q = set.iter().map(own).sum::<f64>() / set.len() as f64;
                if p > 0.0 { p * (p / (0.99 * q + 0.01 * p)).ln() } else { 0.0 }
            }).sum()
        };
        for (step, pick) in picked.iter().enumerate() {
            let value = |i: usize| {
                let set: Vec<usize> = picked[..step].iter().copied().chain([i]).collect();
                (1.0 - f64::from(weight)) * f64::from(scaled[i]) - f64::from(weight) * divergence(&set)
            };
            let best = picked[step..].iter().map(|i| value(*i)).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(value(*pick) >= best - 1e-5);
        }
        prop_assert!((calibration.divergence() - divergence(&picked)).abs() < 1e-9);
    }

    #[test]
    fn no_cap_is_broken_and_what_it_drops_is_told(
        case in cases(), owners in prop::collection::vec(0_u32..5, 24), most in 0_usize..4, size in 1_usize..30,
    ) {
        let tags = || { let mut g = Groups::new(5); owners.iter().take(case.len()).for_each(|o| g.push([*o])); g };
        let limits = Limits { per_tag: Some(most), ..Limits::default() };
        let (relevance, rows) = (relevance(&case), unit_rows(&case));
        let mut tally = Tally::new(limits, case.len(), Groups::default(), tags());
        let picked = select(&relevance, &mut Nearest::new(&rows, case.len()), size, 1.0, &mut tally, None);
        for owner in 0..5 {
            prop_assert!(picked.iter().filter(|i| owners[**i] == owner).count() <= most);
        }
        // In the order of relevance: told is who would have been before the last one, or had a place that stayed empty.
        let last = if picked.len() < size { f32::NEG_INFINITY } else { relevance[*picked.last().unwrap()] };
        for i in (0..case.len()).filter(|i| !picked.contains(i)) {
            prop_assert_eq!(tally.passed_over(i).is_some(), relevance[i] > last, "{} of {:?}", i, picked);
        }
    }
}

/// A method of which every spread is asked at every step, and how often it was.
struct Asked<'a> {
    of: Box<dyn Spread + 'a>,
    bounds: Vec<f32>,
    times: usize,
}

impl Spread for Asked<'_> {
    fn bounds(&self) -> &[f32] {
        if self.bounds.is_empty() {
            self.of.bounds()
        } else {
            &self.bounds
        }
    }

    fn settle(&mut self, candidate: usize, least: f32) -> Option<f32> {
        self.times += 1;
        self.of.settle(candidate, least)
    }

    fn pick(&mut self, picked: usize) {
        self.of.pick(picked);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn who_is_not_asked_would_not_have_been_picked(
        case in cases(), owners in prop::collection::vec(0_u32..5, 24), most in prop::option::of(1_usize..4),
        decay in prop::sample::select(vec![0.0_f32, 0.3]), lambda in 0.0_f32..1.0, window in 0_usize..6, size in 0_usize..30,
    ) {
        let rows = unit_rows(&case);
        type Made = for<'a> fn(&'a UnitRows, usize, usize) -> Box<dyn Spread + 'a>;
        let methods: [Made; 3] = [
            |rows, count, _| Box::new(Nearest::new(rows, count)),
            |rows, count, window| Box::new(Determinant::new(rows, count, window)),
            |rows, count, window| Box::new(Spectrum::new(rows, count, window)),
        ];
        for method in methods {
            let slate = |bounds: Vec<f32>| {
                let mut channels = Groups::new(5);
                owners.iter().take(case.len()).for_each(|owner| channels.push([*owner]));
                let limits = Limits { per_channel: most, decay, ..Limits::default() };
                let mut tally = Tally::new(limits, case.len(), channels, Groups::default());
                let mut spread = Asked { of: method(&rows, case.len(), window), bounds, times: 0 };
                let picked = select(&relevance(&case), &mut spread, size, lambda, &mut tally, None);
                let passed: Vec<_> = (0..case.len()).map(|i| tally.passed_over(i)).collect();
                (picked, passed)
            };
            prop_assert_eq!(slate(Vec::new()), slate(vec![f32::INFINITY; case.len()]));
        }
    }
}

proptest! {
    #[test]
    fn a_candidate_that_is_behind_is_below_its_bound_and_catches_up(
        case in cases(), window in 2_usize..7, asked in prop::collection::vec((any::<u32>(), -2.5_f32..0.1), 24),
    ) {
        let rows = unit_rows(&case);
        let (count, unit) = (case.len(), unit(&case));
        let mut lazy = Determinant::new(&rows, count, window);
        for (pick, (some, least)) in asked.into_iter().enumerate().take(count) {
            lazy.pick(pick);
            let before: Vec<usize> = (0..=pick).collect();
            let before = &before[before.len().saturating_sub(window - 1)..];
            for i in pick + 1..count {
                let exact = log_determinant::<99>(&unit, before, i) as f32;
                // Who was asked once is not asked again before some picks later.
                if some >> (i % 32) & 1 == 1 {
                    match lazy.settle(i, least) {
                        Some(spread) => prop_assert!((spread - exact).abs() < 1e-4, "{} {}", spread, exact),
                        None => prop_assert!(exact < least, "{} {}", exact, least),
                    }
                }
                prop_assert!(lazy.bounds()[i] >= exact - 1e-5, "{} of {} after {}", i, count, pick);
            }
        }
    }
}

#[test]
fn who_is_far_behind_in_relevance_is_not_asked() {
    let (count, size) = (1000, 20);
    let mut rows = UnitRows::new(16, count);
    (0..count).for_each(|i| rows.push((0..16).map(|d| noise(3, 16 * i + d))));
    // Falling, as scores do, with a long tail.
    let relevance: Vec<f32> = (0..count).map(|i| 1.0 / (1.0 + i as f32 / 50.0)).collect();
    for method in Method::ALL {
        let mut spread = Asked {
            of: method.spread(&rows, count),
            bounds: Vec::new(),
            times: 0,
        };
        let picked = select(&relevance, &mut spread, size, 0.5, &mut Tally::default(), None);
        assert_eq!(picked.len(), size);
        assert!(spread.times < count * size / 5, "{}: {}", method.as_str(), spread.times);
    }
}

/// Sixty rows of 24 around six directions, relevance that leans to one of them.
fn clustered(seed: u64) -> Case {
    const WIDE: usize = 24;
    let centre = |k: usize, d: usize| noise(seed ^ 77, k * WIDE + d);
    let row = |i: usize| {
        (0..WIDE)
            .map(|d| centre(i % 6, d) + 0.6 * noise(seed, 900 + i * WIDE + d))
            .collect()
    };
    (0..60).map(|i| (noise(seed, i) + centre(i % 6, 0), row(i))).collect()
}

/// Mean pairwise cosine of slates of 12, over 60 sets.
fn likeness(method: Method, dial: f32) -> f64 {
    let of = |seed| {
        let case = clustered(seed);
        let rows = unit_rows(&case);
        let mut spread = method.spread(&rows, case.len());
        let picked = select(
            &relevance(&case),
            &mut *spread,
            12,
            1.0 - dial,
            &mut Tally::default(),
            None,
        );
        mean_pairwise_cosine(&picked.iter().map(|i| rows.row(*i)).collect::<Vec<_>>()).unwrap()
    };
    (0..60).map(of).sum::<f64>() / 60.0
}

#[test]
fn the_more_the_dial_is_turned_the_less_alike_the_slate_whatever_the_method() {
    for method in Method::ALL {
        let likeness: Vec<f64> = (0..=5).map(|fifth| likeness(method, fifth as f32 / 5.0)).collect();
        assert!(
            likeness.windows(2).all(|w| w[1] < w[0] + 0.002),
            "{}: {likeness:?}",
            method.as_str()
        );
        assert!(
            likeness[5] < 0.5 * likeness[0] && likeness[2] < likeness[0],
            "{}: {likeness:?}",
            method.as_str()
        );
    }
}

#[test]
fn the_more_calibration_weighs_the_closer_the_mix() {
    let divergence = |weight: f32| {
        let of = |seed| {
            let case = clustered(seed);
            let rows = unit_rows(&case);
            let mut groups = Groups::new(6);
            (0..60_u32).for_each(|i| groups.push([i % 6]));
            let wanted = [4.0, 2.0, 1.0, 1.0, 0.0, 0.0].to_vec();
            // The lightest weight that there is stands for none.
            let mut calibration = Calibration::new(weight.max(f32::MIN_POSITIVE), groups, wanted).unwrap();
            let mut spread = Method::Mmr.spread(&rows, case.len());
            let _ = select(
                &relevance(&case),
                &mut *spread,
                12,
                1.0,
                &mut Tally::default(),
                Some(&mut calibration),
            );
            calibration.divergence()
        };
        (0..100).map(of).sum::<f64>() / 100.0
    };
    let found: Vec<f64> = (0..=5).map(|fifth| divergence(fifth as f32 / 5.0)).collect();
    assert!(found.windows(2).all(|w| w[1] < w[0] + 1e-3), "{found:?}");
    assert!(found[5] < 0.1 && found[0] > 0.3, "{found:?}");
}

#[test]
fn a_twin_waits_for_another_kind() {
    let mut rows = UnitRows::new(2, 3);
    [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
        .into_iter()
        .for_each(|r| rows.push(r));
    let relevance = [1.0, 0.9, 0.5];
    for method in Method::ALL {
        let picked = |lambda| {
            select(
                &relevance,
                &mut *method.spread(&rows, 3),
                3,
                lambda,
                &mut Tally::default(),
                None,
            )
        };
        assert_eq!(picked(0.4), [0, 2, 1], "{}", method.as_str());
        assert_eq!(picked(1.0), [0, 1, 2], "{}", method.as_str());
    }
}

#[test]
fn more_rows_alike_than_the_space_is_wide_keep_their_order() {
    let mut rows = UnitRows::new(2, 40);
    (0..40).for_each(|_| rows.push([0.6, 0.8]));
    let relevance: Vec<f32> = (0..40).map(|i| -(i as f32)).collect();
    for method in Method::ALL {
        let picked = select(
            &relevance,
            &mut *method.spread(&rows, 40),
            40,
            0.3,
            &mut Tally::default(),
            None,
        );
        assert_eq!(picked, (0..40).collect::<Vec<_>>(), "{}", method.as_str());
    }
}

#[test]
fn equals_keep_their_order_and_zeros_are_alike_to_nothing() {
    let mut rows = UnitRows::new(1, 3);
    (0..3).for_each(|_| rows.push([0.0]));
    for method in Method::ALL {
        let picked = select(
            &[2.0; 3],
            &mut *method.spread(&rows, 3),
            3,
            0.3,
            &mut Tally::default(),
            None,
        );
        assert_eq!(picked, [0, 1, 2], "{}", method.as_str());
    }
}

#[test]
fn not_finite_relevance_comes_last() {
    let mut rows = UnitRows::new(1, 4);
    (0..4).for_each(|_| rows.push([1.0]));
    assert_eq!(mmr(&[f32::NAN, 1.0, f32::INFINITY, 2.0], &rows, 4, 0.5), [3, 1, 0, 2]);
    assert_eq!(mmr(&[f32::NAN, 1.0], &rows, 1, f32::NAN), [1]);
}

#[test]
fn each_further_one_of_a_channel_weighs_less() {
    let mut channels = Groups::new(2);
    [0, 0, 0, 1].into_iter().for_each(|channel| channels.push([channel]));
    let mut rows = UnitRows::new(1, 4);
    (0..4).for_each(|_| rows.push([0.0]));
    let picked = |decay| {
        let limits = Limits {
            decay,
            ..Limits::default()
        };
        let mut tally = Tally::new(limits, 4, channels.clone(), Groups::default());
        select(
            &[1.0, 0.9, 0.8, 0.5],
            &mut Nearest::new(&rows, 4),
            3,
            1.0,
            &mut tally,
            None,
        )
    };
    // Scaled to 0..=1 the relevance is 1, 0.8, 0.6, 0.
    assert_eq!(picked(0.0), [0, 1, 2]);
    assert_eq!(picked(1.0), [0, 1, 2], "all weigh nothing: equals keep their order");
    let mut other = Groups::new(2);
    [0, 0, 1, 1].into_iter().for_each(|channel| other.push([channel]));
    let mut tally = Tally::new(
        Limits {
            decay: 0.5,
            ..Limits::default()
        },
        4,
        other,
        Groups::default(),
    );
    assert_eq!(
        select(
            &[1.0, 0.9, 0.8, 0.5],
            &mut Nearest::new(&rows, 4),
            3,
            1.0,
            &mut tally,
            None
        ),
        [0, 2, 1]
    );
}

#[test]
fn what_leaves_makes_room_for_its_own_kind() {
    let mut channels = Groups::new(2);
    [0, 0, 1].into_iter().for_each(|channel| channels.push([channel]));
    let limits = Limits {
        per_channel: Some(1),
        ..Limits::default()
    };
    let mut tally = Tally::new(limits, 3, channels, Groups::default());
    tally.add(0);
    assert_eq!(
        [0, 1, 2].map(|i| tally.full(i)),
        [Some(Cap::Channel), Some(Cap::Channel), None]
    );
    tally.add(2);
    assert_eq!([0, 1, 2].map(|i| tally.full(i).is_some()), [true; 3]);
    tally.remove(0);
    assert_eq!(tally.full(1), None, "it may take the place of its own kind");
}

proptest! {
    #[test]
    fn the_direction_of_levels_is_that_of_their_numbers(rows in prop::collection::vec(prop::collection::vec(-127_i8..=127, 0..9), 1..5)) {
        let (mut levels, mut numbers) = (UnitRows::new(WIDTH, rows.len()), UnitRows::new(WIDTH, rows.len()));
        for (at, row) in rows.iter().enumerate() {
            levels.push_levels(row);
            numbers.push(row.iter().map(|level| f32::from(*level)));
            prop_assert_eq!(levels.row(at), numbers.row(at));
        }
    }
}
