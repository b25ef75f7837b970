//! Version 1.0 of NumPy's array format: magic, length of the header, a Python dictionary padded to 64 bytes, data.

/// Bytes of a `float32` array `[rows, dim]`.
pub fn write(dim: usize, values: &[f32]) -> Vec<u8> {
    let rows = values.len().checked_div(dim).unwrap_or(0);
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}");
    // Magic, version and length are ten bytes; the header ends with a line break.
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}
