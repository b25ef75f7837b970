//! Names and kinds of the columns: the same for CSV and Parquet, for reading and writing.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A finite number.
    Number,
    /// A whole number, not negative.
    Count,
    /// Unix milliseconds, or RFC 3339 in a text column.
    Instant,
    /// true or false.
    Flag,
    /// A list of texts; in CSV joined by `|`, or a JSON array.
    List,
}

/// One column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its header.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// A table without it is refused.
    pub required: bool,
}

/// One of the three tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Name of the table, and of its file without the ending.
    pub table: &'static str,
    /// Its columns, in the order in which they are written.
    pub columns: &'static [Column],
}

/// A column that must be there.
pub(crate) const fn must(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        required: true,
    }
}

/// A column that may be missing.
pub(crate) const fn may(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        required: false,
    }
}

/// The videos table.
pub const VIDEOS: Schema = Schema {
    table: "videos",
    columns: &[
        must("id", Kind::Text),
        may("title", Kind::Text),
        may("tags", Kind::List),
        may("length_seconds", Kind::Number),
        may("language", Kind::Text),
        may("rating", Kind::Text),
        may("channel", Kind::Text),
        may("published_at", Kind::Instant),
        may("likes", Kind::Number),
        may("comments", Kind::Number),
        may("views", Kind::Number),
        may("regions", Kind::List),
        may("content_hash", Kind::Text),
    ],
};

/// The users table.
pub const USERS: Schema = Schema {
    table: "users",
    columns: &[
        must("id", Kind::Text),
        may("age", Kind::Number),
        may("gender", Kind::Text),
        may("latitude", Kind::Number),
        may("longitude", Kind::Number),
        may("username", Kind::Text),
        may("language", Kind::Text),
        may("time_zone", Kind::Text),
    ],
};

/// The interactions table.
pub const INTERACTIONS: Schema = Schema {
    table: "interactions",
    columns: &[
        must("user_id", Kind::Text),
        must("video_id", Kind::Text),
        must("type", Kind::Text),
        may("value", Kind::Text),
        must("timestamp", Kind::Instant),
        may("latitude", Kind::Number),
        may("longitude", Kind::Number),
        may("device", Kind::Text),
        may("surface", Kind::Text),
        may("position", Kind::Count),
        // Beyond DESIGN 4: the source log's own judgement, where it has no seconds. See docs/adr.
        may("relevant", Kind::Flag),
        // Beyond DESIGN 4 too: with what chance the logging policy showed it. See docs/tables.md.
        may("propensity", Kind::Number),
    ],
};
