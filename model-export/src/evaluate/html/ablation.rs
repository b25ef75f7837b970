//! The section of what each group of features is worth.

use std::fmt::Write as _;

use crate::ablate::{Ablation, Change, Changes, OF_TOWERS, SHOWN};

/// One table: a row per group.
pub(super) fn section(ablation: &Ablation) -> String {
    let cell = |change: Option<&Change>| {
        change.map_or("<td>–</td>".to_owned(), |c| {
            let i = c.change;
            // A group that is missed when it is gone was worth something.
            let class = match (i.low > 0.0, i.high < 0.0) {
                (true, _) => "ahead",
                (_, true) => "behind",
                _ => "open",
            };
            format!(
                "<td class=\"{class}\">{:+.4}<small>{:+.4} – {:+.4}</small></td>",
                i.value, i.low, i.high
            )
        })
    };
    let cells = |changes: &Changes, names: &[&str]| -> String { names.iter().map(|n| cell(changes.get(*n))).collect() };
    let mut rows = String::new();
    for row in &ablation.rows {
        let towers = match row.group.of_towers() {
            true => cells(&row.two_tower, &OF_TOWERS),
            false => "<td>–</td>".repeat(OF_TOWERS.len()),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            rows,
            "<tr><th>{}</th>{}{towers}</tr>",
            row.group.what(),
            cells(&row.device, &SHOWN)
        );
    }
    let heads: String = SHOWN.iter().map(|name| format!("<th>{name}</th>")).collect();
    let of_towers: String = OF_TOWERS
        .iter()
        .map(|name| format!("<th>towers’ {name}</th>"))
        .collect();
    let absent: Vec<&str> = ablation.absent.iter().map(|group| group.what()).collect();
    let absent = match absent.is_empty() {
        true => String::new(),
        false => format!(" The data tell nothing of: {}.", absent.join("; ")),
    };
    format!(
        "<section><h2>Without …</h2><table><thead><tr><th></th>{heads}{of_towers}</tr></thead>\n<tbody>{rows}</tbody></table>\
         <p>Trained again without one group at a time, minus the whole; drawn in pairs, each user with both. Coloured where the \
         interval excludes zero: what is missed was worth something. {} impressions, slates of {} users.{absent}</p></section>\n",
        ablation.impressions, ablation.users
    )
}
