//! What the viewer told the device about themselves. Never leaves it.

use serde::Serialize;

use crate::feature::on_globe;
use crate::tree::{FromTree as _, ToJson as _, Tree, record};
use crate::{Error, ErrorKind};

/// Longest text of a profile in bytes.
pub const MAX_PROFILE_TEXT: usize = 256;
/// Most blocked channels, most blocked tags, and most excluded languages.
pub const MAX_BLOCKED: usize = 10_000;

/// Demographics and wishes, all optional, all editable by the viewer.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
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
    /// BCP 47 tags of languages whose videos must not be shown; `zh` stands for `zh-Hant` too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_languages: Vec<String>,
    /// ISO 3166 code of the viewer's region: videos that may not be shown there are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

record!(json Profile {
    age,
    gender,
    latitude,
    longitude,
    username,
    language,
    time_zone as "timeZone",
    blocked_channels as "blockedChannels" = Vec::new(),
    blocked_tags as "blockedTags" = Vec::new(),
    excluded_languages as "excludedLanguages" = Vec::<String>::new() => silent,
    region = None::<String> => silent,
});

impl Profile {
    /// Reads a profile: one that was stored or imported, or what a page wants to set.
    ///
    /// # Errors
    /// [`ErrorKind::ProfileInvalid`] for anything that is no JSON object of these fields, and for a
    /// value outside its range.
    ///
    /// ```
    /// use upnext_core::Profile;
    /// assert_eq!(Profile::from_json(br#"{"age": 40}"#).unwrap().age, Some(40.0));
    /// assert!(Profile::from_json(br#"{"age": 400}"#).is_err());
    /// assert!(Profile::from_json(br#"{"agee": 40}"#).is_err());
    /// ```
    pub fn from_json(bytes: &[u8]) -> Result<Profile, Error> {
        let profile = Tree::parse(bytes)
            .and_then(Profile::from_tree)
            .map_err(|e| invalid(e.to_string()))?;
        profile.check()?;
        Ok(profile)
    }

    /// The profile as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.json()
    }

    fn check(&self) -> Result<(), Error> {
        if self.age.is_some_and(|age| !(0.0..=130.0).contains(&age)) {
            return Err(invalid("age is outside 0..=130".into()));
        }
        if !on_globe(self.latitude.unwrap_or(0.0), self.longitude.unwrap_or(0.0)) {
            return Err(invalid("latitude or longitude is outside its range".into()));
        }
        let texts = [
            &self.gender,
            &self.username,
            &self.language,
            &self.time_zone,
            &self.region,
        ];
        let lists = [&self.blocked_channels, &self.blocked_tags, &self.excluded_languages];
        if texts
            .into_iter()
            .flatten()
            .chain(lists.into_iter().flatten())
            .any(|text| text.len() > MAX_PROFILE_TEXT)
        {
            return Err(invalid(format!("a text is longer than {MAX_PROFILE_TEXT} bytes")));
        }
        if lists.iter().any(|list| list.len() > MAX_BLOCKED) {
            return Err(invalid(format!(
                "more than {MAX_BLOCKED} channels, tags or languages are blocked"
            )));
        }
        Ok(())
    }
}

fn invalid(reason: String) -> Error {
    Error::from(ErrorKind::ProfileInvalid {
        what: "profile",
        reason,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_written_profile_is_read_back() {
        let profile = Profile {
            age: Some(33.5),
            latitude: Some(-33.9),
            longitude: Some(151.2),
            language: Some("zh-Hant".into()),
            blocked_tags: vec!["ナルト \"".into()],
            excluded_languages: vec!["zh-Hant".into()],
            region: Some("TW".into()),
            ..Profile::default()
        };
        let json = profile.to_json();
        assert_eq!(Profile::from_json(json.as_bytes()), Ok(profile));
    }

    #[test]
    fn what_is_no_profile_is_refused_with_the_code() {
        let long = format!(r#"{{"gender": "{}"}}"#, "x".repeat(257));
        let cases = [
            "",
            "null",
            "[]",
            "7",
            r#"{"age": "old"}"#,
            r#"{"age": -1}"#,
            r#"{"latitude": 91}"#,
            r#"{"longitude": 1e39}"#,
            r#"{"blockedTags": "one"}"#,
            r#"{"shoeSize": 46}"#,
            &long,
        ];
        for case in cases {
            let error = Profile::from_json(case.as_bytes()).unwrap_err();
            assert_eq!(error.code(), crate::Code::ProfileInvalid, "{case}");
        }
    }
}
