//! The manifest: what is in a bundle, and the checks that need nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{is_sha256_hex, sha256_hex};
use crate::Error;

/// Version of the layout.
pub const BUNDLE_VERSION: u32 = 1;

/// What a file of the bundle is for. Client roles are public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Feature spec, JSON.
    FeatureSpec,
    /// User tower, compact program.
    UserTower,
    /// User tower, ONNX.
    UserTowerOnnx,
    /// Ranker, compact program.
    Ranker,
    /// Ranker, ONNX.
    RankerOnnx,
    /// Gram matrix ΣvvT of the item factors, safetensors `gram` `[f, f]` f32.
    Gram,
    /// Item tower, ONNX (server half).
    ItemTowerOnnx,
    /// Item vectors, factors, scales: safetensors (server half).
    ItemTensors,
    /// User factors, safetensors (server half).
    UserTensors,
    /// Videos, Parquet, row `i` is row `i` of the item tensors (server half).
    Videos,
    /// Accounts, Parquet, row `i` is row `i` of the user tensors (server half).
    Accounts,
    /// Content shelves per language, JSON (server half).
    Shelves,
}

/// One file of the bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// What it is for.
    pub role: Role,
    /// Path below the bundle's directory, with forward slashes.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, 64 hex digits.
    pub sha256: String,
}

/// A stretch of time, Unix milliseconds, end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First instant.
    pub from_ms: i64,
    /// First instant after it.
    pub until_ms: i64,
}

/// The manifest. Its bytes' SHA-256 is the bundle id, so it does not hold the id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`BUNDLE_VERSION`].
    pub version: u32,
    /// Name of the data set it was trained on.
    pub dataset: String,
    /// SHA-256 of the feature spec's bytes.
    pub spec_sha256: String,
    /// Width of user and item vectors.
    pub vector_dim: u32,
    /// Width of collaborative factors.
    pub factor_dim: u32,
    /// What the towers were trained for: `sampled-softmax` or `bce`.
    pub objective: String,
    /// Events that the factors saw.
    pub factor_window: Window,
    /// Events that towers and ranker saw.
    pub train_window: Window,
    /// True: a graph has an op outside the compact set, load `upnext/onnx`.
    pub needs_onnx: bool,
    /// Figures of the training run, by name.
    pub metrics: BTreeMap<String, f64>,
    /// Every file, by role.
    pub files: Vec<FileEntry>,
}

/// Largest manifest in bytes.
const MAX_MANIFEST_BYTES: usize = 1 << 20;
/// Widest vector or factor.
const MAX_DIM: u32 = 1024;

impl Role {
    /// True for the public half, which a server may hand out.
    #[must_use]
    pub const fn is_client(self) -> bool {
        match self {
            Role::FeatureSpec
            | Role::UserTower
            | Role::UserTowerOnnx
            | Role::Ranker
            | Role::RankerOnnx
            | Role::Gram => true,
            Role::ItemTowerOnnx
            | Role::ItemTensors
            | Role::UserTensors
            | Role::Videos
            | Role::Accounts
            | Role::Shelves => false,
        }
    }
}

impl FileEntry {
    /// Checks bytes against the size and hash that the manifest names.
    ///
    /// # Errors
    /// [`Error::BundleCorrupt`].
    pub fn verify(&self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() as u64 != self.bytes {
            return Err(self.corrupt(format!("{} bytes", self.bytes), format!("{} bytes", bytes.len())));
        }
        let found = sha256_hex(bytes);
        if found != self.sha256 {
            return Err(self.corrupt(self.sha256.clone(), found));
        }
        Ok(())
    }

    fn corrupt(&self, expected: String, found: String) -> Error {
        Error::BundleCorrupt {
            file: self.path.clone(),
            expected,
            found,
        }
    }
}

impl Manifest {
    /// Reads the manifest of bundle `id`, whose bytes must hash to that id.
    ///
    /// # Errors
    /// [`Error::BundleCorrupt`] where they do not, [`Error::BundleVersion`] for another version,
    /// [`Error::BundleUnreadable`] for another shape, [`Error::BundleInconsistent`] for a value
    /// outside its range, a path that leaves its half of the bundle, or a role named twice.
    pub fn parse(bytes: &[u8], id: &str) -> Result<Manifest, Error> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(unreadable(format!(
                "{} bytes, at most {MAX_MANIFEST_BYTES}",
                bytes.len()
            )));
        }
        let found = sha256_hex(bytes);
        if found != id {
            return Err(Error::BundleCorrupt {
                file: "manifest.json".into(),
                expected: id.to_owned(),
                found,
            });
        }
        // The version first: a later one may have any other shape.
        let Version { version } = serde_json::from_slice(bytes).map_err(|e| unreadable(e.to_string()))?;
        if version != BUNDLE_VERSION {
            return Err(Error::BundleVersion {
                what: "manifest",
                found: version,
                expected: BUNDLE_VERSION,
            });
        }
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(|e| unreadable(e.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The manifest's bytes. Their SHA-256 is the bundle id.
    ///
    /// # Errors
    /// [`Error::BundleInconsistent`] for what [`Manifest::parse`] would refuse.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| unreadable(e.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The file of this role.
    ///
    /// # Errors
    /// [`Error::BundleIncomplete`] where the manifest names none.
    pub fn file(&self, role: Role) -> Result<&FileEntry, Error> {
        let found = self.files.iter().find(|f| f.role == role);
        found.ok_or_else(|| Error::BundleIncomplete {
            file: format!("a file of role {role:?}"),
        })
    }

    /// Files of the public half.
    pub fn client_files(&self) -> impl Iterator<Item = &FileEntry> {
        self.files.iter().filter(|f| f.role.is_client())
    }

    fn check(&self) -> Result<(), Error> {
        for (what, dim) in [("vector_dim", self.vector_dim), ("factor_dim", self.factor_dim)] {
            if !(1..=MAX_DIM).contains(&dim) {
                return Err(inconsistent(what, format!("1..={MAX_DIM}"), dim.to_string()));
            }
        }
        if let Some((name, value)) = self.metrics.iter().find(|(_, v)| !v.is_finite()) {
            return Err(inconsistent(
                &format!("metric {name}"),
                "finite".into(),
                value.to_string(),
            ));
        }
        let digests = self.files.iter().map(|f| &f.sha256).chain([&self.spec_sha256]);
        for digest in digests {
            if !is_sha256_hex(digest) {
                return Err(inconsistent(
                    "a SHA-256",
                    "64 lower-case hex digits".into(),
                    digest.clone(),
                ));
            }
        }
        for (index, file) in self.files.iter().enumerate() {
            let half = if file.role.is_client() { "client/" } else { "server/" };
            if !is_plain_path(&file.path, half) {
                return Err(inconsistent(
                    "a path",
                    format!("a file below {half}"),
                    file.path.clone(),
                ));
            }
            if let Some(other) = self.files[..index]
                .iter()
                .find(|f| f.role == file.role || f.path == file.path)
            {
                let what = format!("the file of role {:?}", file.role);
                return Err(inconsistent(
                    &what,
                    "named once".into(),
                    format!("{} and {}", other.path, file.path),
                ));
            }
        }
        if let Ok(spec) = self.file(Role::FeatureSpec)
            && spec.sha256 != self.spec_sha256
        {
            return Err(inconsistent(
                "spec_sha256",
                spec.sha256.clone(),
                self.spec_sha256.clone(),
            ));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Below `half`, of segments that no file system and no URL reads as anything but a name.
fn is_plain_path(path: &str, half: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let Some(rest) = path.strip_prefix(half) else {
        return false;
    };
    path.len() <= 256
        && rest
            .split('/')
            .all(|s| !s.is_empty() && !s.starts_with('.') && s.bytes().all(plain))
}

fn unreadable(reason: String) -> Error {
    Error::BundleUnreadable {
        file: "manifest.json".into(),
        reason,
    }
}

fn inconsistent(what: &str, expected: String, found: String) -> Error {
    Error::BundleInconsistent {
        what: what.to_owned(),
        expected,
        found,
    }
}
