//! Videos that were taken down, carried into a block that does not know it yet.
//!
//! A block may be older than what is known: it came from a cache, or was kept for a start without a network. The later a
//! block was made the later it expires, so a video that a block names as removed is in no block that expires no later.

use prost::encoding::{WireType, encode_key, encode_varint};

use super::MAX_REMOVED;
use super::wire::{EXPIRES_AT_MS, REMOVED};
use crate::protobuf::{Raw, Source};

/// The bytes of a block with more removed ids: those of `known` that it lacks, where `known` are videos with the expiry
/// (Unix milliseconds) of the latest block that named them, and that expiry is not before this block's. The first
/// [`MAX_REMOVED`] in all.
///
/// `None` where nothing is to be added, and for bytes that are no message: [`Block::decode`](super::Block::decode) says what
/// is wrong with them. Nothing else is verified here, and nothing else changes.
///
/// ```
/// use prost::Message as _;
/// use upnext_core::block::{BlockMessage, with_removed};
/// let older = BlockMessage { expires_at_ms: 1000, removed: vec!["a".into()], ..BlockMessage::default() };
/// let bytes = with_removed(&older.encode_to_vec(), [("gone", 2000), ("back", 999)]);
/// let block = BlockMessage::decode(&bytes.unwrap_or_default()[..])?;
/// assert_eq!((block.removed, block.expires_at_ms), (vec!["a".to_owned(), "gone".to_owned()], 1000));
/// # Ok::<(), prost::DecodeError>(())
/// ```
#[must_use]
pub fn with_removed<'a>(block: &'a [u8], known: impl IntoIterator<Item = (&'a str, i64)>) -> Option<Vec<u8>> {
    let mut source = Source::new(block);
    let mut expires_at_ms = 0;
    let mut removed: Vec<&[u8]> = Vec::new();
    let mut out = Vec::with_capacity(block.len());
    loop {
        let before = source.rest();
        let Some((tag, value)) = source.field().ok()? else {
            break;
        };
        match (tag, value) {
            (REMOVED, Raw::Bytes(id)) => {
                removed.push(id);
                continue;
            }
            (EXPIRES_AT_MS, Raw::Varint(at_ms)) => expires_at_ms = at_ms.cast_signed(),
            _ => {}
        }
        out.extend_from_slice(&before[..before.len() - source.rest().len()]);
    }
    let own = removed.len();
    for (id, until_ms) in known {
        if removed.len() >= MAX_REMOVED {
            break;
        }
        // Ids out of order are refused when the block is decoded, wherever this one lands among them.
        if let (true, Err(place)) = (until_ms >= expires_at_ms, removed.binary_search(&id.as_bytes())) {
            removed.insert(place, id.as_bytes());
        }
    }
    if removed.len() == own {
        return None;
    }
    for id in removed {
        encode_key(REMOVED, WireType::LengthDelimited, &mut out);
        encode_varint(id.len() as u64, &mut out);
        out.extend_from_slice(id);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;
    use crate::block::{Block, BlockMessage};
    use crate::fixture::{ID, message, model};

    #[test]
    fn the_numbers_are_those_of_the_message() {
        let first_tag = |message: BlockMessage| {
            let bytes = message.encode_to_vec();
            Source::new(&bytes).field().unwrap().unwrap().0
        };
        let expires = BlockMessage {
            expires_at_ms: 7,
            ..BlockMessage::default()
        };
        let removed = BlockMessage {
            removed: vec!["x".into()],
            ..BlockMessage::default()
        };
        assert_eq!((first_tag(expires), first_tag(removed)), (EXPIRES_AT_MS, REMOVED));
    }

    proptest! {
        /// Against the message that the library reads, a set, and a message that it writes.
        #[test]
        fn what_is_known_is_among_the_removed_and_the_rest_is_as_it_was(
            own in prop::collection::btree_set("[a-z猫]{1,3}", 0..8),
            known in prop::collection::vec(("[a-z猫]{1,3}", -3_i64..4), 0..12),
            candidates in 0_usize..4,
            expires_at_ms in -2_i64..3,
        ) {
            let before = BlockMessage { removed: own.iter().cloned().collect(), expires_at_ms, ..message(candidates) };
            let bytes = before.encode_to_vec();
            let added: BTreeSet<String> = known.iter().filter(|(_, until)| *until >= expires_at_ms).map(|(id, _)| id.clone()).collect();
            let all: Vec<String> = own.union(&added).cloned().collect();
            let after = with_removed(&bytes, known.iter().map(|(id, until)| (id.as_str(), *until)));
            prop_assert_eq!(after.is_none(), all.len() == own.len());
            let after = after.unwrap_or(bytes);
            prop_assert!(Block::decode(&after, ID, model().dims()).is_ok());
            prop_assert_eq!(BlockMessage::decode(&after[..]).unwrap(), BlockMessage { removed: all, ..before });
        }

        #[test]
        fn bytes_of_any_kind_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = with_removed(&bytes, [("a", i64::MAX)]);
        }
    }

    #[test]
    fn a_message_that_is_cut_short_is_left_alone() {
        let bytes = message(2).encode_to_vec();
        assert_eq!(with_removed(&bytes[..bytes.len() - 1], [("a", i64::MAX)]), None);
    }

    #[test]
    fn there_are_never_more_removed_ids_than_a_block_may_have() {
        let ids: Vec<String> = (0..MAX_REMOVED + 5).map(|i| format!("r{i:06}")).collect();
        let known = ids.iter().map(|id| (id.as_str(), i64::MAX));
        let bytes = with_removed(&message(1).encode_to_vec(), known).unwrap();
        let block = Block::decode(&bytes, ID, model().dims()).unwrap();
        assert_eq!(block.removed(), &ids[..MAX_REMOVED]);
    }

    #[test]
    fn removed_ids_that_are_out_of_order_are_still_refused() {
        let twice = BlockMessage {
            removed: vec!["b".into(), "b".into()],
            ..message(1)
        };
        let bytes = with_removed(&twice.encode_to_vec(), [("a", i64::MAX)]).unwrap();
        assert!(Block::decode(&bytes, ID, model().dims()).is_err());
    }
}
