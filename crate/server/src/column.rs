//! Columns of numbers that may lie in a mapped file: what a bundle's tensors are searched and served from, without a copy.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use bytemuck::{AnyBitPattern, try_cast_slice};

use crate::file_bytes::FileBytes;

/// A number of fixed width, little-endian in a file.
pub trait Value: AnyBitPattern {
    /// Reads numbers one by one; bytes that are no whole number are left.
    fn read(bytes: &[u8]) -> Vec<Self>;
}

impl Value for f32 {
    fn read(bytes: &[u8]) -> Vec<f32> {
        let (numbers, _) = bytes.as_chunks::<4>();
        numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
    }
}

impl Value for i8 {
    fn read(bytes: &[u8]) -> Vec<i8> {
        bytes.iter().map(|byte| byte.cast_signed()).collect()
    }
}

/// Numbers that do not change: a vector of their own, or a part of a file that many columns share.
///
/// ```
/// use upnext_server::column::Column;
///
/// let column = Column::from(vec![0.5_f32, 2.0]);
/// assert_eq!(column[1], 2.0);
/// ```
#[derive(Clone)]
pub struct Column<T> {
    held: Held<T>,
}

#[derive(Clone)]
enum Held<T> {
    Own(Arc<Vec<T>>),
    /// Bytes of the file; that they are whole numbers and lie where such numbers may lie was seen to.
    Part(Arc<FileBytes>, Range<usize>),
}

impl<T: Value> Column<T> {
    /// The numbers in these bytes of a file. They stay there where they can be used as they lie: on a little-endian machine, at
    /// an address that is a multiple of their width. Else they are copied. Bytes beyond the file's end are none.
    #[must_use]
    pub fn of_file(file: &Arc<FileBytes>, bytes: Range<usize>) -> Column<T> {
        let part = file.get(bytes.clone()).unwrap_or_default();
        let held = match try_cast_slice::<u8, T>(part) {
            Ok(_) if cfg!(target_endian = "little") && !part.is_empty() => Held::Part(Arc::clone(file), bytes),
            _ => Held::Own(Arc::new(T::read(part))),
        };
        Column { held }
    }
}

impl<T: Value> Deref for Column<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.held {
            Held::Own(values) => values,
            // Neither the file's address nor its length changes, so that this is as it was when the column was made.
            Held::Part(file, bytes) => try_cast_slice(&file[bytes.clone()]).unwrap_or_default(),
        }
    }
}

impl<T> From<Vec<T>> for Column<T> {
    fn from(values: Vec<T>) -> Column<T> {
        Column {
            held: Held::Own(Arc::new(values)),
        }
    }
}

impl<T: Value + PartialEq> PartialEq for Column<T> {
    fn eq(&self, other: &Column<T>) -> bool {
        **self == **other
    }
}

impl<T: Value> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.held {
            Held::Own(_) => "in memory",
            Held::Part(..) => "in a file",
        };
        write!(f, "{} numbers {place}", self.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn file(bytes: &[u8], map_from: u64) -> Arc<FileBytes> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Arc::new(FileBytes::open(file.path(), map_from).unwrap())
    }

    proptest! {
        /// At any offset, mapped or read, a column is the numbers that its bytes say.
        #[test]
        fn a_column_is_what_its_bytes_say(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            (start, numbers) in (0_usize..60, 0_usize..40),
            is_mapped: bool,
        ) {
            let file = file(&bytes, if is_mapped { 0 } else { u64::MAX });
            let part = start..start + 4 * numbers;
            let said = bytes.get(part.clone()).unwrap_or_default();
            let floats = Column::<f32>::of_file(&file, part.clone());
            let expected: Vec<u32> = said.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect();
            prop_assert_eq!(floats.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), expected);
            let levels = Column::<i8>::of_file(&file, part);
            prop_assert_eq!(&*levels, &said.iter().map(|byte| *byte as i8).collect::<Vec<_>>()[..]);
        }
    }

    #[test]
    fn numbers_stay_in_the_file_where_they_lie_well() {
        let file = file(&[0; 64], 0);
        let told = |bytes| format!("{:?}", Column::<f32>::of_file(&file, bytes));
        assert_eq!(told(8..40), "8 numbers in a file");
        assert_eq!(told(9..41), "8 numbers in memory");
        assert_eq!(told(8..8), "0 numbers in memory");
        assert_eq!(told(60..68), "0 numbers in memory");
        assert_eq!(
            format!("{:?}", Column::<i8>::of_file(&file, 9..41)),
            "32 numbers in a file"
        );
    }
}
