//! The figures as one self-contained page: for each metric a dot with its interval for every group.

use std::fmt::Write;

use super::anonymous::{Anonymous, Shares};
use super::table::{impressions, label};
use super::{Comparison, Figure, Metric, Report};

const STYLE: &str = "
:root{color-scheme:light dark;--ink:light-dark(#1b1f24,#e8eaed);--soft:light-dark(#667080,#9aa4b2);
--line:light-dark(#e3e7ec,#30363f);--card:light-dark(#fff,#1b1f26);--page:light-dark(#f5f7f9,#12151a);
--dot:light-dark(#2456c9,#8ab0ff);--more:light-dark(#1a7f4b,#63d19b);--less:light-dark(#b3372d,#ff9b90)}
body{margin:0;padding:2rem clamp(1rem,4vw,4rem);background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0}p{color:var(--soft);max-width:70ch}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(30rem,100%),1fr));gap:1rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.25rem}
h2{font-size:1rem;margin:0 0 .25rem}small{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td{padding:.15rem .5rem .15rem 0;white-space:nowrap}td:nth-child(2){width:100%}td:last-child{text-align:right}
svg{display:block;width:100%;height:1.1rem}line{stroke:var(--line);vector-effect:non-scaling-stroke}
rect{fill:var(--dot);opacity:.35}circle,ellipse{fill:var(--dot)}
.more rect,.more ellipse{fill:var(--more)}.less rect,.less ellipse{fill:var(--less)}";

/// The page. `title` says whose figures they are.
#[must_use]
pub fn page(report: &Report, title: &str) -> String {
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{0}</title><style>{STYLE}</style><h1>{0}</h1><p>{1} impressions, {2} to {3} (UTC). A dot is a mean, the \
         bar its 95&nbsp;% interval with accounts as what varies by chance. An impression counts six hours after it was \
         made, when its outcome is settled.</p><main>",
        escape(title),
        impressions(&report.all),
        day(report.from),
        day(report.until),
    );
    for metric in Metric::ALL {
        section(&mut html, report, metric);
    }
    if !report.arms.is_empty() {
        arms(&mut html, &report.arms);
    }
    anonymous(&mut html, &report.anonymous);
    html.push_str("</main></html>\n");
    html
}

fn section(html: &mut String, report: &Report, metric: Metric) {
    let of = |figures: &super::Figures| figures.get(metric.as_str()).copied();
    let mut rows: Vec<(String, Figure)> = of(&report.all).map(|f| ("all".to_owned(), f)).into_iter().collect();
    for (dimension, groups) in &report.by {
        rows.extend(
            groups
                .iter()
                .filter_map(|(value, figures)| Some((label(dimension, value), of(figures)?))),
        );
    }
    let ends = rows.iter().flat_map(|(_, figure)| match figure.interval {
        Some([low, high]) => vec![low, high],
        None => figure.value.into_iter().collect(),
    });
    let high = ends.fold(0.0_f64, f64::max);
    let _ = write!(
        html,
        "<section><h2>{}</h2><small>{}</small><table>",
        metric.as_str(),
        meaning(metric)
    );
    for (name, figure) in &rows {
        let Some(value) = figure.value else { continue };
        let _ = write!(
            html,
            "<tr><td>{}<td>{}<td title=\"{} accounts\">{value:.4}",
            escape(name),
            bar(value, figure.interval, [0.0, high]),
            figure.accounts
        );
    }
    html.push_str("</table></section>");
}

fn arms(html: &mut String, arms: &[Comparison]) {
    html.push_str(
        "<section><h2>arms</h2><small>difference to the control; the bar is the confidence sequence: look as often as \
         you like</small><table>",
    );
    for comparison in arms {
        let [low, high] = comparison.sequential;
        let reach = low.abs().max(high.abs());
        let class = match (low > 0.0, high < 0.0) {
            (true, _) => "more",
            (_, true) => "less",
            _ => "",
        };
        let _ = write!(
            html,
            "<tr class=\"{class}\"><td>{} − {}: {}<td>{}<td>{:+.4}",
            escape(&comparison.arm),
            escape(&comparison.control),
            comparison.metric,
            bar(comparison.difference, Some(comparison.sequential), [-reach, reach]),
            comparison.difference
        );
    }
    html.push_str("</table></section>");
}

/// Shares of devices by noised reports, where there are any.
fn anonymous(html: &mut String, anonymous: &Anonymous) {
    let Shares { reports, metrics } = &anonymous.all;
    if *reports == 0 {
        return;
    }
    for (metric, buckets) in metrics {
        let _ = write!(
            html,
            "<section><h2>{metric}, anonymous</h2><small>share of devices by {reports} noised reports about a week, ε = {}\
             </small><table>",
            anonymous.epsilon
        );
        for (bucket, found) in buckets {
            let _ = write!(
                html,
                "<tr><td>{}<td>{}<td>{:.4}",
                escape(bucket),
                bar(found.share, Some(found.interval), [0.0, 1.0]),
                found.share
            );
        }
        html.push_str("</table></section>");
    }
}

/// A dot and its interval on a line from `from` to `to`, with a tick at zero.
fn bar(value: f64, interval: Option<[f64; 2]>, [from, to]: [f64; 2]) -> String {
    let place = |value: f64| {
        if to > from {
            ((value - from) / (to - from)).clamp(0.0, 1.0) * 100.0
        } else {
            0.0
        }
    };
    let mut svg = format!(
        "<svg viewBox=\"-1 0 102 10\" preserveAspectRatio=none aria-hidden=true><line x1=0 x2=100 y1=5 y2=5 />\
         <line x1={0:.2} x2={0:.2} y1=1 y2=9 />",
        place(0.0)
    );
    if let Some([low, high]) = interval {
        let (low, high) = (place(low), place(high));
        let _ = write!(svg, "<rect x={low:.2} width={:.2} y=3.5 height=3 />", high - low);
    }
    let _ = write!(svg, "<ellipse cx={:.2} cy=5 rx=.8 ry=3 /></svg>", place(value));
    svg
}

const fn meaning(metric: Metric) -> &'static str {
    use upnext_core::reward::Reward;
    match metric {
        Metric::Reward(Reward::Relevant) => "impressions that were liked, or watched for at least half",
        Metric::Reward(Reward::Click) => "impressions that were played",
        Metric::Reward(Reward::Completed) => "impressions that were watched to nine tenths",
        Metric::Reward(Reward::WatchSeconds) => "seconds watched of an impression",
        Metric::Reward(Reward::Liked) => "impressions that were liked",
        Metric::Reward(Reward::Rejected) => "impressions that were disliked or not wanted",
        Metric::Return => "days after which the viewer was back within seven days",
        Metric::Diversity => "1 − mean cosine of what was shown together",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// Days since 1970 as a date (Howard Hinnant, *chrono-compatible low-level date algorithms*, `civil_from_days`).
fn day(at_ms: i64) -> String {
    let days = at_ms.div_euclid(24 * 3_600_000) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (at_ms, date) in [
            (0, "1970-01-01"),
            (951_782_400_000, "2000-02-29"),
            (1_709_251_199_999, "2024-02-29"),
            (1_709_251_200_000, "2024-03-01"),
            (-1, "1969-12-31"),
        ] {
            assert_eq!(day(at_ms), date);
        }
    }

    #[test]
    fn a_bar_stays_on_its_line() {
        let svg = bar(7.0, Some([-3.0, 9.0]), [0.0, 5.0]);
        assert!(
            svg.contains("<rect x=0.00 width=100.00") && svg.contains("cx=100.00"),
            "{svg}"
        );
        assert!(bar(0.0, None, [0.0, 0.0]).ends_with("</svg>"));
    }

    #[test]
    fn names_cannot_be_markup() {
        assert_eq!(escape("<script>\"&"), "&lt;script>&quot;&amp;");
    }
}
