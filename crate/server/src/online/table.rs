//! The figures as a table for a terminal.

use std::fmt::Write;

use super::{Figure, Figures, Metric, Report};

/// Width of a column of figures.
const COLUMN: usize = 17;

/// Lines of at most 150 characters: a row for each group, a column for each metric, `±` half of the 95 % interval.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    let groups = || {
        let named = report.by.iter().flat_map(|(dimension, groups)| {
            groups
                .iter()
                .map(move |(value, figures)| (label(dimension, value), figures))
        });
        std::iter::once(("all".to_owned(), &report.all)).chain(named)
    };
    let first = groups().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(8);
    let _ = write!(text, "{:first$} {:>11}", "", "impressions");
    for metric in Metric::ALL {
        let _ = write!(text, " {:>COLUMN$}", metric.as_str());
    }
    for (name, figures) in groups() {
        let _ = write!(text, "\n{name:first$} {:>11}", impressions(figures));
        for metric in Metric::ALL {
            let shown = figures.get(metric.as_str()).map_or_else(String::new, cell);
            let _ = write!(text, " {shown:>COLUMN$}");
        }
    }
    for comparison in &report.arms {
        let [low, high] = comparison.sequential;
        let verdict = if low > 0.0 {
            "more"
        } else if high < 0.0 {
            "less"
        } else {
            "not told apart yet"
        };
        let _ = write!(
            text,
            "\n{} against {}: {} {:+.4} [{low:+.4}, {high:+.4}] {verdict}",
            comparison.arm, comparison.control, comparison.metric, comparison.difference
        );
    }
    let anonymous = &report.anonymous.all;
    if anonymous.reports > 0 {
        let _ = write!(
            text,
            "\n{} anonymous reports, ε = {}",
            anonymous.reports, report.anonymous.epsilon
        );
        for (metric, buckets) in &anonymous.metrics {
            let _ = write!(text, "\n{metric:first$}");
            for (bucket, found) in buckets {
                let [low, high] = found.interval;
                let _ = write!(text, "  {bucket} {:.3} [{low:.3}, {high:.3}]", found.share);
            }
        }
    }
    text.push('\n');
    text
}

/// A group's name; of a bundle's id the first eight digits.
#[must_use]
pub fn label(dimension: &str, value: &str) -> String {
    let short = if dimension == "bundle" {
        value.get(..8).unwrap_or(value)
    } else {
        value
    };
    format!("{dimension} {short}")
}

/// Impressions of a group: clicks are known of each.
#[must_use]
pub fn impressions(figures: &Figures) -> u64 {
    figures.get("click_through").map_or(0.0, |figure| figure.of) as u64
}

fn cell(figure: &Figure) -> String {
    match (figure.value, figure.interval) {
        (Some(value), Some([low, high])) => format!("{value:.4} ± {:.4}", (high - low) / 2.0),
        (Some(value), None) => format!("{value:.4}"),
        (None, _) => "–".to_owned(),
    }
}
