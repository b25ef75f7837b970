//! Years in titles and release days.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

/// `Toy Story (1995)` is `Toy Story`, published on 1 January 1995, UTC; a title without a year stays whole.
pub(super) fn split_year(title: &str) -> (&str, Option<i64>) {
    let title = title.trim();
    let found = title.strip_suffix(')').and_then(|t| t.rsplit_once('('));
    let year = found.and_then(|(name, year)| Some((name.trim(), year.parse::<i16>().ok()?)));
    match year.filter(|(_, year)| (1870..=2100).contains(year)) {
        Some((name, year)) => (name, start_of(date(year, 1, 1))),
        None => (title, None),
    }
}

/// `01-Jan-1995`.
pub(super) fn released(day: &str) -> Option<i64> {
    start_of(Date::strptime("%d-%b-%Y", day).ok()?)
}

fn start_of(day: Date) -> Option<i64> {
    TimeZone::UTC
        .to_timestamp(day.at(0, 0, 0, 0))
        .ok()
        .map(|start| start.as_millisecond())
}
