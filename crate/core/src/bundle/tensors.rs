//! Safetensors, as much of the format as the device needs: f32 tensors of a small file.
//!
//! Eight bytes of header length, the header as JSON, then the data.

use crate::tree::{FromTree as _, Tree, record};
use crate::{Error, ErrorKind};

/// Largest header in bytes.
const MAX_HEADER_BYTES: usize = 1 << 16;

#[derive(Debug)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

record!(Entry {
    dtype,
    shape,
    data_offsets
});

/// A read safetensors file.
#[derive(Debug)]
pub struct Tensors<'a> {
    file: &'a str,
    entries: Vec<(String, Entry)>,
    notes: Vec<(String, Tree)>,
    data: &'a [u8],
}

impl<'a> Tensors<'a> {
    /// Reads the header; `file` names the file in errors.
    ///
    /// # Errors
    /// [`ErrorKind::BundleUnreadable`].
    pub fn parse(file: &'a str, bytes: &'a [u8]) -> Result<Tensors<'a>, Error> {
        let (length, rest) = bytes
            .split_first_chunk::<8>()
            .ok_or_else(|| unreadable(file, "shorter than its header".into()))?;
        let length = usize::try_from(u64::from_le_bytes(*length))
            .ok()
            .filter(|l| *l <= MAX_HEADER_BYTES);
        let (header, data) = length
            .and_then(|l| rest.split_at_checked(l))
            .ok_or_else(|| unreadable(file, "its header's length does not fit".into()))?;
        let Tree::Object(members) = Tree::parse(header).map_err(|e| unreadable(file, e.to_string()))? else {
            return Err(unreadable(file, "its header is no object".into()));
        };
        let (mut entries, mut notes) = (Vec::new(), Vec::new());
        for (name, value) in members {
            match (name.as_str(), value) {
                ("__metadata__", Tree::Object(members)) => notes = members,
                ("__metadata__", _) => {}
                (_, value) => {
                    let entry = Entry::from_tree(value).map_err(|e| unreadable(file, format!("{name}: {e}")))?;
                    entries.push((name, entry));
                }
            }
        }
        Ok(Tensors {
            file,
            entries,
            notes,
            data,
        })
    }

    /// A text of the file's `__metadata__`.
    #[must_use]
    pub fn note(&self, name: &str) -> Option<String> {
        let (_, value) = self.notes.iter().find(|(known, _)| known == name)?;
        match value {
            Tree::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The values of an f32 tensor of exactly this shape.
    ///
    /// # Errors
    /// [`ErrorKind::BundleIncomplete`] where it is not there, [`ErrorKind::BundleInconsistent`] for another
    /// type or shape, [`ErrorKind::BundleUnreadable`] for offsets outside the file,
    /// [`ErrorKind::NotFinite`] for NaN or infinity.
    pub fn f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let entry = self.entries.iter().find(|(known, _)| known == name);
        let (_, entry) = entry.ok_or_else(|| {
            Error::from(ErrorKind::BundleIncomplete {
                file: format!("{name} in {}", self.file),
            })
        })?;
        if entry.dtype != "F32" || entry.shape != shape {
            return Err(Error::from(ErrorKind::BundleInconsistent {
                what: format!("{name} in {}", self.file),
                expected: format!("F32 {}", product(shape)),
                found: format!("{} {}", entry.dtype, product(&entry.shape)),
            }));
        }
        let [from, to] = entry.data_offsets;
        let values = shape.iter().try_fold(4_usize, |product, d| product.checked_mul(*d));
        let data = self.data.get(from..to).filter(|d| Some(d.len()) == values);
        let data = data.ok_or_else(|| unreadable(self.file, format!("{name} lies at {from}..{to}")))?;
        let values: Vec<f32> = data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        match values.iter().position(|v| !v.is_finite()) {
            Some(index) => Err(Error::from(ErrorKind::NotFinite {
                what: "tensor of the bundle",
                index,
            })),
            None => Ok(values),
        }
    }
}

/// The bytes of a safetensors file with one f32 tensor.
#[must_use]
pub fn write_f32(name: &str, shape: &[usize], values: &[f32]) -> Vec<u8> {
    write(&[], &[(name, shape, values)])
}

/// The bytes of a safetensors file with f32 tensors (name, shape, values), and notes on it.
pub(super) fn write(notes: &[(&str, &str)], tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    if !notes.is_empty() {
        let notes = notes.iter().map(|(name, text)| ((*name).to_owned(), (*text).into()));
        header.insert(
            "__metadata__".to_owned(),
            notes.collect::<serde_json::Map<_, _>>().into(),
        );
    }
    let mut from = 0;
    for (name, shape, values) in tensors {
        let to = from + values.len() * 4;
        let entry = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [from, to] });
        header.insert((*name).to_owned(), entry);
        from = to;
    }
    let mut header = serde_json::Value::from(header).to_string();
    // Readers that map the file want the data aligned.
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    let values = tensors.iter().flat_map(|(.., values)| *values);
    bytes.extend(values.flat_map(|v| v.to_le_bytes()));
    bytes
}

/// A shape as it is read: `64 × 64`.
fn product(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

fn unreadable(file: &str, reason: String) -> Error {
    Error::from(ErrorKind::BundleUnreadable {
        file: file.to_owned(),
        reason,
    })
}
