//! What comes out.

use crate::block::Block;
use crate::filter::Dropped;
use crate::personal::Standing;
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
    /// The ranker's logit of it, without the personal head: what [`History::record`](crate::history::History::record)
    /// keeps of a video that is shown.
    pub frozen: f32,
    /// What the personal head added to the logit that the order goes by.
    pub personal: f32,
    /// What fatigue took from that logit, 0 or more.
    pub fatigue: f32,
    /// The chance, over seeds that are alike likely, that this video was drawn for this place, given what exploring drew for
    /// the places behind it: 1 where the seed decides nothing. The product over a slate is the chance of the slate.
    pub propensity: f32,
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
            frozen: scored.frozen,
            personal: scored.personal,
            fatigue: scored.fatigue,
            propensity: 1.0,
            reason,
        }
    }
}

/// A slate.
#[derive(Debug, Clone, PartialEq)]
pub struct Slate {
    /// Videos in order; fewer than asked for where the block has no more that may be shown.
    pub items: Vec<Item>,
    /// Every other candidate of the block, once: those of the filter in block order, then by falling score what is the same
    /// to look at as a higher one, then the passed over and the outranked.
    pub dropped: Vec<Dropped>,
    /// SHA-256 of everything the slate is a function of, 64 hex digits.
    pub receipt: String,
    /// User vector.
    pub user_vector: Vec<f32>,
    /// How the personal head stands; as of nothing learnt where the options ask for nothing of it.
    pub personal: Standing,
}
