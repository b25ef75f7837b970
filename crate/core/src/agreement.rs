//! How alike two orders are: what another bundle, or another setting, would change of what is offered.
//!
//! An order is a list of distinct things, best first; of what comes twice the first place counts. Two empty orders have
//! nothing to be compared by.

use std::collections::BTreeMap;

/// Persistence for [`rank_biased_overlap`] of some hundred candidates: the first fifty places weigh 85 %.
pub const PERSISTENCE: f64 = 0.98;

/// Of the first `k` of each order, the share that both have: `|A ∩ B| / min(k, longest)`. 1 for the same things in any
/// order, 0 for none in common, `None` where there is nothing to compare.
///
/// ```
/// use upnext_core::agreement::overlap_at;
/// assert_eq!(overlap_at(&["a", "b", "c"], &["b", "a", "d"], 2), Some(1.0));
/// assert_eq!(overlap_at(&["a", "b", "c"], &["b", "a", "d"], 3), Some(2.0 / 3.0));
/// assert_eq!(overlap_at::<&str>(&[], &[], 3), None);
/// ```
#[must_use]
pub fn overlap_at<T: Ord>(a: &[T], b: &[T], k: usize) -> Option<f64> {
    let depth = k.min(a.len().max(b.len()));
    let (a, b) = (&a[..a.len().min(k)], &b[..b.len().min(k)]);
    let both = Common::new(a, b).at.len();
    (depth > 0).then(|| both as f64 / depth as f64)
}

/// Rank-biased overlap, extrapolated: the mean over depths of the share that both orders have down to there, depth `d`
/// weighted by `p^(d−1)`, as if what follows agreed as what was seen. 1 for equal orders, 0 for disjoint ones, symmetric;
/// the first places count most. `p` is in `0..1`; `None` for another, and where an order is empty.
///
/// Formula 32 of W. Webber, A. Moffat, J. Zobel: A similarity measure for indefinite rankings, ACM TOIS 28 (4), 2010.
///
/// ```
/// use upnext_core::agreement::rank_biased_overlap;
/// let close = |a: Option<f64>, b: f64| a.is_some_and(|a| (a - b).abs() < 1e-12);
/// assert!(close(rank_biased_overlap(&[1, 2, 3], &[1, 2, 3], 0.9), 1.0));
/// assert!(close(rank_biased_overlap(&[1, 2, 3], &[4, 5, 6], 0.9), 0.0));
/// assert!(rank_biased_overlap(&[1, 2, 3], &[1, 3, 2], 0.9) > rank_biased_overlap(&[1, 2, 3], &[2, 1, 3], 0.9));
/// ```
#[must_use]
pub fn rank_biased_overlap<T: Ord>(a: &[T], b: &[T], p: f64) -> Option<f64> {
    if a.is_empty() || b.is_empty() || !(p > 0.0 && p < 1.0) {
        return None;
    }
    let (short, long) = (a.len().min(b.len()), a.len().max(b.len()));
    let mut depths = Common::new(a, b).at;
    depths.sort_unstable();
    // `both`: X_d, how many both have down to depth d; `at_short`: X_s.
    let (mut both, mut at_short) = (0_usize, 0_usize);
    let (mut sum, mut power) = (0.0, 1.0);
    for depth in 1..=long {
        while depths.get(both).is_some_and(|reached| *reached < depth) {
            both += 1;
        }
        if depth == short {
            at_short = both;
        }
        power *= p;
        let mut share = both as f64 / depth as f64;
        if depth > short {
            share += at_short as f64 * (depth - short) as f64 / (short as f64 * depth as f64);
        }
        sum += share * power;
    }
    let (both, at_short) = (both as f64, at_short as f64);
    let rest = (both - at_short) / long as f64 + at_short / short as f64;
    Some((1.0 - p) / p * sum + rest * power)
}

/// Of `after`, the share that `before` does not have; `None` where `after` is empty.
///
/// ```
/// use upnext_core::agreement::share_of_new;
/// assert_eq!(share_of_new(&["a", "b"], &["b", "c", "d", "e"]), Some(0.75));
/// ```
#[must_use]
pub fn share_of_new<T: Ord>(before: &[T], after: &[T]) -> Option<f64> {
    let both = Common::new(before, after).at.len();
    (!after.is_empty()).then(|| (after.len() - both) as f64 / after.len() as f64)
}

/// What both orders have.
struct Common {
    /// For each thing that both have the larger of its two places, from 0.
    at: Vec<usize>,
}

impl Common {
    fn new<T: Ord>(a: &[T], b: &[T]) -> Common {
        let mut first: BTreeMap<&T, usize> = BTreeMap::new();
        for (place, thing) in a.iter().enumerate() {
            first.entry(thing).or_insert(place);
        }
        let mut at = Vec::new();
        for (place, thing) in b.iter().enumerate() {
            // Taken out: what comes twice in the other is met once.
            if let Some(other) = first.remove(thing) {
                at.push(place.max(other));
            }
        }
        Common { at }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// Number of things that both have among their first `depth`.
    fn both(a: &[u8], b: &[u8], depth: usize) -> f64 {
        let (a, b) = (&a[..a.len().min(depth)], &b[..b.len().min(depth)]);
        a.iter().filter(|thing| b.contains(thing)).count() as f64
    }

    /// Formula 32, word for word.
    fn rbo_oracle(a: &[u8], b: &[u8], p: f64) -> f64 {
        let (s, l) = (a.len().min(b.len()), a.len().max(b.len()));
        let x = |depth| both(a, b, depth);
        let first: f64 = (1..=l).map(|d| x(d) / d as f64 * p.powi(d as i32)).sum();
        let second: f64 = (s + 1..=l)
            .map(|d| x(s) * (d - s) as f64 / (s as f64 * d as f64) * p.powi(d as i32))
            .sum();
        (1.0 - p) / p * (first + second) + ((x(l) - x(s)) / l as f64 + x(s) / s as f64) * p.powi(l as i32)
    }

    /// A list of distinct things.
    fn order() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::btree_set(0_u8..30, 1..20)
            .prop_flat_map(|set| Just(set.into_iter().collect::<Vec<_>>()).prop_shuffle())
    }

    #[test]
    fn the_first_fifty_places_weigh_85_percent() {
        // The weight of the first d places (formula 21 of the same source).
        let (p, d) = (PERSISTENCE, 50);
        let tail: f64 = (1..d).map(|i| p.powi(i) / f64::from(i)).sum();
        let weight = 1.0 - p.powi(d - 1) + (1.0 - p) / p * f64::from(d) * (-(1.0 - p).ln() - tail);
        assert!((weight - 0.85).abs() < 0.005, "{weight}");
    }

    #[test]
    fn nothing_to_compare_is_no_figure() {
        assert_eq!(overlap_at(&[1], &[1], 0), None);
        assert_eq!(rank_biased_overlap(&[1], &[], 0.5), None);
        assert_eq!(share_of_new(&[1], &[]), None);
        for p in [0.0, 1.0, -0.5, f64::NAN] {
            assert_eq!(rank_biased_overlap(&[1], &[1], p), None);
        }
    }

    proptest! {
        #[test]
        fn rank_biased_overlap_is_its_formula(a in order(), b in order(), p in 0.05_f64..0.99) {
            let value = rank_biased_overlap(&a, &b, p).unwrap();
            prop_assert!((value - rbo_oracle(&a, &b, p)).abs() < 1e-9);
            prop_assert!((-1e-12..=1.0 + 1e-12).contains(&value), "{value}");
            prop_assert!((value - rank_biased_overlap(&b, &a, p).unwrap()).abs() < 1e-12, "symmetric");
            prop_assert!((rank_biased_overlap(&a, &a, p).unwrap() - 1.0).abs() < 1e-9);
        }

        /// What stands at the top counts for more than what stands below.
        #[test]
        fn a_change_further_down_matters_less(order in order(), at in 0_usize..19, p in 0.05_f64..0.99) {
            prop_assume!(order.len() >= 3);
            let at = at % (order.len() - 2);
            let swapped = |at: usize| {
                let mut other = order.clone();
                other.swap(at, at + 1);
                rank_biased_overlap(&order, &other, p).unwrap()
            };
            prop_assert!(swapped(at) < swapped(at + 1) + 1e-12);
        }

        #[test]
        fn shares_are_counted(a in order(), b in order(), k in 1_usize..25) {
            let depth = k.min(a.len().max(b.len())) as f64;
            prop_assert_eq!(overlap_at(&a, &b, k), Some(both(&a, &b, k) / depth));
            let new = b.iter().filter(|thing| !a.contains(thing)).count() as f64 / b.len() as f64;
            prop_assert_eq!(share_of_new(&a, &b), Some(new));
            let twice: Vec<u8> = b.iter().chain(&b).copied().collect();
            prop_assert_eq!(Common::new(&a, &twice).at, Common::new(&a, &b).at);
        }
    }
}
