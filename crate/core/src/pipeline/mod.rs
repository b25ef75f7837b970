//! The online pipeline: one viewer, one moment, one candidate block, one slate.

mod diversify;
mod learnt;
mod offered;
mod options;
mod receipt;
mod slate;
mod stage;

#[cfg(test)]
mod tests;

pub use offered::Offered;
pub use options::{MAX_SLATE, Options};
pub use slate::{Item, Slate};

use receipt::Version;

use crate::block::Block;
use crate::bundle::ClientModel;
use crate::encounter::encounters;
use crate::engine::Engine;
use crate::fatigue::tired;
use crate::feature::{EncodedUser, PastEvent, encode_user};
use crate::filter::{Dropped, filter};
use crate::history::{History, SearchTexts};
use crate::personal::{Personal, Standing, Tuning};
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
    recommend_as(Version::ALL[0], engine, model, block, viewer, context, options)
}

/// The slate that has this receipt, as the version of the pipeline made it that wrote the receipt. Where none gives that
/// receipt of these inputs, the slate of today, whose receipt is another one.
///
/// # Errors
/// As [`compose`].
pub fn replay(
    engine: &mut impl Engine,
    model: &ClientModel,
    block: &Block,
    viewer: &Viewer,
    context: &Context,
    options: &Options,
    receipt: &str,
) -> Result<Slate, Error> {
    let wrote = |version: &Version| receipt::receipt(*version, model, block, viewer, context, options) == receipt;
    let version = Version::ALL.into_iter().find(wrote).unwrap_or(Version::ALL[0]);
    recommend_as(version, engine, model, block, viewer, context, options)
}

fn recommend_as(
    version: Version,
    engine: &mut impl Engine,
    model: &ClientModel,
    block: &Block,
    viewer: &Viewer,
    context: &Context,
    options: &Options,
) -> Result<Slate, Error> {
    let texts = SearchTexts::new(&viewer.history, model);
    let past = viewer.history.past(model, &texts);
    let mut slate = compose_with(
        &version.tuning(),
        engine,
        model,
        block,
        &viewer.profile,
        &past,
        context,
        options,
    )?;
    slate.receipt = receipt::receipt(version, model, block, viewer, context, options);
    Ok(slate)
}

/// What the device holds of its viewer at `now_ms` that the ranker does not: how the personal head stands, and what it would
/// add to the logit of the order of each candidate of `block`, if it acted with all its strength.
#[must_use]
pub fn learnt(model: &ClientModel, block: &Block, viewer: &Viewer, now_ms: i64) -> (Standing, Vec<f32>) {
    let texts = SearchTexts::new(&viewer.history, model);
    let past = viewer.history.past(model, &texts);
    let met = encounters(model.spec.seed, &past, now_ms);
    let head = Personal::of(&Tuning::CURRENT, model.dims().vector, &past, &met, now_ms);
    let lesson = |row| {
        block
            .vector(row)
            .map_or(0.0, |vector| head.lesson(vector, block.length_seconds(row)))
    };
    (head.standing(), (0..block.len()).map(lesson).collect())
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
    compose_with(&Tuning::CURRENT, engine, model, block, profile, past, context, options)
}

/// [`compose`] with a personal head that is tuned otherwise.
///
/// # Errors
/// As [`compose`].
#[allow(clippy::too_many_arguments, reason = "compose's, and how the head is tuned")]
pub fn compose_with(
    tuning: &Tuning,
    engine: &mut impl Engine,
    model: &ClientModel,
    block: &Block,
    profile: &Profile,
    past: &[PastEvent<'_>],
    context: &Context,
    options: &Options,
) -> Result<Slate, Error> {
    options.check()?;
    let shares = model.head_weights.shares(options.head_weights.as_ref())?;
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
    // What counts nowhere is not computed.
    let met = match options.learns() {
        true => encounters(model.spec.seed, past, context.now_ms),
        false => Vec::new(),
    };
    let head = Personal::of(tuning, model.dims().vector, past, &met, context.now_ms);
    let tired = tired(block, past, &met, context.now_ms);
    let mut ranking = stage::score(
        engine,
        &state,
        block,
        &kept,
        &shares,
        &learnt::Learnt::new(&head, &tired, options),
    )?;
    dropped.extend(stage::without_twins(block, &mut ranking.scored));
    let scored = &ranking.scored;
    let directions = stage::directions(model, block, scored);
    let mut diverse = diversify::diversify(model, block, scored, &directions, past, context.now_ms, options);
    let drawn = learnt::explore(block, scored, &head, &mut diverse, options);
    let moment = stage::moment(engine, model, profile, context, &user, &user_vector)?;
    let picked = &diverse.picked;
    let mut reasons = stage::why(block, &ranking, &directions, past, context, &user, &moment, picked);

    drawn
        .iter()
        .for_each(|drawn| reasons[drawn.place] = Reason::plain(ReasonCode::Explore));
    dropped.extend(diverse.others.iter().map(|at| Dropped {
        row: scored[*at].row,
        reason: diverse.reason(*at),
    }));
    let mut items: Vec<Item> = picked
        .iter()
        .zip(reasons)
        .map(|(at, reason)| Item::new(block, &scored[*at], reason))
        .collect();
    drawn
        .iter()
        .for_each(|drawn| items[drawn.place].propensity = drawn.propensity);
    Ok(Slate {
        items,
        dropped,
        receipt: String::new(),
        user_vector,
        personal: head.standing(),
    })
}
