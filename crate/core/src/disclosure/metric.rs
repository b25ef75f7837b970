//! The questions, and the buckets of their answers.

/// Number of metrics.
pub const METRICS: usize = 4;

/// What is asked of a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Whether anything was played.
    Clicked,
    /// How many videos were completed.
    Completed,
    /// How long was watched.
    Watched,
    /// Whether videos were liked, and whether some were disliked or not wanted.
    Feedback,
}

impl Metric {
    /// All, in the order of reports.
    pub const ALL: [Metric; METRICS] = [Metric::Clicked, Metric::Completed, Metric::Watched, Metric::Feedback];

    /// The name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Metric::Clicked => "clicked",
            Metric::Completed => "completed",
            Metric::Watched => "watched",
            Metric::Feedback => "feedback",
        }
    }

    /// How many buckets it has, 2 to 10: an answer is one digit.
    #[must_use]
    pub const fn bucket_count(self) -> u32 {
        match self {
            Metric::Clicked => 2,
            Metric::Completed => 5,
            Metric::Watched => 6,
            Metric::Feedback => 4,
        }
    }

    /// Names of its buckets.
    #[must_use]
    pub const fn buckets(self) -> &'static [&'static str] {
        match self {
            Metric::Clicked => &["no", "yes"],
            Metric::Completed => &["0", "1", "2-4", "5-9", "10+"],
            Metric::Watched => &["0", "<10min", "<30min", "<2h", "<10h", "10h+"],
            Metric::Feedback => &["none", "liked", "rejected", "both"],
        }
    }
}
