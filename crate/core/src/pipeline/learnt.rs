//! What the device learnt about its viewer, in the order and in what exploring draws.

use super::Options;
use super::diversify::Diversified;
use crate::block::Block;
use crate::explore::{self, Drawn, Exploration, SAMPLES, given_away};
use crate::fatigue::{Tired, toll};
use crate::personal::Personal;
use crate::score::Scored;

/// Candidates without a place that Thompson sampling chooses from: the best.
const THOMPSON_POOL: usize = 64;

/// What the device learnt about its viewer, and how much of it counts.
pub(super) struct Learnt<'a> {
    head: &'a Personal,
    tired: &'a [Tired<'a>],
    personal: f32,
    fatigue: f32,
}

impl<'a> Learnt<'a> {
    pub(super) fn new(head: &'a Personal, tired: &'a [Tired<'a>], options: &Options) -> Learnt<'a> {
        Learnt {
            head,
            tired,
            personal: options.personal,
            fatigue: options.fatigue,
        }
    }

    /// What the personal head adds to the logits of relevance and order.
    pub(super) fn shift(&self, block: &Block, row: usize) -> [f32; 2] {
        let Some(vector) = block.vector(row).filter(|_| self.personal > 0.0) else {
            return [0.0; 2];
        };
        let shift = self.head.shift(vector, block.length_seconds(row));
        shift.map(|shift| self.personal * shift)
    }

    /// What fatigue takes from the logit of the order.
    pub(super) fn toll(&self, row: usize) -> f32 {
        let place = self.tired.binary_search_by_key(&row, |tired| tired.row);
        place.map_or(0.0, |at| self.fatigue * toll(self.tired[at].showings) as f32)
    }
}

/// Gives places away to candidates that did not win one; see [`mod@crate::explore`]. Thompson's samples are asked about the
/// best of those.
pub(super) fn explore(
    block: &Block,
    scored: &[Scored],
    head: &Personal,
    diverse: &mut Diversified,
    options: &Options,
) -> Vec<Drawn> {
    let Diversified { picked, others, tally } = diverse;
    let mut ensemble = Vec::new();
    if options.exploration == Exploration::Thompson && given_away(options.explore, picked.len(), others.len()) > 0 {
        let pool = others.iter().take(THOMPSON_POOL).map(|at| &scored[*at]);
        let candidates: Vec<_> = pool
            .filter_map(|s| Some((block.vector(s.row)?, block.length_seconds(s.row), s.order - s.personal)))
            .collect();
        ensemble = head.ensemble(SAMPLES, &candidates);
    }
    let id = |at: usize| block.id(scored[at].row);
    explore::explore(picked, others, options.explore, options.seed, &ensemble, tally, id)
}
