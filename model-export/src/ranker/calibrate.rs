//! Platt's calibration: two numbers for a head, so that its sigmoid is a share.
//!
//! Platt, *Probabilistic outputs for support vector machines*, 1999: `p = σ(scale · logit + shift)` by maximum likelihood on
//! rows that the head was not taught by. Two numbers and not an isotonic curve: the hold-out is a day or two, on which a curve
//! of hundreds of steps learns that day by heart, and an affine map of a logit can be folded into the last layer, so that
//! every engine gives calibrated logits and no device has to know of it.

use serde::{Deserialize, Serialize};
use upnext_core::bundle::Metrics;
use upnext_core::head::Head;

use crate::towers::weights::DenseWeights;

/// Newton's steps: the loss is convex in two numbers, a handful suffices.
const STEPS: usize = 50;
/// Pull to the identity, as that of so many rows: what can be told apart entirely has a finite scale.
const PRIOR: f64 = 1.0;
/// Rows with and without, in sum, that calibrating needs on either side.
const LEAST: f64 = 20.0;

/// `scale · logit + shift`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Platt {
    /// Above 0: it changes no order.
    pub scale: f32,
    /// In logits.
    pub shift: f32,
}

impl Platt {
    /// What the names of its figures begin with.
    pub const FIGURES: &str = "platt.";
    /// No calibration.
    pub const NONE: Platt = Platt { scale: 1.0, shift: 0.0 };

    /// Names of its two numbers among a bundle's figures. A bundle without them was not calibrated.
    #[must_use]
    pub fn figures(head: Head) -> [String; 2] {
        ["scale", "shift"].map(|number| format!("{}{}.{number}", Platt::FIGURES, head.as_str()))
    }

    /// Of the figures of a bundle.
    #[must_use]
    pub fn of(head: Head, figures: &Metrics) -> Platt {
        let [scale, shift] = Platt::figures(head).map(|name| {
            let found = figures.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value as f32)
        });
        match (scale, shift) {
            (Some(scale), Some(shift)) if scale > 0.0 => Platt { scale, shift },
            _ => Platt::NONE,
        }
    }

    /// Fits targets 0..=1 on logits. [`Platt::NONE`] where either side has too few, and where the order would turn round.
    ///
    /// ```
    /// use upnext_export::ranker::Platt;
    /// // Says a half of everything, and a quarter is; the prior pulls by as much as one row.
    /// let rows = (0..400).map(|i| (0.0, if i % 4 == 0 { 1.0 } else { 0.0 }));
    /// let platt = Platt::fit(&rows.collect::<Vec<(f32, f32)>>());
    /// assert!((platt.shift - (0.25_f32 / 0.75).ln()).abs() < 0.02);
    /// ```
    #[must_use]
    pub fn fit(rows: &[(f32, f32)]) -> Platt {
        let above: f64 = rows.iter().map(|(_, target)| f64::from(*target)).sum();
        if above < LEAST || rows.len() as f64 - above < LEAST {
            return Platt::NONE;
        }
        let (mut scale, mut shift) = (1.0_f64, 0.0_f64);
        let mut loss = loss_of(rows, scale, shift);
        for _ in 0..STEPS {
            // Gradient and Hessian of the loss in scale and shift.
            let (mut g, mut h) = ([PRIOR * (scale - 1.0), PRIOR * shift], [PRIOR, 0.0, PRIOR]);
            for (logit, target) in rows {
                let logit = f64::from(*logit);
                let p = sigmoid(scale * logit + shift);
                let (over, bend) = (p - f64::from(*target), p * (1.0 - p));
                g[0] += over * logit;
                g[1] += over;
                h[0] += bend * logit * logit;
                h[1] += bend * logit;
                h[2] += bend;
            }
            let determinant = h[0] * h[2] - h[1] * h[1];
            let step = [
                (h[2] * g[0] - h[1] * g[1]) / determinant,
                (h[0] * g[1] - h[1] * g[0]) / determinant,
            ];
            let halved = (0..30).map(|times| 0.5_f64.powi(times)).find_map(|part| {
                let (a, b) = (scale - part * step[0], shift - part * step[1]);
                let found = loss_of(rows, a, b);
                (found < loss).then_some((a, b, found))
            });
            let Some((a, b, found)) = halved else { break };
            let gained = loss - found;
            (scale, shift, loss) = (a, b, found);
            if gained < 1e-9 * loss.abs() {
                break;
            }
        }
        let fitted = Platt {
            scale: scale as f32,
            shift: shift as f32,
        };
        match fitted.scale > 0.0 && fitted.scale.is_finite() && fitted.shift.is_finite() {
            true => fitted,
            false => Platt::NONE,
        }
    }

    /// The calibrated logit.
    #[must_use]
    pub fn apply(self, logit: f32) -> f32 {
        self.scale * logit + self.shift
    }

    /// What gives `calibrated`.
    #[must_use]
    pub fn undo(self, calibrated: f32) -> f32 {
        (calibrated - self.shift) / self.scale
    }

    /// Makes one output of a last layer give calibrated logits.
    pub(super) fn fold(self, layer: &mut DenseWeights, output: usize) {
        for row in layer.weights.chunks_exact_mut(layer.output.max(1)) {
            row[output] *= self.scale;
        }
        layer.bias[output] = self.apply(layer.bias[output]);
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Cross-entropy of all rows, and the prior's part.
fn loss_of(rows: &[(f32, f32)], scale: f64, shift: f64) -> f64 {
    let of = |(logit, target): &(f32, f32)| {
        let x = scale * f64::from(*logit) + shift;
        // ln(1 + eˣ) − target · x
        x.max(0.0) + (-x.abs()).exp().ln_1p() - f64::from(*target) * x
    };
    let prior = PRIOR / 2.0 * ((scale - 1.0).powi(2) + shift.powi(2));
    rows.iter().map(of).sum::<f64>() + prior
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rows whose targets are the very chances: what the best of fits must find.
    fn told(scale: f32, shift: f32) -> Vec<(f32, f32)> {
        let logit = |i: usize| (i as f32 - 1000.0) / 250.0;
        (0..2000)
            .map(|i| (logit(i), sigmoid(f64::from(scale * logit(i) + shift)) as f32))
            .collect()
    }

    proptest! {
        #[test]
        fn it_finds_what_was_bent(scale in 0.2_f32..2.0, shift in -2.0_f32..2.0) {
            let found = Platt::fit(&told(scale, shift));
            prop_assert!((found.scale - scale).abs() < 0.1 && (found.shift - shift).abs() < 0.1, "{found:?}");
            for logit in [-3.0, 0.0, 2.5] {
                prop_assert!((found.undo(found.apply(logit)) - logit).abs() < 1e-4);
            }
        }

        #[test]
        fn no_neighbour_of_the_fit_is_better(scale in 0.2_f32..2.0, shift in -2.0_f32..2.0, bits: u64) {
            let rows: Vec<(f32, f32)> = told(scale, shift)
                .into_iter()
                .enumerate()
                .map(|(i, (logit, p))| (logit, f32::from(u8::from(p > ((i as u64 * 37 + bits % 97) % 101) as f32 / 101.0))))
                .collect();
            let found = Platt::fit(&rows);
            prop_assume!(found != Platt::NONE);
            let at = |a: f64, b: f64| loss_of(&rows, f64::from(found.scale) + a, f64::from(found.shift) + b);
            for (a, b) in [(0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01)] {
                prop_assert!(at(a, b) > at(0.0, 0.0));
            }
        }
    }

    #[test]
    fn what_cannot_be_calibrated_stays_as_it_is() {
        let few: Vec<(f32, f32)> = (0..1000).map(|i| (0.0, f32::from(u8::from(i < 5)))).collect();
        assert_eq!(Platt::fit(&few), Platt::NONE);
        assert_eq!(Platt::fit(&[]), Platt::NONE);
        // Turned round: a calibration that changes the order is none.
        let turned: Vec<(f32, f32)> = (0..1000)
            .map(|i| (if i % 2 == 0 { 2.0 } else { -2.0 }, f32::from(u8::from(i % 2 == 1))))
            .collect();
        assert_eq!(Platt::fit(&turned), Platt::NONE);
        // Told apart entirely: finite.
        let apart: Vec<(f32, f32)> = turned.iter().map(|(logit, target)| (-logit, *target)).collect();
        let found = Platt::fit(&apart);
        assert!(found.scale > 1.0 && found.scale < 100.0, "{found:?}");
    }

    #[test]
    fn a_folded_layer_gives_calibrated_logits() {
        let mut layer = DenseWeights {
            input: 2,
            output: 3,
            weights: vec![1.0, 2.0, 3.0, -1.0, 0.5, 4.0],
            bias: vec![0.1, 0.2, 0.3],
        };
        let before = layer.forward(&[0.5, -2.0]);
        let platt = Platt {
            scale: 0.5,
            shift: -1.0,
        };
        platt.fold(&mut layer, 1);
        let after = layer.forward(&[0.5, -2.0]);
        assert_eq!([after[0], after[2]], [before[0], before[2]]);
        assert!((after[1] - platt.apply(before[1])).abs() < 1e-6);
    }
}
