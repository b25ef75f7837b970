//! The candidate block: what the server sends, in columns. Untrusted until [`Block::decode`] has seen it.

mod tombstone;
mod verify;
mod view;
mod wire;
mod write;

#[cfg(test)]
mod tests;

pub use tombstone::with_removed;
pub use wire::{BlockMessage, source};
pub use write::Texts;

use prost::Message as _;

use crate::{Error, ErrorKind, protobuf};

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
/// Longest name of an arm of an experiment, in bytes; an event that names it has the same bound.
pub const MAX_ARM_BYTES: usize = 64;
/// Most ids of removed videos in a block.
pub const MAX_REMOVED: usize = 4096;
/// Most tags of one candidate.
pub const MAX_TAGS: usize = 64;
/// Most regions of one candidate: more than there are.
pub const MAX_REGIONS: usize = 300;

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
    /// The same of its regions; one 0 where the block has none.
    region_starts: Vec<usize>,
    /// Rows in the order of their ids.
    by_id: Vec<u32>,
    digest: [u8; 32],
}

impl Block {
    /// Decodes and verifies bytes from the network against the loaded bundle.
    ///
    /// # Errors
    /// [`ErrorKind::BlockUnreadable`] for bytes that are no block (truncated, not protobuf, not UTF-8),
    /// [`ErrorKind::BundleVersion`] for another wire version, [`ErrorKind::BundleMismatch`] for a block of
    /// another bundle, [`ErrorKind::NotFinite`] for NaN or infinity, [`ErrorKind::IdOutOfRange`] for a
    /// dictionary row that is not there, [`ErrorKind::BlockInvalid`] for every other broken bound.
    pub fn decode(bytes: &[u8], bundle_id: &str, dims: Dims) -> Result<Block, Error> {
        if bytes.len() > MAX_BLOCK_BYTES {
            return Err(Error::from(ErrorKind::BlockInvalid {
                what: "size in bytes",
                expected: format!("at most {MAX_BLOCK_BYTES}"),
                found: bytes.len().to_string(),
            }));
        }
        let message = protobuf::read(bytes).map_err(|reason| Error::from(ErrorKind::BlockUnreadable { reason }))?;
        verify::verify(message, bundle_id, dims, crate::bundle::sha256(bytes))
    }

    /// Verifies a message that was put together in memory, as the server and tests do.
    ///
    /// # Errors
    /// As [`Block::decode`], but for the bytes.
    pub fn from_message(message: BlockMessage, bundle_id: &str, dims: Dims) -> Result<Block, Error> {
        Block::seal(message, bundle_id, dims).map(|(block, _)| block)
    }

    /// Verifies a message that was put together in memory, and writes it: the block that [`Block::decode`] makes of the bytes,
    /// and the bytes.
    ///
    /// # Errors
    /// As [`Block::decode`], but for bytes that are no block.
    pub fn seal(message: BlockMessage, bundle_id: &str, dims: Dims) -> Result<(Block, Vec<u8>), Error> {
        let bytes = message.encode_to_vec();
        let block = if bytes.len() > MAX_BLOCK_BYTES {
            Block::decode(&bytes, bundle_id, dims)?
        } else {
            // What reading would give is here already.
            verify::verify(message, bundle_id, dims, crate::bundle::sha256(&bytes))?
        };
        Ok((block, bytes))
    }

    /// Refuses a block whose time is over.
    ///
    /// # Errors
    /// [`ErrorKind::BlockExpired`] from the instant of expiry on.
    pub fn check_fresh(&self, now_ms: i64) -> Result<(), Error> {
        let expired_at_ms = self.message.expires_at_ms;
        if now_ms < expired_at_ms {
            return Ok(());
        }
        Err(Error::from(ErrorKind::BlockExpired { expired_at_ms, now_ms }))
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
}
