//! Writing a bundle so that nobody ever sees half of one.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use upnext_core::bundle::{BUNDLE_VERSION, FileEntry, Manifest, Pointer, Role, Window, is_sha256_hex, sha256_hex};
use upnext_core::head::HeadWeights;

use super::Bundle;
use crate::Error;

/// What the manifest says beside the files.
#[derive(Debug, Clone)]
pub struct Header {
    /// Name of the data set.
    pub dataset: String,
    /// Width of user and item vectors.
    pub vector_dim: u32,
    /// Width of collaborative factors.
    pub factor_dim: u32,
    /// `sampled-softmax` or `bce`.
    pub objective: String,
    /// How much the ranker's heads count in the order of a slate.
    pub head_weights: HeadWeights,
    /// Events that the factors saw.
    pub factor_window: Window,
    /// Events that towers and ranker saw.
    pub train_window: Window,
    /// Figures of the training run.
    pub metrics: BTreeMap<String, f64>,
}

impl Header {
    /// What the manifest of a bundle says.
    #[must_use]
    pub fn of(bundle: &Bundle) -> Header {
        let manifest = &bundle.manifest;
        Header {
            dataset: manifest.dataset.clone(),
            vector_dim: manifest.vector_dim,
            factor_dim: manifest.factor_dim,
            objective: manifest.objective.clone(),
            head_weights: manifest.head_weights,
            factor_window: manifest.factor_window,
            train_window: manifest.train_window,
            metrics: (manifest.metrics.iter())
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }
}

/// A bundle that is being put together in memory. One with a graph that has no program, because an op of it is outside
/// the compact set, tells devices so.
#[derive(Debug)]
pub struct Draft {
    header: Header,
    files: BTreeMap<Role, Vec<u8>>,
}

/// Stem and extension of a role's file name.
const fn name_of(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::FeatureSpec => ("feature-spec", "json"),
        Role::UserTower => ("user-tower", "program"),
        Role::UserTowerOnnx => ("user-tower", "onnx"),
        Role::Ranker => ("ranker", "program"),
        Role::RankerOnnx => ("ranker", "onnx"),
        Role::Gram => ("gram", "safetensors"),
        Role::Folding => ("folding", "bin"),
        Role::Alignment => ("alignment", "safetensors"),
        Role::ItemTowerOnnx => ("item-tower", "onnx"),
        Role::ItemTensors => ("item-tensors", "safetensors"),
        Role::UserTensors => ("user-tensors", "safetensors"),
        Role::Videos => ("videos", "parquet"),
        Role::Accounts => ("accounts", "parquet"),
        Role::Shelves => ("shelves", "json"),
    }
}

impl Draft {
    /// A draft without files.
    #[must_use]
    pub const fn new(header: Header) -> Self {
        Draft {
            header,
            files: BTreeMap::new(),
        }
    }

    /// Adds the file of a role; a second one of the same role replaces the first.
    pub fn file(&mut self, role: Role, bytes: Vec<u8>) {
        self.files.insert(role, bytes);
    }

    /// Writes the bundle below `root` and points `current.json` at it; returns its id.
    ///
    /// Files first, in a directory of another name, then a rename, then the pointer: at any moment
    /// `current.json` names a whole bundle. The bundle that was current stays, older ones go.
    /// Equal content has an equal id, so writing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::File`] where the disk refuses, `bundle-inconsistent` where the manifest is not valid.
    pub fn write(self, root: &Path) -> Result<String, Error> {
        let entries: Vec<(FileEntry, &Vec<u8>)> = self
            .files
            .iter()
            .map(|(role, bytes)| (entry(*role, bytes), bytes))
            .collect();
        let spec_sha256 = entries
            .iter()
            .find(|(e, _)| e.role == Role::FeatureSpec)
            .map(|(e, _)| e.sha256.clone());
        let lacks = |onnx, program| self.files.contains_key(&onnx) && !self.files.contains_key(&program);
        let needs_onnx = lacks(Role::UserTowerOnnx, Role::UserTower) || lacks(Role::RankerOnnx, Role::Ranker);
        let manifest = Manifest {
            version: BUNDLE_VERSION,
            dataset: self.header.dataset,
            spec_sha256: spec_sha256.unwrap_or_default(),
            vector_dim: self.header.vector_dim,
            factor_dim: self.header.factor_dim,
            objective: self.header.objective,
            head_weights: self.header.head_weights,
            factor_window: self.header.factor_window,
            train_window: self.header.train_window,
            needs_onnx,
            metrics: self.header.metrics.into(),
            files: entries.iter().map(|(e, _)| e.clone()).collect(),
        };
        let manifest = manifest.to_json()?;
        let id = sha256_hex(&manifest);

        let staging = root.join(format!(".writing-{id}"));
        if staging.exists() {
            fs::remove_dir_all(&staging).map_err(Error::file(&staging))?;
        }
        for (entry, bytes) in &entries {
            write_file(&staging.join(&entry.path), bytes)?;
        }
        write_file(&staging.join("manifest.json"), &manifest)?;
        let directory = root.join(&id);
        if directory.exists() {
            // Same id, same bytes, unless someone damaged them: the fresh ones win.
            fs::remove_dir_all(&directory).map_err(Error::file(&directory))?;
        }
        fs::rename(&staging, &directory).map_err(Error::file(&directory))?;
        let previous = point_at(root, &id)?;
        if let Some(previous) = previous.filter(|previous| *previous != id) {
            prune(root, &[&id, &previous])?;
        }
        Ok(id)
    }
}

fn entry(role: Role, bytes: &[u8]) -> FileEntry {
    let sha256 = sha256_hex(bytes);
    let half = if role.is_client() { "client" } else { "server" };
    let (stem, extension) = name_of(role);
    FileEntry {
        role,
        path: format!("{half}/{stem}.{}.{extension}", &sha256[..8]),
        bytes: bytes.len() as u64,
        sha256,
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(Error::file(parent))?;
    }
    let write = || {
        let mut file = fs::File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(Error::file(path))
}

/// Replaces `current.json`; returns the id that it named before.
fn point_at(root: &Path, id: &str) -> Result<Option<String>, Error> {
    let pointer = root.join("current.json");
    let previous = fs::read(&pointer).ok().and_then(|bytes| Pointer::parse(&bytes).ok());
    let next = Pointer { bundle: id.to_owned() };
    let mut bytes = serde_json::to_vec(&next).map_err(Error::file(&pointer))?;
    bytes.push(b'\n');
    let fresh = root.join(".current.json");
    write_file(&fresh, &bytes)?;
    fs::rename(&fresh, &pointer).map_err(Error::file(&pointer))?;
    Ok(previous.map(|p| p.bundle))
}

/// Removes bundles other than those to keep; anything else in the directory is left alone.
fn prune(root: &Path, keep: &[&str]) -> Result<(), Error> {
    for child in fs::read_dir(root).map_err(Error::file(root))? {
        let path = child.map_err(Error::file(root))?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let id = name.strip_prefix(".writing-").unwrap_or(name);
        if is_sha256_hex(id) && !keep.contains(&name) {
            fs::remove_dir_all(&path).map_err(Error::file(&path))?;
        }
    }
    Ok(())
}
