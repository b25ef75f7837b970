//! What the viewer told the device about themselves. Never leaves it.

use serde::{Deserialize, Serialize};

/// Demographics and wishes, all optional, all editable by the viewer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Profile {
    /// Age in years, 0..=130.
    pub age: Option<f32>,
    /// Gender as the site's users table names it.
    pub gender: Option<String>,
    /// Degrees north, −90..=90.
    pub latitude: Option<f32>,
    /// Degrees east, −180..=180.
    pub longitude: Option<f32>,
    /// User name; read only if the spec turns that feature on.
    pub username: Option<String>,
    /// BCP 47 tag of the viewer's language.
    pub language: Option<String>,
    /// IANA time zone name, a category only; local time comes from the context's offset.
    pub time_zone: Option<String>,
    /// Channels that must not be shown.
    pub blocked_channels: Vec<String>,
    /// Tags that must not be shown.
    pub blocked_tags: Vec<String>,
}
