//! Results of training steps, kept by what they were made from.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use upnext_core::bundle::sha256_hex;

use crate::Error;

/// Compression of kept results: they are read once per start.
const LEVEL: i32 = 1;

/// A directory of results. A result is named by step and key; a file that cannot be read is made anew.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: Option<PathBuf>,
    inputs: String,
}

impl Cache {
    /// Keeps nothing.
    #[must_use]
    pub const fn none() -> Cache {
        Cache {
            dir: None,
            inputs: String::new(),
        }
    }

    /// Keeps results below `dir`, keyed by the contents of `files` and by this very program: another
    /// build is another way to compute.
    ///
    /// # Errors
    /// [`Error::File`] where a file cannot be read.
    pub fn new(dir: &Path, files: &[PathBuf]) -> Result<Cache, Error> {
        let mut hashes = Vec::new();
        let program = std::env::current_exe().map_err(Error::file(Path::new("this program")))?;
        for file in files.iter().chain([&program]) {
            hashes.push(sha256_hex(&fs::read(file).map_err(Error::file(file))?));
        }
        Ok(Cache {
            dir: Some(dir.to_path_buf()),
            inputs: hashes.join("\n"),
        })
    }

    /// Key of a step: 16 hex digits of the hash of inputs and configuration.
    #[must_use]
    pub fn key(&self, config: &impl Serialize) -> String {
        let config = serde_json::to_string(config).unwrap_or_default();
        let mut key = sha256_hex(format!("{}\n{config}", self.inputs).as_bytes());
        key.truncate(16);
        key
    }

    /// The kept result of a step, or what `make` makes, which is kept in its stead. Older results of
    /// the same step are removed.
    ///
    /// # Errors
    /// What `make` returns; [`Error::File`] where the result cannot be written.
    pub fn step<T: Serialize + DeserializeOwned>(
        &self,
        step: &str,
        config: &impl Serialize,
        make: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some(dir) = &self.dir else { return make() };
        let path = dir.join(format!("{step}-{}.json.zst", self.key(config)));
        if let Some(kept) = read(&path) {
            return Ok(kept);
        }
        let made = make()?;
        fs::create_dir_all(dir).map_err(Error::file(dir))?;
        self.forget(dir, step)?;
        let json = serde_json::to_vec(&made).map_err(Error::file(&path))?;
        let packed = zstd::encode_all(json.as_slice(), LEVEL).map_err(Error::file(&path))?;
        // Written beside and renamed: a run that is cut off leaves no half result.
        let beside = dir.join(format!("{step}.partial"));
        fs::write(&beside, packed).map_err(Error::file(&beside))?;
        fs::rename(&beside, &path).map_err(Error::file(&path))?;
        Ok(made)
    }

    fn forget(&self, dir: &Path, step: &str) -> Result<(), Error> {
        for entry in fs::read_dir(dir).map_err(Error::file(dir))?.flatten() {
            let name = entry.file_name();
            let rest = name
                .to_str()
                .and_then(|name| name.strip_prefix(step)?.strip_prefix('-'));
            // Of `towers-first-…` the step is not `towers`: a key has no dash in it.
            if rest.is_some_and(|rest| !rest.contains('-')) {
                fs::remove_file(entry.path()).map_err(Error::file(&entry.path()))?;
            }
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let packed = fs::read(path).ok()?;
    serde_json::from_slice(&zstd::decode_all(packed.as_slice()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn never() -> Result<Vec<f32>, Error> {
        unreachable!("it is kept")
    }

    #[test]
    fn a_result_is_made_once_per_input_and_configuration_and_bits_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (file, kept) = (dir.path().join("table"), dir.path().join("kept"));
        fs::write(&file, "a").unwrap();
        let open = || Cache::new(&kept, std::slice::from_ref(&file)).unwrap();
        let made = vec![0.1_f32, 1e-38, f32::MIN_POSITIVE, 16_777_217.0, -3.402_823_5e38];
        assert_eq!(open().step("x", &1, || Ok(made.clone())).unwrap(), made);
        assert_eq!(open().step("x-first", &1, || Ok(vec![1.0])).unwrap(), [1.0]);
        assert_eq!(open().step("x", &1, never).unwrap(), made);
        assert_eq!(open().step("x", &2, || Ok(vec![2.0])).unwrap(), [2.0]);
        fs::write(&file, "b").unwrap();
        assert_eq!(open().step("x", &2, || Ok(vec![3.0])).unwrap(), [3.0]);
        assert_eq!(fs::read_dir(&kept).unwrap().count(), 2);
    }

    #[test]
    fn a_kept_result_that_cannot_be_read_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path(), &[]).unwrap();
        cache.step("x", &1, || Ok(vec![1.0_f32])).unwrap();
        let path = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
        fs::write(&path, "half a fi").unwrap();
        assert_eq!(cache.step("x", &1, || Ok(vec![5.0_f32])).unwrap(), [5.0]);
        assert_eq!(cache.step("x", &1, never).unwrap(), [5.0]);
    }
}
