//! Which arm of an experiment a viewer is in: a function of the experiment's name, the viewer's key and the arms' weights.
//!
//! Nothing is kept: the same viewer is in the same arm on every server and in every process.

use crate::bundle::sha256;

/// An arm: its name, and how many viewers it gets beside the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arm<'a> {
    /// Its name, distinct within the experiment.
    pub name: &'a str,
    /// Its share of the viewers is its weight over the sum of all; what is not finite and above zero counts as zero.
    pub weight: f64,
}

/// Place of the viewer's arm in `arms`; `None` where no arm has a weight.
///
/// Each arm draws an exponential variable with its weight as rate, `−ln u / weight`, and the smallest wins, so that arm
/// `i` gets the share `weight_i / Σ weight`. `u` comes from SHA-256 over the experiment's, the arm's and the viewer's name:
///
/// * the order of `arms` makes no difference, and another experiment divides the viewers anew, independently of this one;
/// * one weight that is changed moves viewers to or from that arm alone, and no more of them than its share grows or shrinks;
/// * between any two sets of shares `p` and `q`, `Σ_i 1 / Σ_j max(p_j / p_i, q_j / q_i)` of the viewers stay: no
///   assignment that keeps nothing lets more stay for one such pair without letting fewer stay for another (R. Moulton,
///   Y. Jiang: Maximally Consistent Sampling and the Jaccard Index of Probability Distributions, 2018, arXiv:1809.04052).
///
/// ```
/// use upnext_core::experiment::{Arm, assign};
/// let arms = [Arm { name: "control", weight: 1.0 }, Arm { name: "new", weight: 1.0 }];
/// assert_eq!(assign("may", "ann", &arms), assign("may", "ann", &arms));
/// assert_eq!(assign("may", "ann", &[Arm { weight: 0.0, ..arms[0] }, arms[1]]), Some(1));
/// assert_eq!(assign("may", "ann", &[]), None);
/// ```
#[must_use]
pub fn assign(experiment: &str, viewer: &str, arms: &[Arm<'_>]) -> Option<usize> {
    let mut first: Option<(f64, &str, usize)> = None;
    for (place, arm) in arms.iter().enumerate() {
        if !(arm.weight > 0.0 && arm.weight.is_finite()) {
            continue;
        }
        let drawn = -libm::log(uniform(&[experiment, arm.name, viewer])) / arm.weight;
        // Two that draw the same are told apart by their names.
        if first.is_none_or(|(least, name, _)| drawn < least || drawn == least && arm.name < name) {
            first = Some((drawn, arm.name, place));
        }
    }
    first.map(|(_, _, place)| place)
}

/// A number strictly between 0 and 1 from SHA-256 of the texts, each after its length.
fn uniform(texts: &[&str; 3]) -> f64 {
    let mut bytes = Vec::with_capacity(24 + texts.iter().map(|text| text.len()).sum::<usize>());
    for text in texts {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    // The first 53 bits, as many as an f64 holds, in the middle of their cell.
    let bits = sha256(&bytes)
        .iter()
        .take(8)
        .fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte))
        >> 11;
    (bits as f64 + 0.5) / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
