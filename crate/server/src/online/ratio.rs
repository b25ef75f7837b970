//! Means over impressions when an account, not an impression, is what varies by chance.

/// Chance that an interval misses.
pub const ALPHA: f64 = 0.05;
/// Two-sided normal quantile of [`ALPHA`].
const QUANTILE: f64 = 1.959_963_984_540_054;
/// Number of accounts at which the sequential interval is tightest.
const TIGHTEST_AT: f64 = 1000.0;

/// One account's part of a mean: `sum` over `count`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Part {
    /// What it adds to the denominator: impressions, days, slates.
    pub count: f64,
    /// What it adds to the numerator.
    pub sum: f64,
}

impl Part {
    /// Adds one observation, where there is one.
    pub fn observe(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.count += 1.0;
            self.sum += value;
        }
    }
}

/// `R = Σ sum / Σ count` over accounts, with what its error needs.
///
/// An account's impressions resemble one another, so the error is that of a ratio estimator with accounts as units: an
/// account's influence is `ψ = (sum − R·count) / mean count`, and the variance of `R` is that of the mean of `ψ`
/// (Cochran 1977, *Sampling Techniques*, 6.4; Deng et al. 2018, *Applying the delta method in metric analytics*).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Ratio {
    accounts: u64,
    count: f64,
    sum: f64,
    count_squares: f64,
    products: f64,
    sum_squares: f64,
}

impl Ratio {
    /// Takes in one account; one without observations says nothing.
    pub fn add(&mut self, part: Part) {
        if part.count > 0.0 {
            self.accounts += 1;
            self.count += part.count;
            self.sum += part.sum;
            self.count_squares += part.count * part.count;
            self.products += part.count * part.sum;
            self.sum_squares += part.sum * part.sum;
        }
    }

    /// Accounts with an observation.
    #[must_use]
    pub fn accounts(&self) -> u64 {
        self.accounts
    }

    /// Σ count.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Σ sum.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// `R`; `None` without an observation.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }

    /// Variance of one account's influence; `None` below two accounts.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        let value = self.value().filter(|_| self.accounts > 1)?;
        let squares = self.sum_squares - 2.0 * value * self.products + value * value * self.count_squares;
        let mean_count = self.count / self.accounts as f64;
        Some(squares.max(0.0) / (mean_count * mean_count) / (self.accounts - 1) as f64)
    }

    /// Half of the 95 % interval of `R`, for one look at a number of accounts that was fixed before.
    #[must_use]
    pub fn half_width(&self) -> Option<f64> {
        Some(QUANTILE * (self.variance()? / self.accounts as f64).sqrt())
    }
}

/// By how much a mean of one arm exceeds that of another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The difference.
    pub value: f64,
    /// Half of its 95 % interval, for one look.
    pub half_width: f64,
    /// Half of its 95 % confidence sequence: however often one looks, all intervals together miss with a chance of 5 %.
    pub sequential_half_width: f64,
}

impl Difference {
    /// `arm − control`; `None` where one of them has fewer than two accounts.
    ///
    /// The sequence is the asymptotic one of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2021, *Time-uniform central
    /// limit theory and asymptotic confidence sequences*, for a randomised experiment: with `t` accounts of which the
    /// share `π` is in the arm, `σ² = σ₁²/π + σ₀²/(1−π)` and
    ///
    /// `± σ · √( 2(tρ²+1) / (t²ρ²) · ln( √(tρ²+1) / α ) )`.
    ///
    /// `ρ` makes it tightest at a thousand accounts.
    #[must_use]
    pub fn of(arm: &Ratio, control: &Ratio) -> Option<Difference> {
        let value = arm.value()? - control.value()?;
        let (in_arm, in_control) = (arm.accounts as f64, control.accounts as f64);
        let (of_arm, of_control) = (arm.variance()?, control.variance()?);
        let t = in_arm + in_control;
        // Squared error of the difference for one look, and the same per account.
        let squared = of_arm / in_arm + of_control / in_control;
        let sigma = (squared * t).sqrt();
        let rho_squared = (-2.0 * ALPHA.ln() + (-2.0 * ALPHA.ln()).ln() + 1.0) / TIGHTEST_AT;
        let spread = t * rho_squared + 1.0;
        let bound = (2.0 * spread / (t * t * rho_squared) * (spread.sqrt() / ALPHA).ln()).sqrt();
        Some(Difference {
            value,
            half_width: QUANTILE * squared.sqrt(),
            sequential_half_width: sigma * bound,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// Deterministic values in 0..1.
    fn noise(state: &mut u64) -> f64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// An account that clicks with a rate of its own around `rate`.
    fn account(rate: f64, state: &mut u64) -> Part {
        let own = (rate + 0.3 * (noise(state) - 0.5)).clamp(0.0, 1.0);
        let mut part = Part::default();
        let impressions = 1 + (noise(state) * 20.0) as usize;
        (0..impressions).for_each(|_| part.observe(Some(f64::from(u8::from(noise(state) < own)))));
        part
    }

    proptest! {
        #[test]
        fn value_and_variance_meet_their_definitions(
            parts in prop::collection::vec((1_u32..30, 0.0_f64..9.0), 2..40),
        ) {
            let mut ratio = Ratio::default();
            let parts: Vec<Part> = parts.iter().map(|(n, s)| Part { count: f64::from(*n), sum: *s }).collect();
            parts.iter().for_each(|part| ratio.add(*part));
            let accounts = parts.len() as f64;
            let mean_count = parts.iter().map(|p| p.count).sum::<f64>() / accounts;
            let value = parts.iter().map(|p| p.sum).sum::<f64>() / (accounts * mean_count);
            let influence = parts.iter().map(|p| (p.sum - value * p.count) / mean_count);
            let variance = influence.map(|psi| psi * psi).sum::<f64>() / (accounts - 1.0);
            prop_assert!((ratio.value().unwrap() - value).abs() < 1e-9);
            prop_assert!((ratio.variance().unwrap() - variance).abs() < 1e-6 * (1.0 + variance));
        }
    }

    #[test]
    fn an_account_without_observations_says_nothing() {
        let mut ratio = Ratio::default();
        ratio.add(Part::default());
        assert_eq!(
            (ratio, ratio.value(), ratio.half_width()),
            (Ratio::default(), None, None)
        );
        ratio.add(Part { count: 2.0, sum: 1.0 });
        assert_eq!((ratio.value(), ratio.half_width()), (Some(0.5), None));
    }

    #[test]
    fn the_interval_holds_the_truth_nineteen_times_in_twenty() {
        let mut state = 1;
        let mut truth = Ratio::default();
        (0..200_000).for_each(|_| truth.add(account(0.3, &mut state)));
        let truth = truth.value().unwrap();
        let held = (0..1000).filter(|_| {
            let mut ratio = Ratio::default();
            (0..200).for_each(|_| ratio.add(account(0.3, &mut state)));
            (ratio.value().unwrap() - truth).abs() <= ratio.half_width().unwrap()
        });
        let held = held.count();
        assert!((925..=975).contains(&held), "{held} of 1000");
    }

    #[test]
    fn one_may_look_at_every_account_with_the_sequence_and_not_with_the_interval() {
        let mut state = 7;
        let (mut sequence, mut interval) = (0, 0);
        for _ in 0..300 {
            let (mut arm, mut control) = (Ratio::default(), Ratio::default());
            let (mut by_sequence, mut by_interval) = (false, false);
            for accounts in 0..1500 {
                arm.add(account(0.3, &mut state));
                control.add(account(0.3, &mut state));
                // Both rest on a central limit: the first look is at some accounts.
                if accounts >= 50 {
                    let difference = Difference::of(&arm, &control).unwrap();
                    by_sequence |= difference.value.abs() > difference.sequential_half_width;
                    by_interval |= difference.value.abs() > difference.half_width;
                }
            }
            sequence += u32::from(by_sequence);
            interval += u32::from(by_interval);
        }
        assert!(sequence <= 24, "{sequence} of 300 false alarms");
        assert!(
            interval >= 75,
            "{interval} of 300: peeking at an interval must be seen to harm"
        );
    }

    #[test]
    fn a_difference_that_is_there_is_found() {
        let mut state = 3;
        let (mut arm, mut control) = (Ratio::default(), Ratio::default());
        for _ in 0..3000 {
            arm.add(account(0.35, &mut state));
            control.add(account(0.3, &mut state));
        }
        let found = Difference::of(&arm, &control).unwrap();
        assert!(found.value - found.sequential_half_width > 0.0, "{found:?}");
        assert!(found.half_width < found.sequential_half_width);
    }
}
