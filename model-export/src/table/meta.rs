//! `dataset.json`: what stands beside the tables.

use serde::{Deserialize, Serialize};

/// Instants that cut the log, Unix milliseconds. See [`crate::split::Split`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitInstants {
    /// What happened before teaches the collaborative factors.
    pub factors_until_ms: i64,
    /// What happened from there to here trains the towers; what comes later tests.
    pub train_until_ms: i64,
}

/// Name, split and defaults of a data set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// Short name, for example `kuairand-pure`.
    pub name: String,
    /// The time split; where it is missing, the 60 % and 80 % points of the log in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitInstants>,
    /// IANA time zone of users whose own is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Where it comes from and what was decided on the way.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The world that it was simulated in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<crate::simulate::Options>,
}
