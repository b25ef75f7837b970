//! The candidate block for a human: the same content as the protobuf, a row for each candidate.

use serde::{Deserialize, Serialize};
use upnext_core::QuantRow;
use upnext_core::block::{Block, source};

/// A block as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JsonBlock {
    /// Version of the block's content.
    pub version: u32,
    /// Bundle that made the vectors.
    pub bundle_id: String,
    /// Unix milliseconds from which it must not be used.
    pub expires_at_ms: i64,
    /// Arm of the experiment that it was made by; absent where the account is in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// Candidates in the server's order.
    pub rows: Vec<JsonRow>,
}

/// One candidate. Unknown is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JsonRow {
    /// Video id.
    pub id: String,
    /// Title.
    pub title: Option<String>,
    /// Address of a thumbnail.
    pub thumbnail: Option<String>,
    /// Names of the sources that proposed it.
    pub sources: Vec<String>,
    /// Score of the first of them.
    pub server_score: f32,
    /// Log-odds of relevance of its watches before the train window, against its length's.
    pub prior: f32,
    /// Log ratio of relevant to expected impressions in the train window.
    pub effect: f32,
    /// `log1p` of relevant events.
    pub log_popularity: f32,
    /// Length in seconds.
    pub length_seconds: Option<f32>,
    /// Unix milliseconds.
    pub published_at_ms: Option<i64>,
    /// Language.
    pub language: Option<String>,
    /// Age rating.
    pub rating: Option<String>,
    /// Channel.
    pub channel: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Regions where it may be shown; none: everywhere.
    pub regions: Vec<String>,
    /// Content hash: videos with equal ones are the same to look at.
    pub content: Option<String>,
    /// Item vector.
    pub vector: Option<JsonVector>,
    /// Item factor.
    pub factor: Option<JsonVector>,
}

/// A quantised row: value `i` is `scale × levels[i]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JsonVector {
    /// Step.
    pub scale: f32,
    /// Levels in −127..=127.
    pub levels: Vec<i8>,
}

/// Names of the source bits, in the order of the bits.
pub const SOURCE_NAMES: [(u32, &str); 5] = [
    (source::CF, "cf"),
    (source::NEIGHBOUR, "neighbour"),
    (source::CONTENT, "content"),
    (source::FRESH, "fresh"),
    (source::POPULAR, "popular"),
];

impl JsonVector {
    fn from(row: QuantRow<'_>) -> JsonVector {
        JsonVector {
            scale: row.scale,
            levels: row.values.to_vec(),
        }
    }
}

impl JsonBlock {
    /// The block's content.
    #[must_use]
    pub fn from(block: &Block) -> JsonBlock {
        JsonBlock {
            version: block.message().version,
            bundle_id: block.bundle_id().to_owned(),
            expires_at_ms: block.expires_at_ms(),
            arm: block.arm().map(str::to_owned),
            rows: (0..block.len()).map(|row| json_row(block, row)).collect(),
        }
    }
}

fn json_row(block: &Block, row: usize) -> JsonRow {
    let sources = block.sources(row);
    JsonRow {
        id: block.id(row).to_owned(),
        title: block.title(row).map(str::to_owned),
        thumbnail: block.thumbnail(row).map(str::to_owned),
        sources: SOURCE_NAMES
            .iter()
            .filter(|(bit, _)| sources & bit != 0)
            .map(|(_, name)| (*name).to_owned())
            .collect(),
        server_score: block.server_score(row),
        prior: block.prior(row),
        effect: block.effect(row),
        log_popularity: block.log_popularity(row),
        length_seconds: block.length_seconds(row),
        published_at_ms: block.published_at_ms(row),
        language: block.language(row).map(str::to_owned),
        rating: block.rating(row).map(str::to_owned),
        channel: block.channel(row).map(str::to_owned),
        tags: block.tags(row).map(str::to_owned).collect(),
        regions: block.regions(row).map(str::to_owned).collect(),
        content: block.content(row).map(str::to_owned),
        vector: block.vector(row).map(JsonVector::from),
        factor: block.factor(row).map(JsonVector::from),
    }
}
