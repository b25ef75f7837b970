//! The dial from familiar to exploring: some places of a slate go to videos that did not win one.

use crate::hash::hash64;

/// One place in this many is given away where the dial is at its end.
pub const EXPLORE_EVERY: usize = 5;

/// Gives `share × size / EXPLORE_EVERY` places of `picked` (rounded down), from the last place
/// upwards and spread evenly, to candidates among `others`. Which ones is decided by `seed` and
/// their ids alone: the same seed explores the same videos wherever they stand in the block. `fits` says whether a
/// candidate may take another's place, and then has it take it; one that may not is passed by.
/// Returns the places that were given away, rising; `others` then holds those that had them.
pub fn explore<'a>(
    picked: &mut [usize],
    others: &mut [usize],
    share: f32,
    seed: u64,
    id: impl Fn(usize) -> &'a str,
    mut fits: impl FnMut(usize, usize) -> bool,
) -> Vec<usize> {
    let most = picked.len() / EXPLORE_EVERY;
    let count = ((share.clamp(0.0, 1.0) * most as f32) as usize)
        .min(most)
        .min(others.len());
    let mut drawn: Vec<(u64, &str, usize)> = others
        .iter()
        .enumerate()
        .map(|(at, row)| (hash64(seed, id(*row).as_bytes()), id(*row), at))
        .collect();
    drawn.sort_unstable();
    let mut places: Vec<usize> = Vec::with_capacity(count);
    for (_, _, at) in drawn {
        if places.len() == count {
            break;
        }
        let place = picked.len() - 1 - places.len() * EXPLORE_EVERY;
        if fits(picked[place], others[at]) {
            core::mem::swap(&mut picked[place], &mut others[at]);
            places.push(place);
        }
    }
    places.reverse();
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_loses_a_candidate_and_leaves_the_rest_in_place(
            size in 0_usize..30, rest in 0_usize..30, share in -1.0_f32..2.0, seed: u64,
        ) {
            let ids: Vec<String> = (0..size + rest).map(|i| i.to_string()).collect();
            let (mut picked, mut others): (Vec<usize>, Vec<usize>) = ((0..size).collect(), (size..size + rest).collect());
            let places = explore(&mut picked, &mut others, share, seed, |row| &ids[row], |_, _| true);
            prop_assert!(places.len() <= size / EXPLORE_EVERY);
            prop_assert!(places.is_sorted());
            for (place, row) in picked.iter().enumerate() {
                prop_assert_eq!(places.contains(&place), *row != place);
            }
            let mut all: Vec<usize> = picked.into_iter().chain(others).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..size + rest).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_dial_gives_away_a_fifth_at_most_and_nothing_at_zero() {
        let ids: Vec<String> = (0..40).map(|i| i.to_string()).collect();
        let places = |share| {
            let (mut picked, mut others): (Vec<usize>, Vec<usize>) = ((0..10).collect(), (10..40).collect());
            explore(&mut picked, &mut others, share, 7, |row| &ids[row], |_, _| true)
        };
        assert!(places(0.0).is_empty());
        assert_eq!(places(0.5), [9]);
        assert_eq!(places(1.0), [4, 9]);
        assert!(places(f32::NAN).is_empty());
    }
}
