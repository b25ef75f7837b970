//! Reports of verbs as JSON.

use std::fs;
use std::path::Path;

use serde::Serialize;
use upnext_export::Error;

/// Writes `report` to `path`, indented, with an end of line.
///
/// # Errors
/// [`Error::File`] where it cannot be written.
pub fn save(path: &Path, report: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_string_pretty(report).map_err(Error::file(path))?;
    text.push('\n');
    fs::write(path, text).map_err(Error::file(path))
}
