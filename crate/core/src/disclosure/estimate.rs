//! What many noised answers say.

use super::Response;

/// Two-sided normal quantile of 95 %.
const QUANTILE: f64 = 1.959_963_984_540_054;

/// Share of devices in a bucket, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Unbiased, and so below 0 or above 1 at times.
    pub share: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Takes the noise's part out of a count: `named` of `reports` devices answered with a bucket. `None` without a report.
///
/// `(named/n − q) / (p − q)` is unbiased (Wang et al. 2017, equation 2; their variance, equation 3, is that of the noise
/// alone). Devices are a sample too: a device answers with the bucket with a chance of `λ = q + share·(p − q)`, so the
/// interval is that of a proportion `λ`, taken back through the same line. Wilson's interval (1927) holds for few reports
/// as well (Brown, Cai & DasGupta, *Interval estimation for a binomial proportion*, 2001).
///
/// ```
/// use upnext_core::disclosure::{Response, estimate};
/// let response = Response::new(2, 1_000);
/// // What 10,000 devices answer on average if 3 of 10 are in the bucket.
/// let named = 10_000.0 * (0.3 * response.chance_of_truth() + 0.7 * response.chance_of_other());
/// let found = estimate(response, named as u64, 10_000).unwrap();
/// assert!((found.share - 0.3).abs() < 1e-3 && found.low > 0.27 && found.high < 0.33);
/// assert_eq!(estimate(response, 0, 0), None);
/// ```
#[must_use]
pub fn estimate(response: Response, named: u64, reports: u64) -> Option<Estimate> {
    if reports == 0 {
        return None;
    }
    let n = reports as f64;
    let rate = named as f64 / n;
    let squared = QUANTILE * QUANTILE / n;
    let centre = (rate + squared / 2.0) / (1.0 + squared);
    let half = (squared * (rate * (1.0 - rate) + squared / 4.0)).max(0.0).sqrt() / (1.0 + squared);
    let q = response.chance_of_other();
    let share = |rate: f64| (rate - q) / (response.chance_of_truth() - q);
    Some(Estimate {
        share: share(rate),
        low: share(centre - half),
        high: share(centre + half),
    })
}
