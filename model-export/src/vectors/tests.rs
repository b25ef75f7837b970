#![allow(clippy::unwrap_used)]

use super::Rows;

fn rows() -> Rows {
    Rows {
        ids: vec!["a".to_owned(), "b".to_owned(), "c".to_owned()],
        dim: 2,
        values: vec![1.0, -2.5, 0.0, 3.0, f32::MIN_POSITIVE, 4.0],
    }
}

/// The data at the end of a file.
fn data(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect()
}

#[test]
fn an_array_is_as_numpy_writes_it() {
    let bytes = rows().to_npy();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    assert!((10 + header).is_multiple_of(64));
    let text = std::str::from_utf8(&bytes[10..10 + header]).unwrap();
    assert!(text.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }") && text.ends_with('\n'));
    assert_eq!(data(&bytes[10 + header..]), rows().values);
}

/// Bytes of `faiss.write_index(index)` of FAISS for these rows, where they are not the rows themselves; that FAISS reads
/// what is written here is tested by `npm run bench:ann`.
#[test]
fn an_index_is_as_faiss_writes_it() {
    let bytes = rows().to_faiss();
    let head = [
        b"IxFI".as_slice(),
        &[2, 0, 0, 0],
        &[3, 0, 0, 0, 0, 0, 0, 0],
        &[0, 0, 16, 0, 0, 0, 0, 0],
        &[0, 0, 16, 0, 0, 0, 0, 0],
        &[1],
        &[0, 0, 0, 0],
        &[6, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    assert_eq!(bytes[..head.len()], head);
    assert_eq!(data(&bytes[head.len()..]), rows().values);
}

#[test]
fn no_rows_are_a_file_too() {
    let none = Rows {
        ids: vec![],
        dim: 64,
        values: vec![],
    };
    assert!(String::from_utf8_lossy(&none.to_npy()).contains("(0, 64)"));
    assert_eq!(none.to_faiss().len(), 45);
}
