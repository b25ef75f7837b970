//! `rollback`: points `current.json` at another bundle of the root, after that has been verified byte by byte.

use std::path::Path;
use std::time::SystemTime;

use upnext_core::bundle::is_sha256_hex;
use upnext_core::{Error, ErrorKind};

use crate::catalogue::{Catalogue, current_id};
use crate::error::StartError;

/// Points at `to`; without it, at the bundle that was written last before the current one. Answers its id.
///
/// # Errors
/// [`StartError`]: there is no other bundle, or it does not verify. The pointer stays then.
pub fn rollback(root: &Path, to: Option<&str>) -> Result<String, StartError> {
    let id = match to {
        Some(id) if is_sha256_hex(id) => id.to_owned(),
        Some(_) => {
            return Err(StartError::ConfigInvalid {
                option: "--to",
                reason: "is not a bundle id of 64 lower-case hex digits".to_owned(),
            });
        }
        None => before(root, &current_id(root)?)?,
    };
    Catalogue::load_bundle(root, id.clone())?;
    let unwritable = |error: std::io::Error| StartError::FileUnreadable {
        path: root.join("current.json"),
        reason: format!("it cannot be written: {error}"),
    };
    // Renamed into its place: whoever reads it sees the one or the other.
    let part = root.join("current.json.part");
    std::fs::write(&part, format!("{{\"bundle\":\"{id}\"}}\n")).map_err(unwritable)?;
    std::fs::rename(&part, root.join("current.json")).map_err(unwritable)?;
    Ok(id)
}

/// The latest bundle that was written before the current one; where that was the first, the latest other one.
fn before(root: &Path, current: &str) -> Result<String, StartError> {
    let unreadable = |error: std::io::Error| StartError::FileUnreadable {
        path: root.to_owned(),
        reason: error.to_string(),
    };
    let written = |id: &str| -> Option<SystemTime> {
        let manifest = std::fs::metadata(root.join(id).join("manifest.json")).ok()?;
        manifest.modified().ok()
    };
    let now = written(current);
    let mut others: Vec<(bool, SystemTime, String)> = Vec::new();
    for entry in std::fs::read_dir(root).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let Some(id) = name.to_str().filter(|id| is_sha256_hex(id) && *id != current) else {
            continue;
        };
        if let Some(at) = written(id) {
            others.push((now.is_some_and(|now| at <= now), at, id.to_owned()));
        }
    }
    let last = others.into_iter().max();
    last.map(|(_, _, id)| id).ok_or_else(|| {
        Error::from(ErrorKind::BundleIncomplete {
            file: "another bundle beside the current one".to_owned(),
        })
        .into()
    })
}
