//! The table for a human.

use std::fmt::Write as _;

use super::{Ablation, Changes};
use crate::group::Group;

/// Figures of the device in the tables of terminal and page.
pub(crate) const SHOWN: [&str; 5] = ["auc", "user_auc", "precision@10", "map@10", "recall@100"];
/// Figures of the towers there.
pub(crate) const OF_TOWERS: [&str; 2] = ["auc", "recall@100"];

impl Ablation {
    /// One line per group: the changes with their intervals.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{}: without each group, on {} impressions and slates of {} users; towers with {} + {} passes, seed {}\n",
            self.dataset, self.impressions, self.users, self.epochs[0], self.epochs[1], self.seed
        );
        // Writing to a String cannot fail, here and below.
        if let Some(first) = self.rows.first() {
            let whole = |changes: &Changes, names: &[&str]| {
                let figures = names
                    .iter()
                    .filter_map(|name| Some(format!("{name} {:.4}", changes.get(*name)?.whole)));
                figures.collect::<Vec<_>>().join(", ")
            };
            let _ = writeln!(
                text,
                "whole: {}; two towers: {}",
                whole(&first.device, &SHOWN),
                whole(&first.two_tower, &OF_TOWERS)
            );
        }
        for row in &self.rows {
            let changed = |changes: &Changes, names: &[&str]| {
                let figures = names.iter().filter_map(|name| {
                    let c = changes.get(*name)?.change;
                    Some(format!("{name} {:+.4} [{:+.4}, {:+.4}]", c.value, c.low, c.high))
                });
                figures.collect::<Vec<_>>().join(", ")
            };
            let _ = write!(text, "{}: {}", row.group.what(), changed(&row.device, &SHOWN));
            if row.group.of_towers() {
                let _ = write!(text, "; two towers: {}", changed(&row.two_tower, &OF_TOWERS));
            }
            text.push('\n');
        }
        if !self.absent.is_empty() {
            let names: Vec<&str> = self.absent.iter().map(|group| Group::as_str(*group)).collect();
            let _ = writeln!(text, "nothing told of: {}", names.join(", "));
        }
        text
    }
}
