//! The block as protobuf.

use crate::protobuf::message;

/// Where a candidate came from: bits of `sources`.
pub mod source {
    /// Collaborative filtering with the account's factor.
    pub const CF: u32 = 1;
    /// Neighbours of recent videos.
    pub const NEIGHBOUR: u32 = 2;
    /// Content shelf.
    pub const CONTENT: u32 = 4;
    /// Freshly published.
    pub const FRESH: u32 = 8;
    /// Popular.
    pub const POPULAR: u32 = 16;
}

/// The wire format (protobuf). `n` candidates; every per-candidate column has `n` entries
/// unless it says "or none". Dictionaries are referred to by `1 + index`; 0 is unknown.
#[derive(Clone, PartialEq, prost::Message)]
pub struct BlockMessage {
    /// [`BLOCK_VERSION`](super::BLOCK_VERSION).
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// Id of the bundle that made the vectors: 64 hex digits.
    #[prost(string, tag = "2")]
    pub bundle_id: String,
    /// Unix milliseconds after which the block must not be used.
    #[prost(int64, tag = "3")]
    pub expires_at_ms: i64,
    /// Video ids, distinct, 1..=256 bytes.
    #[prost(string, repeated, tag = "4")]
    pub ids: Vec<String>,
    /// Width of an item vector.
    #[prost(uint32, tag = "5")]
    pub vector_dim: u32,
    /// int8 item vectors, `n × vector_dim`.
    #[prost(bytes = "vec", tag = "6")]
    pub vectors: Vec<u8>,
    /// Scale of each vector.
    #[prost(float, repeated, tag = "7")]
    pub vector_scales: Vec<f32>,
    /// Width of an item factor; 0: no factors.
    #[prost(uint32, tag = "8")]
    pub factor_dim: u32,
    /// int8 item factors, `n × factor_dim`.
    #[prost(bytes = "vec", tag = "9")]
    pub factors: Vec<u8>,
    /// Scale of each factor; none where `factor_dim` is 0.
    #[prost(float, repeated, tag = "10")]
    pub factor_scales: Vec<f32>,
    /// Bits of [`source`].
    #[prost(uint32, repeated, tag = "11")]
    pub sources: Vec<u32>,
    /// Score of the server's pruning stage; what it orders by.
    #[prost(float, repeated, tag = "12")]
    pub server_scores: Vec<f32>,
    /// Log-odds of relevance of this video's watches before the train window, against its length's.
    #[prost(float, repeated, tag = "13")]
    pub priors: Vec<f32>,
    /// `log1p` of relevant impressions of late, as of the bundle: each counts half for every quarter of
    /// the train window that has passed since.
    #[prost(float, repeated, tag = "14")]
    pub log_popularity: Vec<f32>,
    /// Seconds; negative: unknown.
    #[prost(float, repeated, tag = "15")]
    pub length_seconds: Vec<f32>,
    /// Unix milliseconds; `i64::MIN`: unknown.
    #[prost(sint64, repeated, tag = "16")]
    pub published_at_ms: Vec<i64>,
    /// `1 + index` into `dictionary`.
    #[prost(uint32, repeated, tag = "17")]
    pub languages: Vec<u32>,
    /// `1 + index` into `dictionary`.
    #[prost(uint32, repeated, tag = "18")]
    pub ratings: Vec<u32>,
    /// `1 + index` into `dictionary`.
    #[prost(uint32, repeated, tag = "19")]
    pub channels: Vec<u32>,
    /// Number of tags of each candidate.
    #[prost(uint32, repeated, tag = "20")]
    pub tag_counts: Vec<u32>,
    /// Tags of all candidates one after the other: `1 + index` into `dictionary`.
    #[prost(uint32, repeated, tag = "21")]
    pub tags: Vec<u32>,
    /// Strings of the columns above.
    #[prost(string, repeated, tag = "22")]
    pub dictionary: Vec<String>,
    /// Titles, or none.
    #[prost(string, repeated, tag = "23")]
    pub titles: Vec<String>,
    /// Thumbnail addresses, or none.
    #[prost(string, repeated, tag = "24")]
    pub thumbnails: Vec<String>,
    /// Log ratio of relevant to expected impressions of this video in the train window.
    #[prost(float, repeated, tag = "25")]
    pub effects: Vec<f32>,
    /// Ids of videos that were taken down within the longest life of a block, strictly rising.
    #[prost(string, repeated, tag = "26")]
    pub removed: Vec<String>,
    /// Arm of the experiment that the account is in and this block was made by; empty: none.
    #[prost(string, tag = "27")]
    pub arm: String,
    /// Number of regions of each candidate, or none.
    #[prost(uint32, repeated, tag = "28")]
    pub region_counts: Vec<u32>,
    /// Regions (ISO 3166) where each candidate may be shown, all one after the other: `1 + index` into `dictionary`. A candidate
    /// without any may be shown everywhere.
    #[prost(uint32, repeated, tag = "29")]
    pub regions: Vec<u32>,
    /// Content hashes, or none: `1 + index` into `dictionary`. Videos with equal ones are the same to look at.
    #[prost(uint32, repeated, tag = "30")]
    pub contents: Vec<u32>,
}

/// Number of [`BlockMessage::expires_at_ms`], for what reads a message without decoding it.
pub(super) const EXPIRES_AT_MS: u32 = 3;
/// Number of [`BlockMessage::removed`].
pub(super) const REMOVED: u32 = 26;

message!(BlockMessage {
    1 => version,
    2 => bundle_id,
    3 => expires_at_ms,
    4 => ids,
    5 => vector_dim,
    6 => vectors,
    7 => vector_scales,
    8 => factor_dim,
    9 => factors,
    10 => factor_scales,
    11 => sources,
    12 => server_scores,
    13 => priors,
    14 => log_popularity,
    15 => length_seconds,
    16 => published_at_ms,
    17 => languages,
    18 => ratings,
    19 => channels,
    20 => tag_counts,
    21 => tags,
    22 => dictionary,
    23 => titles,
    24 => thumbnails,
    25 => effects,
    26 => removed,
    27 => arm,
    28 => region_counts,
    29 => regions,
    30 => contents,
});
