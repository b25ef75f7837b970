//! The candidate block: what the server sends, in columns. Untrusted until [`Block::decode`] has seen it.

mod verify;
mod wire;

pub use wire::{BlockMessage, source};

use prost::Message as _;

use crate::signal::Candidate;
use crate::{Error, QuantRow};

/// Version of the wire format.
pub const BLOCK_VERSION: u32 = 1;
/// Most candidates in a block.
pub const MAX_CANDIDATES: usize = 4096;
/// Largest block in bytes.
pub const MAX_BLOCK_BYTES: usize = 8 << 20;
/// Longest id, and longest string of the dictionary, in bytes.
pub const MAX_ID_BYTES: usize = 256;
/// Longest title or thumbnail address in bytes.
pub const MAX_TEXT_BYTES: usize = 2048;
/// Most tags of one candidate.
pub const MAX_TAGS: usize = 64;

/// Widths of the loaded bundle's vectors and factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dims {
    /// Width of user and item vectors.
    pub vector: usize,
    /// Width of collaborative factors.
    pub factor: usize,
}

/// A verified block. Rows are `0..len()`; accessors answer unknown for a row outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    message: BlockMessage,
    vectors: Vec<i8>,
    factors: Vec<i8>,
    /// Start of each candidate's tags, and one end.
    tag_starts: Vec<usize>,
    /// Rows in the order of their ids.
    by_id: Vec<u32>,
    digest: [u8; 32],
}

impl Block {
    /// Decodes and verifies bytes from the network against the loaded bundle.
    ///
    /// # Errors
    /// [`Error::BlockUnreadable`] for bytes that are no block (truncated, not protobuf, not UTF-8),
    /// [`Error::BundleVersion`] for another wire version, [`Error::BundleMismatch`] for a block of
    /// another bundle, [`Error::NotFinite`] for NaN or infinity, [`Error::IdOutOfRange`] for a
    /// dictionary row that is not there, [`Error::BlockInvalid`] for every other broken bound.
    pub fn decode(bytes: &[u8], bundle_id: &str, dims: Dims) -> Result<Block, Error> {
        if bytes.len() > MAX_BLOCK_BYTES {
            return Err(Error::BlockInvalid {
                what: "size in bytes",
                expected: format!("at most {MAX_BLOCK_BYTES}"),
                found: bytes.len().to_string(),
            });
        }
        let message = BlockMessage::decode(bytes).map_err(|e| Error::BlockUnreadable { reason: e.to_string() })?;
        verify::verify(message, bundle_id, dims, crate::bundle::sha256(bytes))
    }

    /// Verifies a message that was put together in memory, as the server and tests do.
    ///
    /// # Errors
    /// As [`Block::decode`], but for the bytes.
    pub fn from_message(message: BlockMessage, bundle_id: &str, dims: Dims) -> Result<Block, Error> {
        Block::decode(&message.encode_to_vec(), bundle_id, dims)
    }

    /// Refuses a block whose time is over.
    ///
    /// # Errors
    /// [`Error::BlockExpired`] from the instant of expiry on.
    pub fn check_fresh(&self, now_ms: i64) -> Result<(), Error> {
        let expired_at_ms = self.message.expires_at_ms;
        if now_ms < expired_at_ms {
            return Ok(());
        }
        Err(Error::BlockExpired { expired_at_ms, now_ms })
    }

    /// Number of candidates.
    #[must_use]
    pub fn len(&self) -> usize {
        self.message.ids.len()
    }

    /// True for a block without candidates.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.message.ids.is_empty()
    }

    /// The verified message, for a writer of another format.
    #[must_use]
    pub fn message(&self) -> &BlockMessage {
        &self.message
    }

    /// The block's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.message.encode_to_vec()
    }

    /// SHA-256 of the bytes it was decoded from.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Id of the bundle that made the vectors.
    #[must_use]
    pub fn bundle_id(&self) -> &str {
        &self.message.bundle_id
    }

    /// Unix milliseconds from which it must not be used.
    #[must_use]
    pub fn expires_at_ms(&self) -> i64 {
        self.message.expires_at_ms
    }

    /// Id of the video in `row`; empty for a row outside.
    #[must_use]
    pub fn id(&self, row: usize) -> &str {
        self.message.ids.get(row).map_or("", String::as_str)
    }

    /// Row of the video with this id.
    #[must_use]
    pub fn row_of(&self, id: &str) -> Option<usize> {
        let at = self.by_id.binary_search_by(|row| self.id(*row as usize).cmp(id)).ok()?;
        Some(self.by_id[at] as usize)
    }

    /// Item vector.
    #[must_use]
    pub fn vector(&self, row: usize) -> Option<QuantRow<'_>> {
        quant_row(&self.vectors, &self.message.vector_scales, self.message.vector_dim, row)
    }

    /// Item factor, where the block has factors.
    #[must_use]
    pub fn factor(&self, row: usize) -> Option<QuantRow<'_>> {
        quant_row(&self.factors, &self.message.factor_scales, self.message.factor_dim, row)
    }

    /// Bits of [`source`].
    #[must_use]
    pub fn sources(&self, row: usize) -> u32 {
        self.message.sources.get(row).copied().unwrap_or(0)
    }

    /// Score of the server's pruning stage.
    #[must_use]
    pub fn server_score(&self, row: usize) -> f32 {
        self.message.server_scores.get(row).copied().unwrap_or(0.0)
    }

    /// What the ranker's signals read of the video in `row`.
    #[must_use]
    pub fn candidate(&self, row: usize) -> Option<Candidate<'_>> {
        Some(Candidate {
            vector: self.vector(row)?,
            factor: self.factor(row),
            prior: self.prior(row),
            effect: self.effect(row),
            length_seconds: self.length_seconds(row),
            published_at_ms: self.published_at_ms(row),
        })
    }

    /// [`video_effect`](crate::feature::video_effect).
    #[must_use]
    pub fn effect(&self, row: usize) -> f32 {
        self.message.effects.get(row).copied().unwrap_or(0.0)
    }

    /// [`video_prior`](crate::feature::video_prior).
    #[must_use]
    pub fn prior(&self, row: usize) -> f32 {
        self.message.priors.get(row).copied().unwrap_or(0.0)
    }

    /// `log1p` of relevant events.
    #[must_use]
    pub fn log_popularity(&self, row: usize) -> f32 {
        self.message.log_popularity.get(row).copied().unwrap_or(0.0)
    }

    /// Length in seconds, where known.
    #[must_use]
    pub fn length_seconds(&self, row: usize) -> Option<f32> {
        self.message.length_seconds.get(row).copied().filter(|s| *s >= 0.0)
    }

    /// Instant of publication in Unix milliseconds, where known.
    #[must_use]
    pub fn published_at_ms(&self, row: usize) -> Option<i64> {
        self.message
            .published_at_ms
            .get(row)
            .copied()
            .filter(|ms| *ms != i64::MIN)
    }

    /// Language, where known.
    #[must_use]
    pub fn language(&self, row: usize) -> Option<&str> {
        self.word(*self.message.languages.get(row)?)
    }

    /// Age rating, where known.
    #[must_use]
    pub fn rating(&self, row: usize) -> Option<&str> {
        self.word(*self.message.ratings.get(row)?)
    }

    /// Channel, where known.
    #[must_use]
    pub fn channel(&self, row: usize) -> Option<&str> {
        self.word(*self.message.channels.get(row)?)
    }

    /// Tags, none where unknown.
    pub fn tags(&self, row: usize) -> impl Iterator<Item = &str> {
        let range = match self.tag_starts.get(row..).and_then(<[usize]>::first_chunk::<2>) {
            Some([from, to]) => *from..*to,
            None => 0..0,
        };
        self.message.tags[range].iter().filter_map(|index| self.word(*index))
    }

    /// Title, where the block has titles.
    #[must_use]
    pub fn title(&self, row: usize) -> Option<&str> {
        self.message
            .titles
            .get(row)
            .map(String::as_str)
            .filter(|t| !t.is_empty())
    }

    /// Address of the thumbnail, where the block has thumbnails.
    #[must_use]
    pub fn thumbnail(&self, row: usize) -> Option<&str> {
        self.message
            .thumbnails
            .get(row)
            .map(String::as_str)
            .filter(|t| !t.is_empty())
    }

    /// The dictionary's string of `1 + index`.
    fn word(&self, reference: u32) -> Option<&str> {
        let index = (reference as usize).checked_sub(1)?;
        self.message.dictionary.get(index).map(String::as_str)
    }
}

fn quant_row<'a>(values: &'a [i8], scales: &[f32], dim: u32, row: usize) -> Option<QuantRow<'a>> {
    let dim = dim as usize;
    let scale = *scales.get(row)?;
    let values = values.get(row * dim..(row + 1) * dim)?;
    Some(QuantRow { scale, values })
}
