//! The non-linearities, without a branch, so that they run on all lanes of a register.

use super::config::Activation;
use crate::linear::{Kernel, with_simd};

/// Applies it to all values.
pub(super) fn activate(activation: Activation, values: &mut [f32]) {
    with_simd(Activate { activation, values });
}

struct Activate<'a> {
    activation: Activation,
    values: &'a mut [f32],
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        match self.activation {
            Activation::Gelu => {
                for v in self.values {
                    *v = 0.5 * *v * (1.0 + erf(*v * std::f32::consts::FRAC_1_SQRT_2));
                }
            }
            Activation::GeluTanh => {
                for v in self.values {
                    let inside = 0.797_884_6 * (*v + 0.044_715 * *v * *v * *v);
                    *v = 0.5 * *v * (1.0 + inside.tanh());
                }
            }
            Activation::Relu => self.values.iter_mut().for_each(|v| *v = v.max(0.0)),
        }
    }
}

/// The error function as a ratio of polynomials in x², good to 5e-7; beyond ±4 it is ±1 in f32.
#[inline(always)]
fn erf(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_5e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const BELOW: [f32; 5] = [
        -1.456_607_2e-5,
        -2.133_740_6e-4,
        -1.682_827e-3,
        -7.373_329e-3,
        -1.426_473_9e-2,
    ];
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let above = ABOVE.iter().fold(0.0, |sum, c| sum * square + c);
    let below = BELOW.iter().fold(0.0, |sum, c| sum * square + c);
    x * above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error function by its Taylor series in f64.
    fn series(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn the_error_function_is_that_of_its_series() {
        for i in -4000..=4000 {
            let x = i as f32 / 1000.0;
            let (fast, slow) = (f64::from(erf(x)), series(f64::from(x)));
            assert!((fast - slow).abs() < 5e-7, "erf({x}): {fast} and {slow}");
        }
    }

    #[test]
    fn large_values_pass_and_large_negative_ones_vanish() {
        for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Relu] {
            let mut values = [30.0, -30.0, 0.0];
            activate(activation, &mut values);
            let gaps = [values[0] - 30.0, values[1], values[2]];
            assert!(gaps.iter().all(|gap| gap.abs() < 1e-5), "{activation:?}: {values:?}");
        }
    }

    #[test]
    fn known_values_of_gelu() {
        // From tables of Φ: Φ(1) = 0.841345, Φ(-2) = 0.022750.
        let mut values = [1.0, -2.0];
        activate(Activation::Gelu, &mut values);
        assert!((values[0] - 0.841_345).abs() < 1e-5 && (values[1] + 0.045_500).abs() < 1e-5);
    }
}
