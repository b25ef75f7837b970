//! What a data set holds, in a few lines: printed after each import and before training.

use std::fmt::Write as _;

use upnext_core::EventKind;

use super::{Dataset, utc};
use crate::label::{Encounter, encounters};
use crate::split::{Side, Split};

/// Rows, kinds of events, windows of the split with their examples, users and videos unknown to the past.
/// Where the log cannot be split, the reason stands in place of the windows.
#[must_use]
pub fn summary(data: &Dataset) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        text,
        "{}: {} videos, {} users, {} interactions",
        data.meta.name,
        data.videos.len(),
        data.users.len(),
        data.interactions.len()
    );
    for kind in EventKind::ALL {
        let count = data.interactions.kind.iter().filter(|k| **k == kind).count();
        if count > 0 {
            let _ = writeln!(text, "  {:15}{count:>10}", kind.as_str());
        }
    }
    match Split::of(data) {
        Ok(split) => windows(&mut text, data, &split),
        Err(error) => {
            let _ = writeln!(text, "  no split: {error}");
        }
    }
    for note in &data.meta.notes {
        let _ = writeln!(text, "  note: {note}");
    }
    text
}

fn windows(text: &mut String, data: &Dataset, split: &Split) {
    let found = encounters(data, split);
    let end = data.interactions.at_ms.last().copied().unwrap_or_default();
    for (side, name, until) in [
        (Side::Factors, "factors", split.factors_until_ms),
        (Side::Train, "train", split.train_until_ms),
        (Side::Test, "test", end.saturating_add(1)),
    ] {
        let inside = || found.iter().filter(|e| split.side(e.at_ms) == side);
        let positives = inside().filter(|e| e.label() == Some(true)).count();
        let (examples, relevant) = split
            .examples(&found, side)
            .fold((0_u64, 0_u64), |(n, r), (_, label)| (n + 1, r + u64::from(label)));
        let share = if examples == 0 {
            0.0
        } else {
            100.0 * relevant as f64 / examples as f64
        };
        let _ = writeln!(
            text,
            "  {name:8} until {}: {} encounters, {positives} relevant; {examples} impressions, {share:.1} % relevant",
            utc(until),
            inside().count(),
        );
    }
    let (users, videos) = unseen(data, split, &found);
    let _ = writeln!(text, "  in test and never before: {users} users, {videos} videos");
}

fn unseen(data: &Dataset, split: &Split, found: &[Encounter]) -> (usize, usize) {
    let mut seen = (vec![0_u8; data.users.len()], vec![0_u8; data.videos.len()]);
    for encounter in found {
        let bit = if split.side(encounter.at_ms) == Side::Test {
            2
        } else {
            1
        };
        seen.0[encounter.user as usize] |= bit;
        seen.1[encounter.video as usize] |= bit;
    }
    let only_test = |marks: &[u8]| marks.iter().filter(|m| **m == 2).count();
    (only_test(&seen.0), only_test(&seen.1))
}
