//! `GET /bundle/…`: the public half of every bundle at the root, as the device fetches it.
//!
//! What can be asked for is a list made from the manifests at start. A request is looked up in that list and
//! never becomes a path, so there is nothing to traverse, and the server half cannot be reached.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use upnext_core::bundle::{Manifest, is_sha256_hex, sha256_hex};

use super::account::bearer_account;
use super::conditional::respond;
use crate::app::AppState;
use crate::catalogue::read;
use crate::error::{ApiError, StartError};

/// A file's name holds its hash and never changes: a year, and no question asked in between.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// The pointer may be kept, and must be asked about each time.
const REVALIDATE: &str = "no-cache";
/// An account's own, by nobody else.
const REVALIDATE_OWN: &str = "private, no-cache";

/// A file that may be handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PublicFile {
    location: PathBuf,
    bytes: u64,
    sha256: String,
}

/// Public files by `<id>/<path>`.
#[derive(Debug, Default)]
pub struct BundleFiles {
    files: BTreeMap<String, PublicFile>,
    ids: usize,
}

impl BundleFiles {
    /// Lists the manifests and client files of every bundle at the root: the current one, and older ones that
    /// clients may still hold. A directory that is no sound bundle is left out, with a warning, unless it is current.
    ///
    /// # Errors
    /// [`StartError`] when the root cannot be listed or the current bundle's manifest is not sound.
    pub fn scan(root: &Path, current: &str) -> Result<BundleFiles, StartError> {
        let unreadable = |error: std::io::Error| StartError::FileUnreadable {
            path: root.to_owned(),
            reason: error.to_string(),
        };
        let mut files = BundleFiles::default();
        for entry in std::fs::read_dir(root).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let Some(id) = name.to_str().filter(|id| is_sha256_hex(id)) else {
                continue;
            };
            match files.add(root, id) {
                Ok(()) => {}
                Err(error) if id == current => return Err(error),
                Err(error) => {
                    tracing::warn!(bundle = id, code = error.code().as_str(), %error, "older bundle left out")
                }
            }
        }
        Ok(files)
    }

    /// Whether a bundle of this id is handed out.
    #[must_use]
    pub fn holds(&self, id: &str) -> bool {
        self.files.contains_key(&format!("{id}/manifest.json"))
    }

    fn add(&mut self, root: &Path, id: &str) -> Result<(), StartError> {
        let directory = root.join(id);
        let location = directory.join("manifest.json");
        let bytes = read(&location, "manifest.json")?;
        let manifest = Manifest::parse(&bytes, id)?;
        self.ids += 1;
        let file = PublicFile {
            location,
            bytes: bytes.len() as u64,
            sha256: id.to_owned(),
        };
        self.files.insert(format!("{id}/manifest.json"), file);
        for entry in manifest.client_files() {
            let location = directory.join(&entry.path);
            let file = PublicFile {
                location,
                bytes: entry.bytes,
                sha256: entry.sha256.clone(),
            };
            self.files.insert(format!("{id}/{}", entry.path), file);
        }
        Ok(())
    }

    /// Number of bundles that are handed out.
    #[must_use]
    pub fn bundles(&self) -> usize {
        self.ids
    }
}

/// Answers `/bundle/current.json`: the bundle that this process serves, whatever the file says by now; with the token of
/// an account whose arm of an experiment has a bundle of its own, that one.
///
/// # Errors
/// 401 for a bad token, while an experiment runs; without one nobody is asked who they are.
pub async fn current(State(state): State<Arc<AppState>>, headers: HeaderMap) -> Result<Response, ApiError> {
    let account = match state.settings.experiment {
        Some(_) => bearer_account(&state, &headers, state.now_ms())?,
        None => None,
    };
    let serving = state.serving();
    let bundle = serving.bundle_of(state.arm(account.as_deref()));
    let pointer = serde_json::json!({ "bundle": bundle }).to_string().into_bytes();
    let cache = if account.is_some() { REVALIDATE_OWN } else { REVALIDATE };
    let mut response = respond(&headers, &sha256_hex(&pointer), "application/json", cache, pointer);
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("authorization"));
    Ok(response)
}

/// Answers `/bundle/<id>/<path>`.
///
/// # Errors
/// 404 for what is not on the list, 500 when a listed file has gone or changed.
pub async fn file(
    State(state): State<Arc<AppState>>,
    UrlPath((id, path)): UrlPath<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let serving = state.serving();
    let file = serving
        .files
        .files
        .get(&format!("{id}/{path}"))
        .ok_or(ApiError::NotFound)?;
    let bytes = tokio::fs::read(&file.location)
        .await
        .ok()
        .filter(|bytes| bytes.len() as u64 == file.bytes);
    let Some(bytes) = bytes else {
        tracing::error!(bundle = id, file = path, "a file of the bundle has gone or changed");
        return Err(ApiError::Internal("bundle file"));
    };
    let kind = if path.ends_with(".json") {
        "application/json"
    } else {
        "application/octet-stream"
    };
    Ok(respond(&headers, &file.sha256, kind, IMMUTABLE, bytes))
}
