//! Numbers: buckets, and standardised logarithms. Unknown is a value of its own, never zero alone.

use crate::feature::spec::{Buckets, Standardise};

impl Buckets {
    /// Number of rows: unknown, and one more than there are edges.
    #[must_use]
    pub fn rows(&self) -> u32 {
        u32::try_from(self.edges.len()).unwrap_or(u32::MAX).saturating_add(2)
    }

    /// `1 +` the number of edges not above the value; unknown or not finite is row 0.
    ///
    /// ```
    /// use upnext_core::feature::spec::Buckets;
    /// let age = Buckets { edges: vec![18.0, 35.0] };
    /// assert_eq!([age.row(None), age.row(Some(17.0)), age.row(Some(18.0)), age.row(Some(80.0))], [0, 1, 2, 3]);
    /// ```
    #[must_use]
    pub fn row(&self, value: Option<f32>) -> u32 {
        match value {
            Some(v) if v.is_finite() => 1 + self.edges.partition_point(|edge| *edge <= v) as u32,
            _ => 0,
        }
    }
}

impl Standardise {
    /// Farthest a standardised value can be from the mean: one absurd count must not drown the rest.
    pub const LIMIT: f32 = 8.0;

    /// `(log1p(value) − mean) / std` within ±[`LIMIT`](Self::LIMIT), and 1.0 for known.
    /// Missing, negative or not finite is `(0.0, 0.0)`.
    ///
    /// ```
    /// use upnext_core::feature::spec::Standardise;
    /// let s = Standardise { mean: 0.0, std: 2.0 };
    /// assert_eq!(s.value(Some(0.0)), (0.0, 1.0));
    /// assert_eq!(s.value(None), (0.0, 0.0));
    /// ```
    #[must_use]
    pub fn value(&self, value: Option<f32>) -> (f32, f32) {
        match value {
            Some(v) if v.is_finite() && v >= 0.0 => (
                ((libm::log1pf(v) - self.mean) / self.std).clamp(-Self::LIMIT, Self::LIMIT),
                1.0,
            ),
            _ => (0.0, 0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_hour_falls_into_its_bucket_and_midnight_into_the_first() {
        let hour = Buckets {
            edges: vec![6.0, 12.0, 18.0],
        };
        let rows = [0.0, 5.99, 6.0, 11.99, 12.0, 18.0, 23.99].map(|h| hour.row(Some(h)));
        assert_eq!(rows, [1, 1, 2, 2, 3, 4, 4]);
    }

    #[test]
    fn without_edges_known_is_one_row_and_unknown_another() {
        let none = Buckets::default();
        assert_eq!((none.rows(), none.row(Some(3.0)), none.row(None)), (2, 1, 0));
    }

    #[test]
    fn not_finite_is_unknown() {
        let (buckets, standard) = (Buckets { edges: vec![1.0] }, Standardise { mean: 1.0, std: 1.0 });
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(buckets.row(Some(value)), 0);
            assert_eq!(standard.value(Some(value)), (0.0, 0.0));
        }
        assert_eq!(standard.value(Some(-1.0)), (0.0, 0.0));
    }

    #[test]
    fn an_unknown_count_differs_from_a_count_at_the_mean() {
        let standard = Standardise { mean: 0.0, std: 1.0 };
        assert_ne!(standard.value(Some(0.0)), standard.value(None));
    }

    proptest! {
        #[test]
        fn the_bucket_is_the_number_of_edges_passed(
            mut edges in prop::collection::vec(-100.0..100.0_f32, 0..12),
            value in -120.0..120.0_f32,
        ) {
            edges.sort_by(f32::total_cmp);
            edges.dedup();
            let passed = edges.iter().filter(|edge| **edge <= value).count() as u32;
            let buckets = Buckets { edges };
            prop_assert_eq!(buckets.row(Some(value)), 1 + passed);
            prop_assert!(buckets.row(Some(value)) < buckets.rows());
        }

        #[test]
        fn standardised_values_rise_and_are_bounded(
            mean in -5.0..20.0_f32, std in 1e-6..10.0_f32, a in 0.0..f32::MAX, b in 0.0..f32::MAX,
        ) {
            let standard = Standardise { mean, std };
            let (low, high) = (standard.value(Some(a.min(b))).0, standard.value(Some(a.max(b))).0);
            prop_assert!(low <= high);
            prop_assert!(low >= -Standardise::LIMIT && high <= Standardise::LIMIT);
        }
    }
}
