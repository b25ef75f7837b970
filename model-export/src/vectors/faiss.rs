//! A FAISS index of type `IndexFlatIP`, as `faiss/impl/index_write.cpp` lays it out: the type, the header that every
//! index has, the rows. Little-endian without padding.

/// `IndexFlat` with the metric of inner products.
const TYPE: &[u8; 4] = b"IxFI";
/// What FAISS writes where it had fields once.
const UNUSED: i64 = 1 << 20;
/// `METRIC_INNER_PRODUCT`.
const METRIC: i32 = 0;

/// Bytes of an index over rows of width `dim`.
pub fn write(dim: usize, values: &[f32]) -> Vec<u8> {
    let rows = values.len().checked_div(dim).unwrap_or(0);
    let mut bytes = TYPE.to_vec();
    bytes.extend_from_slice(&(dim as i32).to_le_bytes());
    bytes.extend_from_slice(&(rows as i64).to_le_bytes());
    bytes.extend_from_slice(&UNUSED.to_le_bytes());
    bytes.extend_from_slice(&UNUSED.to_le_bytes());
    // It is trained.
    bytes.push(1);
    bytes.extend_from_slice(&METRIC.to_le_bytes());
    bytes.extend_from_slice(&(values.len() as u64).to_le_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}
