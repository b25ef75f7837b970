//! The capped history: three lists per user become one sequence of judged watches and likes.

use std::collections::BTreeMap;

use upnext_core::EventKind;

use super::Rows;
use crate::Error;
use crate::table::{Builder, Interaction};

/// The three lists of a user, oldest first.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) watch: Vec<u32>,
    pub(super) long_view: Vec<u32>,
    pub(super) like: Vec<u32>,
}

/// One step of the merged sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) video: u32,
    /// Judged: long view or not; `None` for a like of a row that was not kept.
    pub(super) long_view: Option<bool>,
    pub(super) liked: bool,
}

/// Reads the history; every event gets the instant `at_ms`, order is kept.
pub(super) fn read(builder: &mut Builder, rows: &Rows, at_ms: i64) -> Result<String, Error> {
    let mut users: BTreeMap<u32, Lists> = BTreeMap::new();
    let (mut lines, mut unknown) = (0_u64, 0_u64);
    rows.each(["user_id", "kind", "video_id"], |[user, kind, video]| {
        lines += 1;
        let data = builder.so_far();
        let (Some(user), Some(video)) = (data.users.ids.row(user), data.videos.ids.row(video)) else {
            unknown += 1;
            return Ok(());
        };
        let lists = users.entry(user).or_default();
        match kind {
            "watch" => lists.watch.push(video),
            "long_view" => lists.long_view.push(video),
            "like" => lists.like.push(video),
            _ => return Err(format!("column kind: `{kind}` is none of watch, long_view, like")),
        }
        Ok(())
    })?;
    let (mut relevant, mut judged) = (0_u64, 0_u64);
    for (user, lists) in &users {
        for step in merge(lists) {
            if let Some(long_view) = step.long_view {
                judged += 1;
                relevant += u64::from(long_view);
                builder.interaction(&Interaction {
                    relevant: Some(long_view),
                    ..Interaction::new(*user, step.video, EventKind::Watch, at_ms)
                });
            }
            if step.liked {
                builder.interaction(&Interaction::new(*user, step.video, EventKind::Like, at_ms));
            }
        }
    }
    Ok(format!(
        "history: {lines} rows of {} users, {judged} watches of which {relevant} long views; left out {unknown} of unknown users or videos",
        users.len()
    ))
}

/// Merges the lists: older long views and likes first, then the kept rows with what is known about each.
pub(super) fn merge(lists: &Lists) -> Vec<Step> {
    let (long, older_long) = matched(&lists.watch, &lists.long_view);
    let (liked, older_liked) = matched(&lists.watch, &lists.like);
    let mut steps: Vec<Step> = older_long
        .iter()
        .map(|video| Step {
            video: *video,
            long_view: Some(true),
            liked: false,
        })
        .collect();
    for video in older_liked {
        match steps.iter_mut().rev().find(|s| s.video == *video && !s.liked) {
            Some(step) => step.liked = true,
            None => steps.push(Step {
                video: *video,
                long_view: None,
                liked: true,
            }),
        }
    }
    steps.extend(
        lists
            .watch
            .iter()
            .zip(long)
            .zip(liked)
            .map(|((video, long_view), liked)| Step {
                video: *video,
                long_view: Some(long_view),
                liked,
            }),
    );
    steps
}

/// Matches the latest of `part` into `whole` from the end, as a subsequence; returns the marks on `whole`
/// and the beginning of `part` that matches nothing: it is older than `whole`.
fn matched<'a>(whole: &[u32], part: &'a [u32]) -> (Vec<bool>, &'a [u32]) {
    let mut marks = vec![false; whole.len()];
    let mut end = whole.len();
    let mut left = part.len();
    while let Some(last) = left.checked_sub(1) {
        match whole[..end].iter().rposition(|video| *video == part[last]) {
            Some(place) => {
                marks[place] = true;
                end = place;
                left = last;
            }
            None => break,
        }
    }
    (marks, &part[..left])
}
