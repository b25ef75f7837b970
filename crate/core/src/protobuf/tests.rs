#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::block::BlockMessage;
use crate::fixture;
use crate::program::format::ProgramMessage;

/// As the library reads it. Written again, so that NaN is equal to NaN.
fn agree<T: Message + prost::Message + Default>(bytes: &[u8]) -> Result<(), TestCaseError> {
    match (read::<T>(bytes), T::decode(bytes)) {
        (Ok(ours), Ok(library)) => prop_assert_eq!(ours.encode_to_vec(), library.encode_to_vec()),
        // The library skips groups in fields that it doesn't know.
        (Err(fault), Ok(_)) => prop_assert!(fault.contains("a kind that is not read"), "{}", fault),
        (Ok(_), Err(error)) => prop_assert!(false, "read, and the library says {error}"),
        (Err(_), Err(_)) => {}
    }
    Ok(())
}

/// Bytes that begin like fields of a message.
fn fields() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![0_u64..200, any::<u64>()];
    let field = (1_u32..28, 0_u8..6, number, prop::collection::vec(any::<u8>(), 0..9));
    prop::collection::vec(field, 0..6).prop_map(|fields| {
        let mut out = Vec::new();
        for (tag, kind, number, bytes) in fields {
            prost::encoding::encode_varint(u64::from(tag << 3 | u32::from(kind)), &mut out);
            match kind {
                0 => prost::encoding::encode_varint(number, &mut out),
                2 => {
                    prost::encoding::encode_varint(bytes.len() as u64, &mut out);
                    out.extend(bytes);
                }
                _ => out.extend(bytes.iter().chain(&[0; 8]).take(if kind == 1 { 8 } else { 4 })),
            }
        }
        out
    })
}

proptest! {
    #[test]
    fn whole_messages_are_read_as_the_library_reads_them(rows in 0_usize..20) {
        agree::<BlockMessage>(&fixture::message(rows).encode_to_vec())?;
        agree::<ProgramMessage>(&fixture::user_tower().encode_to_vec())?;
        agree::<ProgramMessage>(&fixture::ranker().encode_to_vec())?;
    }

    #[test]
    fn changed_and_cut_messages_too(rows in 0_usize..4, at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        for mut bytes in [fixture::message(rows).encode_to_vec(), fixture::ranker().encode_to_vec()] {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            agree::<BlockMessage>(&bytes)?;
            agree::<ProgramMessage>(&bytes)?;
            agree::<ProgramMessage>(&bytes[..cut.index(bytes.len())])?;
        }
    }

    #[test]
    fn any_fields_and_any_bytes_too(fields in fields(), bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        for bytes in [fields, bytes] {
            agree::<BlockMessage>(&bytes)?;
            agree::<ProgramMessage>(&bytes)?;
        }
    }
}

#[test]
fn a_fault_names_the_field() {
    let mut bytes = fixture::message(2).encode_to_vec();
    bytes.truncate(bytes.len() - 3);
    assert_eq!(
        read::<BlockMessage>(&bytes).unwrap_err(),
        "at or after field 23: the bytes end too early"
    );
    assert_eq!(
        read::<BlockMessage>(&[0x0A, 0]).unwrap_err(),
        "at or after field 1: a value of another type than the field's"
    );
}
