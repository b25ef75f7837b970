//! The stages that join a room of the core to engine and block.

use super::learnt::Learnt;
use crate::block::Block;
use crate::bundle::ClientModel;
use crate::diversity::UnitRows;
use crate::engine::{Engine, HEADS};
use crate::feature::{EncodedUser, PastEvent, encode_categorical};
use crate::filter::{DropReason, Dropped};
use crate::head::{FURTHER, Said};
use crate::reason::{Facts, Grounds, Reason, explain};
use crate::score::{self, Scored};
use crate::signal::{AFFINITY, SIGNAL_COUNT, signals};
use crate::viewer::ViewerState;
use crate::{Context, Error, ErrorKind, LocalTime, Profile};

pub(super) fn check_block(model: &ClientModel, block: &Block, context: &Context) -> Result<(), Error> {
    if block.bundle_id() != model.bundle_id {
        return Err(Error::from(ErrorKind::BundleMismatch {
            what: "candidate block",
            expected: model.bundle_id.clone(),
            found: block.bundle_id().to_owned(),
        }));
    }
    block.check_fresh(context.now_ms)
}

/// The user vector, of the width that the spec says, and finite.
pub(super) fn tower(engine: &mut impl Engine, model: &ClientModel, user: &EncodedUser) -> Result<Vec<f32>, Error> {
    let vector = engine.user_vector(user)?;
    same("width of the user vector", model.spec.vector_dim as usize, vector.len())?;
    match vector.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(Error::from(ErrorKind::NotFinite {
            what: "user vector",
            index,
        })),
        None => Ok(vector),
    }
}

/// The candidates by their scores, and what of their signals reasons are made of.
pub(super) struct Ranking {
    /// Best first.
    pub(super) scored: Vec<Scored>,
    /// For each row of the block the signal `affinity`; 0 where it was not scored.
    affinities: Vec<f32>,
}

/// Scores the rows that were kept, the further heads by their `shares`.
#[inline(never)]
pub(super) fn score(
    engine: &mut impl Engine,
    state: &ViewerState<'_>,
    block: &Block,
    rows: &[usize],
    shares: &[f32; FURTHER],
    learnt: &Learnt<'_>,
) -> Result<Ranking, Error> {
    let mut values = Vec::with_capacity(rows.len() * SIGNAL_COUNT);
    let mut affinities = vec![0.0; block.len()];
    // A verified block has a candidate in every row.
    for (row, candidate) in rows.iter().filter_map(|row| Some((*row, block.candidate(*row)?))) {
        let own = signals(state, &candidate);
        affinities[row] = own[AFFINITY];
        values.extend_from_slice(&own);
    }
    let logits = engine.rank(&values, rows.len())?;
    let width = logits.len().checked_div(rows.len()).unwrap_or(HEADS.len());
    if !Said::WIDTHS.contains(&width) || width * rows.len() != logits.len() {
        same("number of the ranker's logits", rows.len() * HEADS.len(), logits.len())?;
    }
    let said = logits.chunks_exact(width).filter_map(Said::read);
    let mut scored: Vec<Scored> = rows
        .iter()
        .zip(said)
        .map(|(row, said)| {
            let [of_relevance, of_order] = learnt.shift(block, *row);
            let fatigue = learnt.toll(*row);
            Scored {
                row: *row,
                frozen: said.relevant,
                logit: said.relevant + of_relevance,
                order: said.leaning(shares) + of_order - fatigue,
                personal: of_order,
                fatigue,
            }
        })
        .collect();
    let ranks = block.ranks();
    score::sort_by_rank(&mut scored, |row| ranks[row]);
    Ok(Ranking { scored, affinities })
}

/// Directions of the vectors of `scored`, in its order.
#[inline(never)]
pub(super) fn directions(model: &ClientModel, block: &Block, scored: &[Scored]) -> UnitRows {
    let mut directions = UnitRows::new(model.dims().vector, scored.len());
    for vector in scored.iter().filter_map(|s| block.vector(s.row)) {
        directions.push_levels(vector.values);
    }
    directions
}

/// Of several candidates that are the same to look at keeps the one that ranks highest; gives the others in their order.
#[inline(never)]
pub(super) fn without_twins(block: &Block, scored: &mut Vec<Scored>) -> Vec<Dropped> {
    let (mut shown, mut dropped): (Vec<&str>, _) = (Vec::new(), Vec::new());
    scored.retain(|one| {
        let Some(content) = block.content(one.row) else {
            return true;
        };
        match shown.binary_search(&content) {
            Ok(_) => dropped.push(Dropped {
                row: one.row,
                reason: DropReason::Duplicate,
            }),
            Err(at) => {
                shown.insert(at, content);
                return true;
            }
        }
        false
    });
    dropped
}

/// The user vector minus what it would be twelve hours away on the viewer's clock, all else alike.
/// Empty where the local time is unknown.
///
/// The opposite hour, and not "hour unknown": a table's row for unknown has learnt nothing where
/// every event of training had an hour.
pub(super) fn moment(
    engine: &mut impl Engine,
    model: &ClientModel,
    profile: &Profile,
    context: &Context,
    user: &EncodedUser,
    user_vector: &[f32],
) -> Result<Vec<f32>, Error> {
    let Some(time) = context.local_time() else {
        return Ok(Vec::new());
    };
    let hour = if time.hour < 12.0 {
        time.hour + 12.0
    } else {
        time.hour - 12.0
    };
    let opposite = Context {
        local_time: Some(LocalTime { hour, ..time }),
        ..context.clone()
    };
    let categorical = encode_categorical(&model.spec, profile, &opposite);
    let other = tower(
        engine,
        model,
        &EncodedUser {
            categorical,
            ..user.clone()
        },
    )?;
    Ok(user_vector
        .iter()
        .zip(other)
        .map(|(here, there)| here - there)
        .collect())
}

/// A reason for each of the places `asked` among the scored.
#[allow(clippy::too_many_arguments, reason = "a stage reads what the stages before it made")]
#[inline(never)]
pub(super) fn why(
    block: &Block,
    ranking: &Ranking,
    directions: &UnitRows,
    past: &[PastEvent<'_>],
    context: &Context,
    user: &EncodedUser,
    moment: &[f32],
    asked: &[usize],
) -> Vec<Reason> {
    let facts = ranking.scored.iter().filter_map(|s| {
        Some(Facts {
            vector: block.vector(s.row)?,
            affinity: ranking.affinities[s.row],
            log_popularity: block.log_popularity(s.row),
            published_at_ms: block.published_at_ms(s.row),
        })
    });
    let facts: Vec<Facts<'_>> = facts.collect();
    // A reason names no video that was taken down.
    let past: Vec<PastEvent<'_>> = past
        .iter()
        .filter(|event| event.video.is_none_or(|video| !block.is_removed(video)))
        .copied()
        .collect();
    let grounds = Grounds {
        now_ms: context.now_ms,
        history: &past,
        cold: user.factor.iter().all(|v| *v == 0.0),
        moment,
    };
    explain(&facts, directions, &grounds, asked.iter().copied())
}

fn same(what: &str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::from(ErrorKind::BundleInconsistent {
        what: what.into(),
        expected: expected.to_string(),
        found: found.to_string(),
    }))
}
