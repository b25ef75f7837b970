//! From an order to a slate: what the algorithms of [`diversity`](crate::diversity) need of block and viewer.

use super::Options;
use crate::block::Block;
use crate::bundle::ClientModel;
use crate::diversity::{Calibration, Cap, Groups, Tally, UnitRows, select};
use crate::feature::{PastEvent, recency};
use crate::filter::DropReason;
use crate::score::Scored;

/// A slate as places in the order of scores.
pub(super) struct Diversified {
    /// The slate, in its order.
    pub(super) picked: Vec<usize>,
    /// The others, in theirs.
    pub(super) others: Vec<usize>,
    /// Groups of the candidates, and what of them stands in the slate.
    pub(super) tally: Tally,
}

impl Diversified {
    /// Why one of the others is not in the slate.
    pub(super) fn reason(&self, place: usize) -> DropReason {
        match self.tally.passed_over(place) {
            Some(Cap::Channel) => DropReason::ChannelCap,
            Some(Cap::Tag) => DropReason::TagCap,
            None => DropReason::Outranked,
        }
    }
}

#[inline(never)]
pub(super) fn diversify(
    model: &ClientModel,
    block: &Block,
    scored: &[Scored],
    directions: &UnitRows,
    past: &[PastEvent<'_>],
    now_ms: i64,
    options: &Options,
) -> Diversified {
    let relevance: Vec<f32> = scored.iter().map(|s| s.merit().unwrap_or(f32::NAN)).collect();
    let mut tally = tally(model, block, scored, options);
    let mut calibration = calibration(model, block, scored, past, now_ms, options.calibration);
    let mut spread = options.method.spread(directions, scored.len());
    let lambda = 1.0 - options.diversity;
    let picked = select(
        &relevance,
        &mut *spread,
        options.size,
        lambda,
        &mut tally,
        calibration.as_mut(),
    );
    let mut open = vec![true; scored.len()];
    picked.iter().for_each(|at| open[*at] = false);
    let others = (0..scored.len()).filter(|at| open[*at]).collect();
    Diversified { picked, others, tally }
}

/// Channels and tags, as far as a wish needs them. Channel ids are exact, tags are words.
fn tally(model: &ClientModel, block: &Block, scored: &[Scored], options: &Options) -> Tally {
    let limits = options.limits();
    let (mut channels, mut tags) = (Groups::default(), Groups::default());
    if limits.per_channel.is_some() || limits.decay > 0.0 {
        channels = numbered(scored, |row| {
            block.channel(row).map(str::to_owned).into_iter().collect()
        })
        .1;
    }
    if limits.per_tag.is_some() || limits.decay > 0.0 {
        let folded = |row| block.tags(row).map(|tag| model.folding.normalise(tag)).collect();
        tags = numbered(scored, folded).1;
    }
    Tally::new(limits, scored.len(), channels, tags)
}

/// The mix of channels among what the viewer found relevant, each video once, halved with every half-life of the
/// history. A channel of which there is no candidate changes nothing: every slate lacks it alike.
fn calibration(
    model: &ClientModel,
    block: &Block,
    scored: &[Scored],
    past: &[PastEvent<'_>],
    now_ms: i64,
    weight: f32,
) -> Option<Calibration> {
    if weight <= 0.0 {
        return None;
    }
    let (names, groups) = numbered(scored, |row| {
        block.channel(row).map(str::to_owned).into_iter().collect()
    });
    let mut wanted = vec![0.0; names.len()];
    let mut counted: Vec<&str> = Vec::new();
    let mut latest: Vec<&PastEvent<'_>> = past.iter().filter(|e| e.at_ms < now_ms && e.relevant()).collect();
    latest.sort_by_key(|event| core::cmp::Reverse(event.at_ms));
    for event in latest.into_iter().take(model.spec.user.history.max_events as usize) {
        let (Some(video), Some(channel)) = (event.video, event.channel) else {
            continue;
        };
        if !counted.contains(&video) {
            counted.push(video);
            if let Ok(group) = names.binary_search_by(|name| name.as_str().cmp(channel)) {
                wanted[group] += recency(&model.spec.user.history, now_ms, event.at_ms);
            }
        }
    }
    Calibration::new(weight, groups, wanted)
}

/// The names that candidates have, sorted, and for each candidate the places of its own.
fn numbered(scored: &[Scored], names: impl Fn(usize) -> Vec<String>) -> (Vec<String>, Groups) {
    let own: Vec<Vec<String>> = scored.iter().map(|s| names(s.row)).collect();
    let mut all: Vec<String> = own.iter().flatten().cloned().collect();
    all.sort_unstable();
    all.dedup();
    let mut groups = Groups::new(all.len());
    for own in &own {
        groups.push(
            own.iter()
                .filter_map(|name| all.binary_search(name).ok().map(|at| at as u32)),
        );
    }
    (all, groups)
}
