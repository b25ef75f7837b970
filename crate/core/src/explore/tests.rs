#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;

use super::*;
use crate::diversity::{Groups, Limits};
use proptest::prelude::*;

/// A slate of 15 with 18 others.
const SIZE: usize = 15;
const REST: usize = 18;

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("v{i}")).collect()
}

/// A tally that holds the first `size` of `all`, of channels by turns, with at most so many of one.
fn tally(size: usize, all: usize, channels: usize, per_channel: Option<usize>) -> Tally {
    let mut groups = Groups::new(channels);
    (0..all).for_each(|row| groups.push([(row % channels) as u32]));
    let limits = Limits {
        per_channel,
        ..Limits::default()
    };
    let mut tally = Tally::new(limits, all, groups, Groups::default());
    (0..size).for_each(|row| tally.add(row));
    tally
}

/// What is drawn, in the order in which it is.
fn draw(seed: u64, ensemble: &[Vec<usize>], per_channel: Option<usize>) -> Vec<(Drawn, usize)> {
    let ids = ids(SIZE + REST);
    let (mut picked, mut others): (Vec<usize>, Vec<usize>) = ((0..SIZE).collect(), (SIZE..SIZE + REST).collect());
    let mut tally = tally(SIZE, SIZE + REST, 4, per_channel);
    let drawn = explore(&mut picked, &mut others, 1.0, seed, ensemble, &mut tally, |row| {
        &ids[row]
    });
    let behind = drawn.into_iter().rev();
    behind.map(|drawn| (drawn, picked[drawn.place])).collect()
}

/// An ensemble in which some videos are the best more often than others.
fn ensemble() -> Vec<Vec<usize>> {
    (0..SAMPLES)
        .map(|n| (0..9).map(|k| (n * n % 7 + 2 * k) % REST).collect())
        .collect()
}

/// Channels are 4 by turns, so that the slate has 4, 4, 4 and 3 of them: with a cap of 4 each draw closes and opens some.
const CAPS: [Option<usize>; 2] = [None, Some(4)];

proptest! {
    #[test]
    fn never_loses_a_candidate_leaves_the_rest_in_place_and_breaks_no_cap(
        size in 0_usize..30, rest in 0_usize..30, share in -1.0_f32..2.0, seed: u64, thompson: bool,
        channels in 1_usize..6, more in prop::option::of(0_usize..3),
    ) {
        let ids = ids(size + rest);
        let (mut picked, mut others): (Vec<usize>, Vec<usize>) = ((0..size).collect(), (size..size + rest).collect());
        let count = given_away(share, size, rest);
        let ensemble: Vec<Vec<usize>> = match thompson {
            true => (0..SAMPLES).map(|n| (0..rest.min(9)).map(|k| (n + k) % rest).collect()).collect(),
            false => Vec::new(),
        };
        let per_channel = more.map(|more| size.div_ceil(channels) + more);
        let mut tally = tally(size, size + rest, channels, per_channel);
        let drawn = explore(&mut picked, &mut others, share, seed, &ensemble, &mut tally, |row| &ids[row]);
        let places: Vec<usize> = drawn.iter().map(|drawn| drawn.place).collect();
        prop_assert!(places.len() == count || per_channel.is_some());
        prop_assert!(count <= size / EXPLORE_EVERY);
        prop_assert!(places.is_sorted());
        prop_assert!(drawn.iter().all(|drawn| drawn.propensity > 0.0 && drawn.propensity <= 1.0));
        for (place, row) in picked.iter().enumerate() {
            prop_assert_eq!(places.contains(&place), *row != place);
        }
        for channel in 0..channels {
            let count = picked.iter().filter(|row| *row % channels == channel).count();
            prop_assert!(per_channel.is_none_or(|most| count <= most));
        }
        let mut all: Vec<usize> = picked.into_iter().chain(others).collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..size + rest).collect::<Vec<_>>());
    }
}

#[test]
fn the_dial_gives_away_a_fifth_at_most_and_nothing_at_zero() {
    let ids = ids(40);
    let places = |share| -> Vec<usize> {
        let (mut picked, mut others): (Vec<usize>, Vec<usize>) = ((0..10).collect(), (10..40).collect());
        let mut tally = Tally::default();
        let drawn = explore(&mut picked, &mut others, share, 7, &[], &mut tally, |row| &ids[row]);
        drawn.iter().map(|drawn| drawn.place).collect()
    };
    assert!(places(0.0).is_empty());
    assert_eq!(places(0.5), [9]);
    assert_eq!(places(1.0), [4, 9]);
    assert!(places(f32::NAN).is_empty());
}

#[test]
fn a_place_that_nothing_fits_is_kept() {
    let ids = ids(10);
    let (mut picked, mut others) = (vec![0, 1, 2, 3, 4], vec![5, 7, 9]);
    // Odd ones are of channel 1, of which there are two already; the last place has one of channel 0.
    let mut tally = tally(5, 10, 2, Some(2));
    tally.remove(4);
    let drawn = explore(&mut picked, &mut others, 1.0, 3, &[], &mut tally, |row| &ids[row]);
    assert!(drawn.is_empty());
    assert_eq!(picked, [0, 1, 2, 3, 4]);
}

#[test]
fn the_chances_are_how_often_it_happens_given_the_draws_before() {
    const SEEDS: u64 = 30_000;
    for ensemble in [Vec::new(), ensemble()] {
        for per_channel in CAPS {
            // By what was drawn before, then by video: how often, and the chance that was told.
            let mut seen = BTreeMap::<Vec<usize>, BTreeMap<usize, (f64, f32)>>::new();
            for seed in 0..SEEDS {
                let mut before = Vec::new();
                for (drawn, video) in draw(seed, &ensemble, per_channel) {
                    let of_prefix = seen.entry(before.clone()).or_default();
                    let cell = of_prefix.entry(video).or_insert((0.0, drawn.propensity));
                    assert_eq!(cell.1, drawn.propensity, "a chance does not depend on the seed");
                    cell.0 += 1.0;
                    before.push(video);
                }
            }
            let mut judged = 0;
            for of_prefix in seen.values() {
                let all: f64 = of_prefix.values().map(|(times, _)| times).sum();
                if all < 1000.0 {
                    continue;
                }
                let sum: f32 = of_prefix.values().map(|(_, chance)| chance).sum();
                assert!((sum - 1.0).abs() < 1e-5, "{sum}");
                for (video, (times, chance)) in of_prefix {
                    let (share, chance) = (times / all, f64::from(*chance));
                    let deviation = (chance * (1.0 - chance) / all).sqrt();
                    assert!((share - chance).abs() < 5.0 * deviation, "{video}: {share} of {chance}");
                    judged += 1;
                }
            }
            assert!(judged > 2 * REST, "{judged}");
        }
    }
}

#[test]
fn inverse_propensities_recover_what_another_policy_would_have_earned() {
    const SEEDS: u64 = 30_000;
    let truth = |video: usize| 0.05 + 0.9 * (video * 37 % 19) as f64 / 19.0;
    // The other policy draws uniformly; its own earnings are counted, those of the log weighed, all places together.
    for per_channel in CAPS {
        let ensemble = ensemble();
        let clicks = |seed: u64, ensemble: &[Vec<usize>]| {
            let drawn = draw(seed, ensemble, per_channel);
            let (mut weight, mut clicks, mut taken) = (1.0, 0.0, Vec::new());
            for (drawn, video) in &drawn {
                let mut tally = tally(SIZE, SIZE + REST, 4, per_channel);
                // The slate as it stood at this draw.
                for (place, earlier) in &taken {
                    tally.remove(*place);
                    tally.add(*earlier);
                }
                tally.remove(drawn.place);
                let rest = (SIZE..SIZE + REST).filter(|row| taken.iter().all(|(_, earlier)| earlier != row));
                let fits = rest.filter(|row| tally.full(*row).is_none()).count();
                weight /= f64::from(drawn.propensity) * fits as f64;
                clicks += truth(*video);
                taken.push((drawn.place, *video));
            }
            (weight, clicks)
        };
        let (mut wanted, mut found, mut plain) = (0.0, 0.0, 0.0);
        for seed in 0..SEEDS {
            wanted += clicks(seed, &[]).1 / SEEDS as f64;
            let (weight, clicks) = clicks(SEEDS + seed, &ensemble);
            found += weight * clicks / SEEDS as f64;
            plain += clicks / SEEDS as f64;
        }
        assert!((found - wanted).abs() < 0.02 * wanted, "{found} of {wanted}");
        assert!(
            (plain - wanted).abs() > 0.05 * wanted,
            "{plain} of {wanted}: the weights matter"
        );
    }
}
