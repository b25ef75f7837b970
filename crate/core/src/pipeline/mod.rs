//! The online pipeline: one viewer, one moment, one candidate block, one slate.

mod diversify;
mod options;
mod receipt;
mod slate;
mod stage;

#[cfg(test)]
mod tests;

pub use options::{MAX_SLATE, Options};
pub use slate::{Item, Slate};

use crate::block::Block;
use crate::bundle::ClientModel;
use crate::engine::Engine;
use crate::explore::explore;
use crate::feature::{EncodedUser, PastEvent, encode_user};
use crate::filter::{Dropped, filter};
use crate::history::{History, SearchTexts};
use crate::reason::{Reason, ReasonCode};
use crate::viewer::ViewerState;
use crate::{Context, Error, Profile};

/// The viewer, as the device keeps them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Viewer {
    /// What they told.
    pub profile: Profile,
    /// What they did.
    pub history: History,
}

impl Viewer {
    /// The user tower's inputs at `context.now_ms`, as [`recommend`] makes them.
    ///
    /// # Errors
    /// As [`encode_user`].
    pub fn encode(&self, model: &ClientModel, context: &Context) -> Result<EncodedUser, Error> {
        let texts = SearchTexts::new(&self.history, model);
        let past = self.history.past(model, &texts);
        encode_user(&model.spec, &model.gram, &model.folding, &self.profile, context, &past)
    }
}

/// A slate for a viewer: [`compose`] over the stored history, with a receipt.
///
/// # Errors
/// As [`compose`].
pub fn recommend(
    engine: &mut impl Engine,
    model: &ClientModel,
    block: &Block,
    viewer: &Viewer,
    context: &Context,
    options: &Options,
) -> Result<Slate, Error> {
    let texts = SearchTexts::new(&viewer.history, model);
    let past = viewer.history.past(model, &texts);
    let mut slate = compose(engine, model, block, &viewer.profile, &past, context, options)?;
    slate.receipt = receipt::receipt(model, block, viewer, context, options);
    Ok(slate)
}

/// The pipeline, in order. Each stage says what it kept and what it dropped: every candidate of
/// the block is in the slate or in its list of the dropped, once.
///
/// `past` is read as of `context.now_ms`: for features and signals, what happened at that instant
/// or later does not exist. The receipt stays empty.
///
/// # Errors
/// Of [`ErrorKind`](crate::ErrorKind): `RequestInvalid` for an option outside its range, `BundleMismatch` for a block
/// of another bundle, `BlockExpired` for an old one, `NotFinite` where the engine's user vector is not finite; those of
/// [`encode_user`] and of the engine.
pub fn compose(
    engine: &mut impl Engine,
    model: &ClientModel,
    block: &Block,
    profile: &Profile,
    past: &[PastEvent<'_>],
    context: &Context,
    options: &Options,
) -> Result<Slate, Error> {
    options.check()?;
    stage::check_block(model, block, context)?;
    let user = encode_user(&model.spec, &model.gram, &model.folding, profile, context, past)?;
    let user_vector = stage::tower(engine, model, &user)?;
    let state = ViewerState::new(&model.spec, context, past, &user, &user_vector);

    let (kept, mut dropped) = filter(
        block,
        profile,
        past,
        context.now_ms,
        options.watching.as_deref(),
        &model.folding,
    );
    let scored = stage::score(engine, &state, block, &kept)?;
    let mut diverse = diversify::diversify(model, block, &scored, past, context.now_ms, options);
    let drawn = explore(
        &mut diverse.picked,
        &mut diverse.others,
        options.explore,
        options.seed,
        |at| block.id(scored[at].row),
        |leaves, enters| diverse.tally.swap(leaves, enters),
    );
    let moment = stage::moment(engine, model, profile, context, &user, &user_vector)?;
    let mut reasons = stage::why(block, &scored, past, context, &user, &moment);

    drawn
        .iter()
        .for_each(|place| reasons[diverse.picked[*place]] = Reason::plain(ReasonCode::Explore));
    dropped.extend(diverse.others.iter().map(|at| Dropped {
        row: scored[*at].row,
        reason: diverse.reason(*at),
    }));
    let items = diverse
        .picked
        .iter()
        .map(|at| Item::new(block, &scored[*at], reasons[*at].clone()))
        .collect();
    Ok(Slate {
        items,
        dropped,
        receipt: String::new(),
        user_vector,
    })
}
