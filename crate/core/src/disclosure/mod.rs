//! What a device tells of its viewer's weeks, where the viewer allows metrics: answers to four questions, noised before
//! they leave, within a budget that is never exceeded.
//!
//! ```text
//! history ── week::truth ──► bucket of each metric ── Response ──► Report, kept in the Ledger ──► estimate (server)
//! ```
//! - **Mechanism**: k-ary randomised response ([`Response`]), exact on integers. Each answer alone is `ε`-differentially
//!   private whatever the viewer did in that week.
//! - **Memo**: a week is answered once. Asked again the [`Ledger`] gives the same answer, so that averaging gains nothing
//!   (the permanent answer of RAPPOR: Erlingsson, Pihur & Korolova, *RAPPOR: randomized aggregatable privacy-preserving
//!   ordinal response*, CCS 2014). The memo is of the week, and not of the value as RAPPOR's is: equal answers to
//!   equal values would tell for certain when a value changes (Ding, Kulkarni & Yekhanin, *Collecting telemetry data privately*,
//!   NIPS 2017, 3), and a value that changes within a week would be answered twice.
//! - **Budget**: answers of different weeks are independent, so what they tell adds up (sequential composition: Dwork &
//!   Roth, *The algorithmic foundations of differential privacy*, 2014, 3.5). The ledger adds, and ends it.
//!
//! Whether and when something is told depends on the calendar, the ledger's turn and what was spent: on nothing that
//! the viewer does.

mod estimate;
mod ledger;
mod metric;
mod report;
mod response;
pub mod week;

#[cfg(test)]
mod tests;

pub use estimate::{Estimate, estimate};
pub use ledger::{LEDGER_VERSION, Ledger, RANDOM_WORDS, Standing};
pub use metric::{METRICS, Metric};
pub use report::Report;
pub use response::Response;

/// What one form of the report costs. A change is another form: answers under different terms are never added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Number of the form; it is in each report.
    pub form: u32,
    /// ε of one answer to one metric, in thousandths.
    pub answer_millis: u32,
    /// Most ε that a device ever spends on one metric, in thousandths.
    pub budget_millis: u32,
    /// A device answers about one week in so many: the budget lasts longer, and an answer says more than several
    /// with a part of its ε each would.
    pub every: u32,
}

impl Terms {
    /// The terms under which new answers are given: ε = 1 for each metric about one week in four, eight times.
    ///
    /// What a device tells in all, of metrics that may depend on one another, is the sum over the four: ε = 4 a report, 32 ever.
    pub const CURRENT: Terms = Terms {
        form: 1,
        answer_millis: 1_000,
        budget_millis: 8_000,
        every: 4,
    };

    /// The terms of a form, `None` for one that there is not.
    ///
    /// ```
    /// use upnext_core::disclosure::Terms;
    /// assert_eq!(Terms::of_form(1), Some(Terms::CURRENT));
    /// assert_eq!(Terms::of_form(0), None);
    /// ```
    #[must_use]
    pub fn of_form(form: u32) -> Option<Terms> {
        (form == Terms::CURRENT.form).then_some(Terms::CURRENT)
    }

    /// The mechanism by which a metric is answered.
    #[must_use]
    pub fn response(&self, metric: Metric) -> Response {
        Response::new(metric.bucket_count(), self.answer_millis)
    }
}
