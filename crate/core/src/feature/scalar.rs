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
