//! What leaves the device.

use super::week::{LAST_WEEK, WEEK_MS, starts_at};
use super::{METRICS, Metric, Terms};
use crate::bundle::is_sha256_hex;
use crate::tree::{FromTree as _, ToJson as _, Tree, record};
use crate::{Error, ErrorKind};

/// Weeks after its end in which a report is taken.
const LATEST_WEEKS: i64 = 6;

/// The answers about a week, noised. No account, no id, nothing else; as JSON it has the same length whatever the answers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The [`Terms`] of the answers.
    pub form: u32,
    /// The week, by [`week_of`](super::week::week_of).
    pub week: u32,
    /// Id of the bundle that was loaded when the answers were drawn.
    pub bundle: String,
    /// Bucket of [`Metric::Clicked`].
    pub clicked: u32,
    /// Bucket of [`Metric::Completed`].
    pub completed: u32,
    /// Bucket of [`Metric::Watched`].
    pub watched: u32,
    /// Bucket of [`Metric::Feedback`].
    pub feedback: u32,
}

record!(json Report { form, week, bundle, clicked, completed, watched, feedback });

impl Report {
    /// Reads a report.
    ///
    /// # Errors
    /// [`ErrorKind::RequestInvalid`] for anything but an object of these fields, each within its range, of a form that there is.
    pub fn parse(bytes: &[u8]) -> Result<Report, Error> {
        let read = Tree::parse(bytes).and_then(Report::from_tree);
        let report = read.map_err(|misfit| invalid(misfit.to_string()))?;
        report.check()?;
        Ok(report)
    }

    /// The report as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.json()
    }

    /// The answers by [`Metric::ALL`].
    #[must_use]
    pub const fn answers(&self) -> [u32; METRICS] {
        [self.clicked, self.completed, self.watched, self.feedback]
    }

    /// Whether it may come in now: its week is over, and not for long. Reports of other times would be made by nobody's device.
    #[must_use]
    pub fn is_timely(&self, now_ms: i64) -> bool {
        let since_end = now_ms.saturating_sub(starts_at(self.week)).saturating_sub(WEEK_MS);
        (0..=LATEST_WEEKS * WEEK_MS).contains(&since_end)
    }

    /// Whether each field is within its range, and the form is one that there is.
    ///
    /// # Errors
    /// [`ErrorKind::RequestInvalid`]: which one is not.
    pub fn check(&self) -> Result<(), Error> {
        self.misfit().map_or(Ok(()), |reason| Err(invalid(reason.to_owned())))
    }

    fn misfit(&self) -> Option<&'static str> {
        if Terms::of_form(self.form).is_none() {
            return Some("form: there is no such form");
        }
        if self.week > LAST_WEEK {
            return Some("week: has more than four digits");
        }
        if !is_sha256_hex(&self.bundle) {
            return Some("bundle: is not 64 lower-case hex digits");
        }
        let mut answers = Metric::ALL.iter().zip(self.answers());
        let outside = answers.any(|(metric, bucket)| bucket >= metric.bucket_count());
        outside.then_some("an answer is not the number of a bucket of its metric")
    }
}

fn invalid(reason: String) -> Error {
    Error::from(ErrorKind::RequestInvalid {
        what: "report".into(),
        reason,
    })
}
