//! What comes out.

use crate::block::Block;
use crate::filter::Dropped;
use crate::reason::Reason;
use crate::score::Scored;

/// A recommended video.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Id.
    pub id: String,
    /// Row in the block.
    pub row: usize,
    /// Estimated probability of relevance, 0..=1; 0 where the engine gave no finite number.
    pub score: f32,
    /// Why it is here.
    pub reason: Reason,
}

impl Item {
    pub(super) fn new(block: &Block, scored: &Scored, reason: Reason) -> Item {
        let score = scored.probability().unwrap_or(0.0);
        Item {
            id: block.id(scored.row).to_owned(),
            row: scored.row,
            score,
            reason,
        }
    }
}

/// A slate.
#[derive(Debug, Clone, PartialEq)]
pub struct Slate {
    /// Videos in order; fewer than asked for where the block has no more that may be shown.
    pub items: Vec<Item>,
    /// Every other candidate of the block, once: those of the filter in block order, then the
    /// passed over and the outranked by falling score.
    pub dropped: Vec<Dropped>,
    /// SHA-256 of everything the slate is a function of, 64 hex digits.
    pub receipt: String,
    /// User vector.
    pub user_vector: Vec<f32>,
}
