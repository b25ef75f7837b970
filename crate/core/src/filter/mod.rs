//! What must not be shown, and why. Rules in order; the first that applies names the reason.

use crate::block::Block;
use crate::feature::PastEvent;
use crate::text::Folding;
use crate::{EventKind, Profile, RELEVANT_FRACTION};

/// A video that was played at all is not shown again for this long: six hours.
pub const REST_MS: i64 = 6 * 3_600_000;

/// Why a candidate is not in the slate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// It was taken down, and the block says so.
    Removed,
    /// It is playing now.
    Watching,
    /// The viewer's last word on it is "not interested".
    NotInterested,
    /// The viewer's last word on it is a dislike.
    Disliked,
    /// Its channel is blocked.
    BlockedChannel,
    /// One of its tags is blocked.
    BlockedTag,
    /// The viewer excluded its language.
    ExcludedLanguage,
    /// It may not be shown in the viewer's region.
    Region,
    /// Its rating asks for more years than the viewer stated.
    Rating,
    /// Half or more of it was watched, in all, or it was played within [`REST_MS`].
    Seen,
    /// It is the same to look at as a video that plays now, that the viewer has seen or does not want, or that ranks higher.
    Duplicate,
    /// It would have had a place, and its channel has as many as it may have.
    ChannelCap,
    /// It would have had a place, and one of its tags has as many as it may have.
    TagCap,
    /// Others filled the slate.
    Outranked,
}

impl DropReason {
    /// Every reason, in order of precedence.
    pub const ALL: [DropReason; 14] = [
        DropReason::Removed,
        DropReason::Watching,
        DropReason::NotInterested,
        DropReason::Disliked,
        DropReason::BlockedChannel,
        DropReason::BlockedTag,
        DropReason::ExcludedLanguage,
        DropReason::Region,
        DropReason::Rating,
        DropReason::Seen,
        DropReason::Duplicate,
        DropReason::ChannelCap,
        DropReason::TagCap,
        DropReason::Outranked,
    ];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            DropReason::Removed => "removed",
            DropReason::Watching => "watching",
            DropReason::NotInterested => "not-interested",
            DropReason::Disliked => "disliked",
            DropReason::BlockedChannel => "blocked-channel",
            DropReason::BlockedTag => "blocked-tag",
            DropReason::ExcludedLanguage => "excluded-language",
            DropReason::Region => "region",
            DropReason::Rating => "rating",
            DropReason::Seen => "seen",
            DropReason::Duplicate => "duplicate",
            DropReason::ChannelCap => "channel-cap",
            DropReason::TagCap => "tag-cap",
            DropReason::Outranked => "outranked",
        }
    }
}

/// A candidate that a stage dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Row in the block.
    pub row: usize,
    /// Why.
    pub reason: DropReason,
}

/// Rows of `block` that may be shown, and the others; both in block order.
///
/// Unlike features, wishes count whatever their date: "not interested" acts at once, also where a
/// clock went backwards.
#[must_use]
pub fn filter(
    block: &Block,
    profile: &Profile,
    history: &[PastEvent<'_>],
    now_ms: i64,
    watching: Option<&str>,
    folding: &Folding,
) -> (Vec<usize>, Vec<Dropped>) {
    let rules = Rules::new(block, profile, history, now_ms, watching, folding);
    let (mut kept, mut dropped) = (Vec::with_capacity(block.len()), Vec::new());
    for row in 0..block.len() {
        match rules.verdict(block, row) {
            None => kept.push(row),
            Some(reason) => dropped.push(Dropped { row, reason }),
        }
    }
    (kept, dropped)
}

struct Rules<'a> {
    watching: Option<&'a str>,
    /// For each row of the block the place of its video among those of the history.
    known: Vec<Option<u32>>,
    /// For each the viewer's last word on it, where it is not a good one.
    words: Vec<Option<DropReason>>,
    /// For each the fraction watched so far; infinite where that is not the question.
    seen: Vec<f32>,
    channels: Vec<&'a str>,
    tags: Vec<String>,
    languages: &'a [String],
    region: Option<&'a str>,
    /// Content hashes of what plays, what the viewer does not want and what they have seen, sorted.
    contents: Vec<&'a str>,
    folding: &'a Folding,
    age: Option<f32>,
}

impl<'a> Rules<'a> {
    fn new(
        block: &'a Block,
        profile: &'a Profile,
        history: &[PastEvent<'a>],
        now_ms: i64,
        watching: Option<&'a str>,
        folding: &'a Folding,
    ) -> Rules<'a> {
        let mut videos: Vec<&str> = history.iter().filter_map(|event| event.video).collect();
        videos.sort_unstable();
        videos.dedup();
        let (mut words, mut seen) = (vec![None; videos.len()], vec![0.0; videos.len()]);
        for event in history {
            let Some(place) = place_of(&videos, event) else {
                continue;
            };
            match event.kind {
                EventKind::Like | EventKind::Share => words[place] = None,
                EventKind::Dislike => words[place] = Some(DropReason::Disliked),
                EventKind::NotInterested => words[place] = Some(DropReason::NotInterested),
                EventKind::Watch => {
                    let rests = event.at_ms > now_ms.saturating_sub(REST_MS);
                    let more = if rests || event.relevant() {
                        f32::INFINITY
                    } else {
                        event.fraction.unwrap_or(0.0)
                    };
                    seen[place] += more;
                }
                EventKind::Impression | EventKind::Comment | EventKind::Search => {}
            }
        }
        let mut contents: Vec<&str> = Vec::new();
        for event in history {
            let (Some(video), Some(place)) = (event.video, place_of(&videos, event)) else {
                continue;
            };
            if words[place].is_none() && seen[place] < RELEVANT_FRACTION {
                continue;
            }
            if let Some(content) = event.content.or_else(|| content_of(block, video)) {
                contents.push(content);
            }
        }
        if let Some(content) = watching.and_then(|video| content_of(block, video)) {
            contents.push(content);
        }
        contents.sort_unstable();
        // Each video of the history is looked up in the block, and not each row among the videos.
        let mut known = vec![None; block.len()];
        for (place, video) in (0..).zip(&videos) {
            if let Some(row) = block.row_of(video) {
                known[row] = Some(place);
            }
        }
        let mut channels: Vec<&str> = profile.blocked_channels.iter().map(String::as_str).collect();
        let mut tags: Vec<String> = profile.blocked_tags.iter().map(|tag| folding.normalise(tag)).collect();
        channels.sort_unstable();
        tags.sort_unstable();
        Rules {
            watching,
            known,
            words,
            seen,
            channels,
            tags,
            languages: &profile.excluded_languages,
            region: profile.region.as_deref(),
            contents,
            folding,
            age: profile.age,
        }
    }

    #[inline(never)]
    fn verdict(&self, block: &Block, row: usize) -> Option<DropReason> {
        let id = block.id(row);
        if block.is_removed(id) {
            return Some(DropReason::Removed);
        }
        if self.watching == Some(id) {
            return Some(DropReason::Watching);
        }
        let known = self.known.get(row).copied().flatten().map(|place| place as usize);
        if let Some(reason) = known.and_then(|place| self.words[place]) {
            return Some(reason);
        }
        // Channel ids are exact, some sites' differ by case alone; tags are words.
        if block
            .channel(row)
            .is_some_and(|channel| self.channels.binary_search(&channel).is_ok())
        {
            return Some(DropReason::BlockedChannel);
        }
        if !self.tags.is_empty()
            && block
                .tags(row)
                .any(|tag| self.tags.binary_search(&self.folding.normalise(tag)).is_ok())
        {
            return Some(DropReason::BlockedTag);
        }
        if block
            .language(row)
            .is_some_and(|tag| self.languages.iter().any(|range| speaks(tag, range)))
        {
            return Some(DropReason::ExcludedLanguage);
        }
        if let Some(region) = self.region {
            let (mut some, mut here) = (false, false);
            for shown in block.regions(row) {
                some = true;
                here |= shown.eq_ignore_ascii_case(region);
            }
            if some && !here {
                return Some(DropReason::Region);
            }
        }
        if let (Some(age), Some(least)) = (self.age, block.rating(row).and_then(least_age))
            && age < least
        {
            return Some(DropReason::Rating);
        }
        if known.is_some_and(|place| self.seen[place] >= RELEVANT_FRACTION) {
            return Some(DropReason::Seen);
        }
        let content = block.content(row)?;
        let known = self.contents.binary_search(&content).is_ok();
        known.then_some(DropReason::Duplicate)
    }
}

/// Content hash of a video of the block, where it tells one.
fn content_of<'a>(block: &'a Block, video: &str) -> Option<&'a str> {
    block.content(block.row_of(video)?)
}

/// Place of an event's video among the sorted `videos`.
fn place_of(videos: &[&str], event: &PastEvent<'_>) -> Option<usize> {
    videos.binary_search(&event.video?).ok()
}

/// Whether a language tag falls into a range: basic filtering of RFC 4647, section 3.3.1. `zh` takes in `zh-Hant`, and
/// neither `zha` nor anything of the other's.
fn speaks(tag: &str, range: &str) -> bool {
    let (tag, range) = (tag.as_bytes(), range.as_bytes());
    let Some((start, rest)) = tag.split_at_checked(range.len()) else {
        return false;
    };
    !range.is_empty() && start.eq_ignore_ascii_case(range) && matches!(rest.first(), None | Some(b'-'))
}

/// Years from which a rating of the US film and television boards allows a video; `None` for
/// ratings without a lower bound and for those of other boards.
///
/// ```
/// use upnext_core::filter::least_age;
/// assert_eq!([least_age("pg-13"), least_age("TV-MA"), least_age("G")], [Some(13.0), Some(17.0), None]);
/// ```
#[must_use]
pub fn least_age(rating: &str) -> Option<f32> {
    match rating.trim().to_ascii_uppercase().as_str() {
        "TV-Y7" => Some(7.0),
        "PG-13" => Some(13.0),
        "TV-14" => Some(14.0),
        "R" | "TV-MA" => Some(17.0),
        "NC-17" | "X" => Some(18.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
