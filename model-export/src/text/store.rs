//! Vectors on disk, by content: a text that was encoded once by a model is not encoded by it again.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use upnext_core::bundle::sha256;

use crate::Error;

/// First bytes of a file; the last one is the format's version.
const MAGIC: &[u8; 8] = b"upnxtxt\x01";

/// Bytes of a text's hash that name it: two of a billion texts share 128 bits with a chance of 1e-21.
const KEY: usize = 16;

type Key = [u8; KEY];

/// The vectors of one model. On disk: a header, then hash and vector of one text after the other.
#[derive(Debug)]
pub struct VectorStore {
    path: PathBuf,
    /// Absent: nothing is written.
    file: Option<File>,
    dim: usize,
    rows: HashMap<Key, usize>,
    values: Vec<f32>,
}

impl VectorStore {
    /// Keeps vectors in memory alone.
    #[must_use]
    pub fn in_memory(dim: usize) -> VectorStore {
        VectorStore {
            path: PathBuf::new(),
            file: None,
            dim,
            rows: HashMap::new(),
            values: Vec::new(),
        }
    }

    /// Opens the vectors of the model with hash `model` in `directory`. A last record that was cut off is dropped; a
    /// file that is not such a store, or of another width, is begun anew.
    ///
    /// # Errors
    /// [`Error::File`], also where another run has it open.
    pub fn open(directory: &Path, model: &str, dim: usize) -> Result<VectorStore, Error> {
        fs::create_dir_all(directory).map_err(Error::file(directory))?;
        let path = directory.join(format!("{}.vectors", model.get(..16).unwrap_or(model)));
        let mut open = OpenOptions::new();
        open.read(true).append(true).create(true);
        let mut file = open.open(&path).map_err(Error::file(&path))?;
        file.try_lock()
            .map_err(|error| Error::file(&path)(format!("another run writes it ({error})")))?;
        let bytes = fs::read(&path).map_err(Error::file(&path))?;
        let mut store = VectorStore {
            path: path.clone(),
            ..VectorStore::in_memory(dim)
        };
        let header = [MAGIC.as_slice(), &(dim as u32).to_le_bytes()].concat();
        let record = KEY + 4 * dim;
        let whole = match bytes.strip_prefix(header.as_slice()) {
            Some(records) => {
                for record in records.chunks_exact(record) {
                    let (key, vector) = record.split_at(KEY);
                    let vector = vector.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
                    store.add(key.try_into().unwrap_or_default(), vector);
                }
                header.len() + records.len() / record * record
            }
            None => 0,
        };
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(Error::file(&path))?;
        }
        if whole == 0 {
            file.write_all(&header).map_err(Error::file(&path))?;
        }
        store.file = Some(file);
        Ok(store)
    }

    /// Number of texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True where there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// True where the text's vector is there.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.rows.contains_key(&key(text))
    }

    /// The text's vector.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<&[f32]> {
        let row = *self.rows.get(&key(text))?;
        self.values.get(row * self.dim..(row + 1) * self.dim)
    }

    /// Keeps vectors, each of the store's width.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn keep<'a>(&mut self, vectors: impl Iterator<Item = (&'a str, &'a [f32])>) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for (text, vector) in vectors {
            let key = key(text);
            bytes.extend(key);
            bytes.extend(vector.iter().flat_map(|v| v.to_le_bytes()));
            self.add(key, vector.iter().copied());
        }
        match &mut self.file {
            Some(file) => file.write_all(&bytes).map_err(Error::file(&self.path)),
            None => Ok(()),
        }
    }

    fn add(&mut self, key: Key, vector: impl Iterator<Item = f32>) {
        self.rows.insert(key, self.values.len() / self.dim.max(1));
        self.values.extend(vector);
    }
}

fn key(text: &str) -> Key {
    let hash = sha256(text.as_bytes());
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn keep(store: &mut VectorStore, texts: &[(&str, [f32; 2])]) {
        store.keep(texts.iter().map(|(text, v)| (*text, v.as_slice()))).unwrap();
    }

    #[test]
    fn a_record_that_was_cut_off_is_dropped_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = VectorStore::open(dir.path(), "model", 2).unwrap();
        keep(&mut store, &[("a", [1.0, -0.0]), ("b", [f32::MIN_POSITIVE, 3.0])]);
        drop(store);
        let path = dir.path().join("model.vectors");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let mut store = VectorStore::open(dir.path(), "model", 2).unwrap();
        assert_eq!(store.get("a"), Some([1.0, -0.0].as_slice()));
        assert!(!store.has("b") && store.len() == 1);
        keep(&mut store, &[("b", [4.0, 5.0])]);
        drop(store);
        let store = VectorStore::open(dir.path(), "model", 2).unwrap();
        assert_eq!(store.get("b"), Some([4.0, 5.0].as_slice()));
        assert_eq!(store.get("c"), None);
    }

    #[test]
    fn another_model_has_another_file_and_another_width_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        keep(
            &mut VectorStore::open(dir.path(), "one", 2).unwrap(),
            &[("a", [1.0, 2.0])],
        );
        assert!(VectorStore::open(dir.path(), "two", 2).unwrap().is_empty());
        assert!(VectorStore::open(dir.path(), "one", 3).unwrap().is_empty());
        fs::write(dir.path().join("one.vectors"), "something else").unwrap();
        assert!(VectorStore::open(dir.path(), "one", 2).unwrap().is_empty());
    }

    #[test]
    fn two_runs_do_not_write_one_store() {
        let dir = tempfile::tempdir().unwrap();
        let _first = VectorStore::open(dir.path(), "one", 2).unwrap();
        let second = VectorStore::open(dir.path(), "one", 2).unwrap_err();
        assert!(second.to_string().contains("another run"), "{second}");
    }
}
