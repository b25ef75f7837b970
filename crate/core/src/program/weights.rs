//! Weights in f16 and int8: how they are narrowed, and widened again.

use super::format::TensorMessage;

/// How weights travel; on the device all are f32.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// As they are.
    F32,
    /// Half precision.
    F16,
    /// `value = level · scale`, with the scale of its row.
    Int8Rows(Vec<f32>),
    /// Likewise, with the scale of its column.
    Int8Columns(Vec<f32>),
}

impl Stored {
    /// The scale of value `at` in rows of `cols`.
    fn scale(&self, at: usize, cols: usize) -> f32 {
        let scale = match self {
            Stored::Int8Rows(scales) => scales.get(at / cols.max(1)),
            Stored::Int8Columns(scales) => scales.get(at % cols.max(1)),
            Stored::F32 | Stored::F16 => None,
        };
        scale.copied().unwrap_or(1.0)
    }

    /// The bytes of `values`, rows of `cols`. Of values that were read from bytes these are the same bytes.
    #[must_use]
    pub fn bytes(&self, values: &[f32], cols: usize) -> Vec<u8> {
        match self {
            Stored::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Stored::F16 => values.iter().flat_map(|v| to_half(*v).to_le_bytes()).collect(),
            Stored::Int8Rows(_) | Stored::Int8Columns(_) => values
                .iter()
                .enumerate()
                .map(|(at, value)| match self.scale(at, cols) {
                    0.0 => 0,
                    scale => (libm::roundf(value / scale).clamp(-127.0, 127.0) as i8).cast_unsigned(),
                })
                .collect(),
        }
    }

    /// What a message holds, widened.
    ///
    /// # Errors
    /// The reason where its bytes or scales do not fit its shape.
    pub fn read(message: &TensorMessage) -> Result<(Stored, Vec<f32>), &'static str> {
        let (rows, cols) = (message.rows as usize, message.cols as usize);
        let scales = || message.scales.clone();
        let (stored, size, expected) = match message.dtype {
            0 => (Stored::F32, 4, 0),
            1 => (Stored::F16, 2, 0),
            2 => (Stored::Int8Rows(scales()), 1, rows),
            3 => (Stored::Int8Columns(scales()), 1, cols),
            _ => return Err("an unknown dtype"),
        };
        let count = u64::from(message.rows) * u64::from(message.cols);
        if count == 0 || count.checked_mul(size) != Some(message.data.len() as u64) {
            return Err("bytes of another shape");
        }
        if message.scales.len() != expected {
            return Err("scales of another shape");
        }
        let data = &message.data;
        let values = match stored {
            Stored::F32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Stored::F16 => data
                .as_chunks()
                .0
                .iter()
                .map(|b| from_half(u16::from_le_bytes(*b)))
                .collect(),
            _ => data
                .iter()
                .enumerate()
                .map(|(at, level)| f32::from(level.cast_signed()) * stored.scale(at, cols))
                .collect(),
        };
        Ok((stored, values))
    }

    /// A message of `values`, rows of `cols`, stored so.
    #[must_use]
    pub fn message(&self, values: &[f32], cols: usize) -> TensorMessage {
        let (dtype, scales) = match self {
            Stored::F32 => (0, Vec::new()),
            Stored::F16 => (1, Vec::new()),
            Stored::Int8Rows(scales) => (2, scales.clone()),
            Stored::Int8Columns(scales) => (3, scales.clone()),
        };
        TensorMessage {
            rows: (values.len() / cols.max(1)) as u32,
            cols: cols as u32,
            dtype,
            data: self.bytes(values, cols),
            scales,
        }
    }
}

/// A half as f32: exact.
#[must_use]
pub fn from_half(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let rest = u32::from(half & 0x7fff) << 13;
    // The exponent's bias is 112 less. Multiplying by 2¹¹² also makes subnormals right; infinity and NaN stay so.
    let value = f32::from_bits(rest) * f32::from_bits(0x7780_0000);
    let value = if half & 0x7c00 == 0x7c00 {
        f32::from_bits(rest | 0x7f80_0000)
    } else {
        value
    };
    f32::from_bits(value.to_bits() | sign)
}

/// The nearest half, ties to even; what is beyond the largest becomes infinite.
#[must_use]
pub fn to_half(value: f32) -> u16 {
    let sign = (value.to_bits() >> 16) as u16 & 0x8000;
    let size = value.abs();
    let half = if size.is_nan() {
        0x7e00
    } else if size >= 65_520.0 {
        0x7c00
    } else if size < f32::from_bits(0x3880_0000) {
        // Below 2⁻¹⁴ a half has steps of 2⁻²⁴. Adding 1/2 rounds to them: the last bit of numbers from 1/2 on is 2⁻²⁴.
        ((size + 0.5).to_bits() - 0.5_f32.to_bits()) as u16
    } else {
        let bits = size.to_bits() - (112 << 23);
        // Half of the last step, less one where the last kept bit is even.
        ((bits + 0xfff + (bits >> 13 & 1)) >> 13) as u16
    };
    half | sign
}
