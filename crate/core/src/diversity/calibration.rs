//! Calibrated recommendations (Steck, RecSys 2018): a slate mixed as the viewer's own past is.

use super::Groups;

/// Share of the wanted mix inside the slate's, so that a group that the slate lacks does not make the divergence infinite.
const SMOOTHING: f64 = 0.01;

/// A mix that the slate shall have.
///
/// With `p(g)` the wanted share of group g, `q(g)` that of the slate (a video of n groups counts 1/n for each) and
/// `q̃ = 0.99 q + 0.01 p`, a candidate's value becomes `(1 − weight) · value − weight · KL(p ‖ q̃)` of the slate with it:
/// the greedy step on Steck's marginal. `KL(p ‖ q̃) = Σ p(g) ln(p(g) / q̃(g))`.
#[derive(Debug, Clone)]
pub struct Calibration {
    weight: f32,
    groups: Groups,
    wanted: Vec<f64>,
    /// Sum of the slate's shares by group, of `picks` videos.
    mixed: Vec<f64>,
    picks: usize,
}

impl Calibration {
    /// Draws towards `wanted`, one amount of 0 or more for each group of `groups`, with this weight, 0..=1.
    /// `None` where nothing is wanted.
    #[must_use]
    pub fn new(weight: f32, groups: Groups, mut wanted: Vec<f64>) -> Option<Calibration> {
        wanted.resize(groups.count(), 0.0);
        let total: f64 = wanted.iter().sum();
        if !(total > 0.0 && total.is_finite() && weight > 0.0) {
            return None;
        }
        wanted.iter_mut().for_each(|amount| *amount /= total);
        Some(Calibration {
            weight: weight.min(1.0),
            mixed: vec![0.0; wanted.len()],
            groups,
            wanted,
            picks: 0,
        })
    }

    /// One group's term of the divergence, where its share of a slate of `picks` is `mixed`.
    fn term(&self, group: usize, mixed: f64, picks: f64) -> f64 {
        let wanted = self.wanted[group];
        if wanted <= 0.0 {
            return 0.0;
        }
        let share = (1.0 - SMOOTHING) * mixed / picks + SMOOTHING * wanted;
        wanted * libm::log(wanted / share)
    }

    /// Makes `values` of the open candidates what they are with the mix.
    pub(super) fn apply(&self, open: &[usize], values: &mut [f32]) {
        let picks = (self.picks + 1) as f64;
        // Of the slate with one more that belongs to no group; a candidate changes the terms of its own.
        let without: Vec<f64> = (0..self.wanted.len())
            .map(|group| self.term(group, self.mixed[group], picks))
            .collect();
        let total: f64 = without.iter().sum();
        for i in open {
            let own = self.groups.of(*i);
            let share = 1.0 / own.len().max(1) as f64;
            let change = |group: &u32| {
                let group = *group as usize;
                self.term(group, self.mixed[group] + share, picks) - without[group]
            };
            let divergence = total + own.iter().map(change).sum::<f64>();
            values[*i] = (1.0 - self.weight) * values[*i] - self.weight * divergence as f32;
        }
    }

    pub(super) fn add(&mut self, picked: usize) {
        let own = self.groups.of(picked);
        for group in own {
            self.mixed[*group as usize] += 1.0 / own.len() as f64;
        }
        self.picks += 1;
    }

    /// KL divergence of the slate's mix from the wanted one, in nats; of an empty slate ln 100, where all is smoothing.
    #[must_use]
    pub fn divergence(&self) -> f64 {
        let picks = self.picks.max(1) as f64;
        (0..self.wanted.len())
            .map(|group| self.term(group, self.mixed[group], picks))
            .sum()
    }
}
