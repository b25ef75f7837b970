//! From the ranker's heads to an order: total, the same everywhere.

use core::cmp::Ordering;

use crate::program::kernel::sigmoid;

/// One candidate with its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Row in the block.
    pub row: usize,
    /// Logit of relevance where it is shown, by the ranker alone.
    pub frozen: f32,
    /// Logit of relevance where it is shown.
    pub logit: f32,
    /// What the order goes by.
    pub order: f32,
    /// What the personal head added to that.
    pub personal: f32,
    /// What fatigue took from it.
    pub fatigue: f32,
}

impl Scored {
    /// Probability of relevance, 0..=1; `None` where the logit is not finite.
    #[must_use]
    pub fn probability(&self) -> Option<f32> {
        self.logit.is_finite().then(|| sigmoid(self.logit))
    }

    /// What diversity weighs against likeness, 0..=1; `None` where the order is not finite.
    #[must_use]
    pub fn merit(&self) -> Option<f32> {
        self.order.is_finite().then(|| sigmoid(self.order))
    }
}

/// The total order of candidates: finite `order` falling, the others last, ties by id.
/// `id` gives the id of a row.
#[must_use]
pub fn compare<'a>(a: &Scored, b: &Scored, id: impl Fn(usize) -> &'a str) -> Ordering {
    let finite_first = b.order.is_finite().cmp(&a.order.is_finite());
    let falling = || match a.order.is_finite() && b.order.is_finite() {
        // Adding zero makes −0 the 0 that it is equal to.
        true => (b.order + 0.0).total_cmp(&(a.order + 0.0)),
        false => Ordering::Equal,
    };
    finite_first.then_with(falling).then_with(|| id(a.row).cmp(id(b.row)))
}

/// Sorts at most 65,536 candidates by [`compare`], where `rank` gives each row's place in the order of ids, below 65,536. Order,
/// rank and place are one number for each candidate, so that sorting moves and compares numbers alone.
#[inline(never)]
pub(crate) fn sort_by_rank(candidates: &mut Vec<Scored>, rank: impl Fn(usize) -> u32) {
    let key = |(at, one): (usize, &Scored)| {
        u64::from(falling(one.order)) << 32 | u64::from(rank(one.row) & 0xffff) << 16 | (at & 0xffff) as u64
    };
    let mut keys: Vec<u64> = candidates.iter().enumerate().map(key).collect();
    keys.sort();
    *candidates = keys.iter().map(|key| candidates[(key & 0xffff) as usize]).collect();
}

/// A number that rises as finite orders fall; the others are behind them.
fn falling(order: f32) -> u32 {
    if !order.is_finite() {
        return u32::MAX;
    }
    // Adding zero makes −0 the 0 that it is equal to. Bits of positive numbers rise with them, those of negative ones fall.
    let bits = (order + 0.0).to_bits();
    if bits >> 31 == 1 { bits } else { !bits & 0x7fff_ffff }
}

/// Sorts by [`compare`].
pub fn sort<'a>(candidates: &mut [Scored], id: impl Fn(usize) -> &'a str) {
    candidates.sort_unstable_by(|a, b| compare(a, b, &id));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

    /// The order is what counts, whatever the logit.
    fn scored(row: usize, order: f32) -> Scored {
        Scored {
            row,
            frozen: -order,
            logit: -order,
            order,
            personal: 0.0,
            fatigue: 0.0,
        }
    }

    fn order(orders: &[f32]) -> String {
        let mut all: Vec<Scored> = orders
            .iter()
            .enumerate()
            .map(|(row, order)| scored(row, *order))
            .collect();
        all.reverse();
        sort(&mut all, |row| IDS[row]);
        all.iter().map(|s| IDS[s.row]).collect()
    }

    #[test]
    fn higher_scores_come_first() {
        assert_eq!(order(&[-1.0, 3.0, 0.5]), "bca");
    }

    #[test]
    fn not_finite_comes_last() {
        assert_eq!(
            order(&[f32::NAN, -1e30, f32::INFINITY, 1.0, f32::NEG_INFINITY]),
            "dbace"
        );
    }

    #[test]
    fn ties_go_by_id() {
        assert_eq!(order(&[1.0, 1.0, 2.0, 1.0]), "cabd");
    }

    #[test]
    fn minus_zero_ties_with_zero() {
        assert_eq!(order(&[-0.0, 0.0, -0.0]), "abc");
    }

    #[test]
    fn a_score_that_is_not_finite_has_no_probability() {
        assert_eq!(scored(0, f32::NAN).probability(), None);
        assert_eq!(scored(0, f32::NAN).merit(), None);
        assert_eq!(scored(0, 0.0).probability(), Some(0.5));
        assert_eq!(scored(0, 1e30).probability(), Some(0.0));
        assert_eq!(scored(0, 1e30).merit(), Some(1.0));
    }

    proptest! {
        #[test]
        fn by_rank_is_by_id(bits in prop::collection::vec(prop_oneof![any::<u32>(), prop::sample::select(vec![0, 1 << 31, 7])], 8)) {
            let orders = bits.iter().map(|bits| f32::from_bits(*bits));
            let mut all: Vec<Scored> = orders.enumerate().map(|(row, order)| scored(7 - row, order)).collect();
            let mut expected = all.clone();
            sort(&mut expected, |row| IDS[row]);
            // The ids stand in the order of their rows.
            sort_by_rank(&mut all, |row| row as u32);
            let rows = |all: &[Scored]| all.iter().map(|one| one.row).collect::<Vec<_>>();
            prop_assert_eq!(rows(&all), rows(&expected));
        }

        #[test]
        fn order_is_total(bits in prop::array::uniform3(any::<u32>()), rows in prop::array::uniform3(0_usize..8)) {
            let [a, b, c] = [0, 1, 2].map(|i| scored(rows[i], f32::from_bits(bits[i])));
            let cmp = |x: &Scored, y: &Scored| compare(x, y, |row| IDS[row]);
            prop_assert_eq!(cmp(&a, &b), cmp(&b, &a).reverse());
            if cmp(&a, &b).is_le() && cmp(&b, &c).is_le() {
                prop_assert!(cmp(&a, &c).is_le());
            }
            if cmp(&a, &b).is_eq() {
                prop_assert_eq!(a.row, b.row);
            }
        }
    }
}
