//! The report as text for a terminal.

use std::fmt::Write;

use super::report::{FIGURES, Report};

/// A line for each figure: mean and quantiles over the accounts, and what everybody gets who has none.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut text = format!(
        "serves  {}\nnext    {}\n{} accounts compared, {} of which one bundle knows nothing\n\n",
        report.bundle, report.next, report.accounts, report.unknown
    );
    // Writing to a text cannot fail.
    let _ = writeln!(
        text,
        "{:<20}{:>11}{:>11}{:>11}{:>11}{:>11}",
        "", "mean", "p10", "p50", "p90", "anonymous"
    );
    for name in FIGURES {
        let spread = report.figures.get(name);
        let values = spread.map(|spread| [spread.mean, spread.p10, spread.p50, spread.p90]);
        let values = values.map_or([None; 4], |values| values.map(Some));
        let anonymous = report.anonymous.as_ref().and_then(|figures| figures.get(name).copied());
        let _ = write!(text, "{name:<20}");
        for value in values.into_iter().chain([anonymous]) {
            let cell = match value {
                Some(value) if name.ends_with("seconds") => format!("{value:.6}"),
                Some(value) => format!("{value:.4}"),
                None => "-".to_owned(),
            };
            let _ = write!(text, "{cell:>11}");
        }
        text.push('\n');
    }
    text
}
