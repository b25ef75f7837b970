//! Counts of noised answers. No report is kept as such: which answers came together is not known afterwards.

use rusqlite::{Connection, params};
use upnext_core::disclosure::{Metric, Report};

/// How many reports of a form, week and bundle named a bucket of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportCount {
    /// Form of the reports.
    pub form: u32,
    /// Week.
    pub week: u32,
    /// Id of the bundle; empty for one that was not served when the report came.
    pub bundle: String,
    /// Name of the metric.
    pub metric: String,
    /// Number of the bucket.
    pub bucket: u32,
    /// How many.
    pub reports: u64,
}

/// Counts a report under `bundle`.
///
/// # Errors
/// What SQLite says.
pub fn count(connection: &Connection, report: &Report, bundle: &str) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO report_count (form, week, bundle, metric, bucket, reports) VALUES (?1, ?2, ?3, ?4, ?5, 1)
         ON CONFLICT DO UPDATE SET reports = reports + 1",
    )?;
    for (metric, bucket) in Metric::ALL.iter().zip(report.answers()) {
        add.execute(params![report.form, report.week, bundle, metric.as_str(), bucket])?;
    }
    Ok(())
}

/// The counts of these weeks, both included.
///
/// # Errors
/// What SQLite says.
pub fn counts(connection: &Connection, from_week: u32, until_week: u32) -> rusqlite::Result<Vec<ReportCount>> {
    connection
        .prepare_cached(
            "SELECT form, week, bundle, metric, bucket, reports FROM report_count WHERE week BETWEEN ?1 AND ?2
             ORDER BY form, week, bundle, metric, bucket",
        )?
        .query_map([from_week, until_week], |row| {
            Ok(ReportCount {
                form: row.get(0)?,
                week: row.get(1)?,
                bundle: row.get(2)?,
                metric: row.get(3)?,
                bucket: row.get(4)?,
                reports: row.get::<_, i64>(5)?.unsigned_abs(),
            })
        })?
        .collect()
}

/// Deletes the counts of weeks before one; answers how many that were.
///
/// # Errors
/// What SQLite says.
pub fn forget_before(connection: &Connection, week: u32) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM report_count WHERE week < ?1", [week])
}
