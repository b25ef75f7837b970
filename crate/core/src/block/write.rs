//! Writing a block whose texts lie elsewhere: what a server does for every request, without a copy of any text but that in the
//! bytes.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

use super::verify::{Strings, bounds, distinct};
use super::{BlockMessage, Dims, MAX_BLOCK_BYTES};
use crate::{Error, ErrorKind};

/// The texts of a block's candidates, of whoever holds them. As the columns of the same names of a [`BlockMessage`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Texts<'a> {
    /// Video ids.
    pub ids: Vec<&'a str>,
    /// Strings that other columns refer to.
    pub dictionary: Vec<&'a str>,
    /// Titles, or none.
    pub titles: Vec<&'a str>,
    /// Thumbnail addresses, or none.
    pub thumbnails: Vec<&'a str>,
}

impl Texts<'_> {
    /// The whole message: `columns` with these texts in the place of its own.
    #[must_use]
    pub fn message(&self, columns: BlockMessage) -> BlockMessage {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        BlockMessage {
            ids: owned(&self.ids),
            dictionary: owned(&self.dictionary),
            titles: owned(&self.titles),
            thumbnails: owned(&self.thumbnails),
            ..columns
        }
    }

    /// The bytes of the block of these texts and all other columns of `columns`, whose own texts do not count: those that
    /// [`Block::seal`](super::Block::seal) writes of [`Texts::message`], after the same bounds were checked.
    ///
    /// # Errors
    /// As [`Block::seal`](super::Block::seal).
    ///
    /// ```
    /// use upnext_core::block::{BLOCK_VERSION, Block, BlockMessage, Dims, Texts};
    /// let columns = BlockMessage { version: BLOCK_VERSION, bundle_id: "b".into(), vector_dim: 2, ..BlockMessage::default() };
    /// let dims = Dims { vector: 2, factor: 2 };
    /// let bytes = Texts::default().seal(&columns, "b", dims)?;
    /// assert!(Block::decode(&bytes, "b", dims)?.is_empty());
    /// # Ok::<(), upnext_core::Error>(())
    /// ```
    pub fn seal(&self, columns: &BlockMessage, bundle_id: &str, dims: Dims) -> Result<Vec<u8>, Error> {
        let strings = Strings {
            ids: &self.ids[..],
            dictionary: &self.dictionary[..],
            titles: &self.titles[..],
            thumbnails: &self.thumbnails[..],
        };
        let bytes = self.encode(columns);
        if bytes.len() > MAX_BLOCK_BYTES {
            return Err(Error::from(ErrorKind::BlockInvalid {
                what: "size in bytes",
                expected: format!("at most {MAX_BLOCK_BYTES}"),
                found: bytes.len().to_string(),
            }));
        }
        bounds(columns, strings, bundle_id, dims)?;
        distinct(&self.ids)?;
        Ok(bytes)
    }

    /// Fields in the order of their numbers, as prost writes them.
    fn encode(&self, columns: &BlockMessage) -> Vec<u8> {
        let texts = [&self.ids, &self.dictionary, &self.titles, &self.thumbnails];
        let long: usize = texts.into_iter().flatten().map(|text| text.len() + 3).sum();
        // Numbers of a candidate: rarely more than this.
        let numbers = self.ids.len() * 64 + columns.tags.len() * 3;
        let mut out = Fields(Vec::with_capacity(
            long + numbers + columns.vectors.len() + columns.factors.len() + 1024,
        ));
        out.number(1, columns.version.into());
        out.text(2, &columns.bundle_id);
        out.number(3, columns.expires_at_ms.cast_unsigned());
        out.texts(4, &self.ids);
        out.number(5, columns.vector_dim.into());
        out.bytes(6, &columns.vectors);
        out.floats(7, &columns.vector_scales);
        out.number(8, columns.factor_dim.into());
        out.bytes(9, &columns.factors);
        out.floats(10, &columns.factor_scales);
        out.numbers(11, &columns.sources);
        out.floats(12, &columns.server_scores);
        out.floats(13, &columns.priors);
        out.floats(14, &columns.log_popularity);
        out.floats(15, &columns.length_seconds);
        out.instants(16, &columns.published_at_ms);
        out.numbers(17, &columns.languages);
        out.numbers(18, &columns.ratings);
        out.numbers(19, &columns.channels);
        out.numbers(20, &columns.tag_counts);
        out.numbers(21, &columns.tags);
        out.texts(22, &self.dictionary);
        out.texts(23, &self.titles);
        out.texts(24, &self.thumbnails);
        out.floats(25, &columns.effects);
        out.texts(26, &columns.removed);
        out.text(27, &columns.arm);
        out.numbers(28, &columns.region_counts);
        out.numbers(29, &columns.regions);
        out.numbers(30, &columns.contents);
        out.0
    }
}

/// Fields one after the other. What has the value that a reader takes for a field that is not there is not written.
struct Fields(Vec<u8>);

impl Fields {
    fn begin(&mut self, tag: u32, length: usize) {
        encode_key(tag, WireType::LengthDelimited, &mut self.0);
        encode_varint(length as u64, &mut self.0);
    }

    fn number(&mut self, tag: u32, value: u64) {
        if value != 0 {
            encode_key(tag, WireType::Varint, &mut self.0);
            encode_varint(value, &mut self.0);
        }
    }

    fn bytes(&mut self, tag: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.begin(tag, bytes.len());
            self.0.extend_from_slice(bytes);
        }
    }

    fn text(&mut self, tag: u32, text: &str) {
        self.bytes(tag, text.as_bytes());
    }

    /// Each of them, empty ones too.
    fn texts(&mut self, tag: u32, texts: &[impl AsRef<str>]) {
        for text in texts {
            let bytes = text.as_ref().as_bytes();
            self.begin(tag, bytes.len());
            self.0.extend_from_slice(bytes);
        }
    }

    fn floats(&mut self, tag: u32, values: &[f32]) {
        if !values.is_empty() {
            self.begin(tag, 4 * values.len());
            for value in values {
                self.0.extend_from_slice(&value.to_le_bytes());
            }
        }
    }

    fn numbers(&mut self, tag: u32, values: &[u32]) {
        self.varints(tag, values.iter().map(|value| u64::from(*value)));
    }

    /// `sint64`: the sign is the lowest bit.
    fn instants(&mut self, tag: u32, values: &[i64]) {
        self.varints(
            tag,
            values
                .iter()
                .map(|value| ((value << 1) ^ (value >> 63)).cast_unsigned()),
        );
    }

    fn varints(&mut self, tag: u32, values: impl ExactSizeIterator<Item = u64> + Clone) {
        if values.len() > 0 {
            self.begin(tag, values.clone().map(encoded_len_varint).sum());
            for value in values {
                match value {
                    // Most numbers of a block: one byte, and no loop.
                    0..128 => self.0.push(value as u8),
                    _ => encode_varint(value, &mut self.0),
                }
            }
        }
    }
}
