//! Whether a probability means what it says.

use serde::Serialize;

/// Bins of equal size.
const BINS: usize = 15;

/// Impressions of neighbouring probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// Impressions.
    pub impressions: usize,
    /// Mean of what was foretold.
    pub predicted: f64,
    /// Mean of what happened.
    pub observed: f64,
}

/// Reliability of probabilities on the impressions of the test window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// Expected calibration error: mean distance of the two over the bins, by impressions.
    pub ece: f64,
    /// Mean squared distance of probability and outcome.
    pub brier: f64,
    /// Bins of equal size by rising probability.
    pub bins: Vec<Bin>,
}

/// Of pairs of a logit and what happened, 0..=1.
pub(super) fn calibration(rows: impl Iterator<Item = (f32, f32)>) -> Calibration {
    let probability = |logit: f32| 1.0 / (1.0 + f64::from(-logit).exp());
    let mut pairs: Vec<(f64, f64)> = rows.map(|(logit, y)| (probability(logit), f64::from(y))).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = pairs.len().max(1) as f64;
    let mean = |part: &[(f64, f64)]| {
        let sum = part.iter().fold((0.0, 0.0), |(p, y), pair| (p + pair.0, y + pair.1));
        Bin {
            impressions: part.len(),
            predicted: sum.0 / part.len() as f64,
            observed: sum.1 / part.len() as f64,
        }
    };
    let bins: Vec<Bin> = pairs.chunks(pairs.len().div_ceil(BINS).max(1)).map(mean).collect();
    Calibration {
        ece: bins
            .iter()
            .map(|b| b.impressions as f64 * (b.predicted - b.observed).abs())
            .sum::<f64>()
            / count,
        brier: pairs.iter().map(|(p, y)| (p - y).powi(2)).sum::<f64>() / count,
        bins,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coin_that_says_a_half_is_calibrated_and_one_that_is_sure_is_not() {
        let coin = |logit| (0..3000).map(move |i| (logit, if i % 2 == 0 { 1.0 } else { 0.0 }));
        let honest = calibration(coin(0.0));
        assert!(honest.ece < 1e-9 && (honest.brier - 0.25).abs() < 1e-9 && honest.bins.len() == BINS);
        assert!((calibration(coin(20.0)).ece - 0.5).abs() < 1e-6);
        assert_eq!(calibration(std::iter::empty()).ece, 0.0);
    }
}
