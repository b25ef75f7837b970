//! Bytes of a bundle's file: mapped into memory where it is large, else read.
//!
//! A mapped file takes no memory of the process: its pages are the system's cache of the file, shared by all servers on the
//! machine, and given back when memory is short. This is the one place outside of the SIMD kernels that needs `unsafe`
//! (docs/adr/0011-mapped-bundles.md).

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Deref;
use std::path::Path;

use memmap2::{Advice, Mmap};

/// Files of this many bytes and more are mapped: below, a copy costs less than it is worth.
pub const MAP_FROM: u64 = 16 << 20;

/// The bytes of a file that nobody changes while they are in use.
#[derive(Debug)]
pub struct FileBytes(Held);

#[derive(Debug)]
enum Held {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl FileBytes {
    /// Maps a file of `map_from` bytes and more, reads a smaller one, and one that the system does not map.
    ///
    /// What is mapped has to stay as it is. To remove the file or to put another in its place by a rename is harmless: the map
    /// keeps the old one. To write into it is not: another byte is read where it was written, and a file that was cut off ends
    /// the process with SIGBUS at the next look behind its end. Bundles are written once, under a name of their own.
    ///
    /// # Errors
    /// What the system says where the file cannot be opened or read.
    pub fn open(path: &Path, map_from: u64) -> io::Result<FileBytes> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.len() >= map_from.max(1) {
            match map(&file) {
                Ok(bytes) => return Ok(FileBytes(Held::Mapped(bytes))),
                Err(error) => tracing::debug!(%error, "a file is read, since it cannot be mapped"),
            }
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        (&file).read_to_end(&mut bytes)?;
        Ok(FileBytes(Held::Read(bytes)))
    }

    /// Whether the file is mapped.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        matches!(self.0, Held::Mapped(_))
    }

    /// Tells the system that rows will be looked at here and there: what lies round them is not worth reading.
    pub fn expect_looks_here_and_there(&self) {
        if let Held::Mapped(bytes) = &self.0 {
            // Advice and no more: without it the same bytes are read.
            let _ = bytes.advise(Advice::Random);
        }
    }
}

/// The file's bytes as pages of the system's cache.
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: a map is a slice, and a slice must not change while it is borrowed. The files of a bundle are written once, to a
    // directory under another name, and never again: `Draft::write` replaces them by rename and removes them by unlink, both of
    // which leave a map as it is. Whoever writes into a bundle that is served all the same gets other numbers, or SIGBUS where
    // the file became shorter: any bytes are valid levels and floats, nothing is indexed by them, and every length was checked
    // against the tensor's shape, so that no access leaves the map.
    #[allow(
        unsafe_code,
        reason = "a map of an immutable file; there is no safe function for one"
    )]
    unsafe {
        Mmap::map(file)
    }
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Mapped(bytes) => bytes,
            Held::Read(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for FileBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn large_files_are_mapped_and_small_ones_read_and_both_say_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        for (map_from, is_mapped) in [(0, true), (10, true), (11, false), (u64::MAX, false)] {
            let bytes = FileBytes::open(&path, map_from).unwrap();
            assert_eq!(
                (bytes.is_mapped(), &*bytes),
                (is_mapped, &b"0123456789"[..]),
                "{map_from}"
            );
            bytes.expect_looks_here_and_there();
        }
        std::fs::write(&path, b"").unwrap();
        assert!(FileBytes::open(&path, 0).unwrap().is_empty(), "nothing can't be mapped");
        assert!(FileBytes::open(&directory.path().join("other"), 0).is_err());
        assert!(FileBytes::open(directory.path(), 0).is_err());
    }

    /// What the trainer does to a bundle that a server has mapped: writes it again, or removes it.
    #[test]
    fn a_file_that_is_replaced_or_removed_stays_what_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let (path, next) = (directory.path().join("file"), directory.path().join("next"));
        std::fs::write(&path, vec![7; 100_000]).unwrap();
        let bytes = FileBytes::open(&path, 0).unwrap();
        std::fs::write(&next, b"shorter").unwrap();
        std::fs::rename(&next, &path).unwrap();
        assert!(bytes.len() == 100_000 && bytes.iter().all(|byte| *byte == 7));
        let after = FileBytes::open(&path, 0).unwrap();
        std::fs::remove_dir_all(directory.path()).unwrap();
        assert_eq!(&*after, b"shorter");
    }
}
