//! Reading and writing a manifest, and the checks that need nothing but it.

use super::{BUNDLE_VERSION, FileEntry, Manifest, OLDEST_BUNDLE_VERSION, Role, is_sha256_hex, sha256_hex};
use crate::tree::{FromTree as _, Tree, decimal};
use crate::{Error, ErrorKind};

/// Largest manifest in bytes.
const MAX_MANIFEST_BYTES: usize = 1 << 20;
/// Widest vector or factor.
const MAX_DIM: u32 = 1024;

impl FileEntry {
    /// Checks bytes against the size and hash that the manifest names.
    ///
    /// # Errors
    /// [`ErrorKind::BundleCorrupt`].
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
        Error::from(ErrorKind::BundleCorrupt {
            file: self.path.clone(),
            expected,
            found,
        })
    }
}

impl Manifest {
    /// Reads the manifest of bundle `id`, whose bytes must hash to that id.
    ///
    /// # Errors
    /// [`ErrorKind::BundleCorrupt`] where they do not, [`ErrorKind::BundleVersion`] for a version that is not read,
    /// [`ErrorKind::BundleUnreadable`] for another shape, [`ErrorKind::BundleInconsistent`] for a value
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
            return Err(Error::from(ErrorKind::BundleCorrupt {
                file: "manifest.json".into(),
                expected: id.to_owned(),
                found,
            }));
        }
        // The version first: a later one may have any other shape.
        let tree = Tree::parse(bytes).map_err(|e| unreadable(e.to_string()))?;
        let version = tree.version().map_err(|e| unreadable(e.to_string()))?;
        if !(OLDEST_BUNDLE_VERSION..=BUNDLE_VERSION).contains(&version) {
            return Err(Error::from(ErrorKind::BundleVersion {
                what: "manifest",
                found: version,
                expected: BUNDLE_VERSION,
            }));
        }
        let manifest = Manifest::from_tree(tree).map_err(|e| unreadable(e.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The manifest's bytes. Their SHA-256 is the bundle id.
    ///
    /// # Errors
    /// [`ErrorKind::BundleInconsistent`] for what [`Manifest::parse`] would refuse.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| unreadable(e.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The file of this role.
    ///
    /// # Errors
    /// [`ErrorKind::BundleIncomplete`] where the manifest names none.
    pub fn file(&self, role: Role) -> Result<&FileEntry, Error> {
        let found = self.files.iter().find(|f| f.role == role);
        found.ok_or_else(|| {
            Error::from(ErrorKind::BundleIncomplete {
                file: format!("a file of role {}", role.as_str()),
            })
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
        if let Err(error) = self.head_weights.shares(None) {
            return Err(inconsistent(
                "head_weights",
                "0..=1, not all 0".into(),
                error.to_string(),
            ));
        }
        if let Some((name, value)) = self.metrics.iter().find(|(_, value)| !value.is_finite()) {
            return Err(inconsistent(
                &format!("metric {name}"),
                "finite".into(),
                decimal::text(value as f32),
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
                let what = format!("the file of role {}", file.role.as_str());
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
    Error::from(ErrorKind::BundleUnreadable {
        file: "manifest.json".into(),
        reason,
    })
}

fn inconsistent(what: &str, expected: String, found: String) -> Error {
    Error::from(ErrorKind::BundleInconsistent {
        what: what.to_owned(),
        expected,
        found,
    })
}
