//! Time zones: the offset of a user's clock at an instant.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Category;

/// Resolved zones of a users table, by category code, and the data set's default.
#[derive(Debug, Clone, Default)]
pub struct Zones {
    by_code: Vec<Option<TimeZone>>,
    default: Option<TimeZone>,
}

impl Zones {
    /// Looks each name up once; an unknown name is an unknown zone.
    #[must_use]
    pub fn resolve(names: &Category, default: Option<&str>) -> Zones {
        let find = |name: &str| TimeZone::get(name).ok();
        Zones {
            by_code: names.terms().iter().map(find).collect(),
            default: default.and_then(find),
        }
    }

    /// Minutes east of UTC at that instant, DST included, for a category code or [`super::NONE`].
    #[must_use]
    pub fn offset_minutes(&self, code: u32, at_ms: i64) -> Option<i32> {
        let own = self.by_code.get(code as usize).and_then(Option::as_ref);
        let zone = own.or(self.default.as_ref())?;
        let instant = Timestamp::from_millisecond(at_ms).ok()?;
        Some(zone.to_offset(instant).seconds().div_euclid(60))
    }
}

/// The instant as text in UTC, for messages.
#[must_use]
pub fn utc(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(|_| format!("{at_ms} ms"), |t| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::NONE;

    #[test]
    fn daylight_saving_is_that_of_the_instant() {
        let mut names = Category::default();
        names.push(Some("Europe/Berlin"));
        names.push(Some("Nowhere/Land"));
        let zones = Zones::resolve(&names, Some("Asia/Shanghai"));
        // 2022-01-01 and 2022-07-01, UTC
        assert_eq!(zones.offset_minutes(0, 1_640_995_200_000), Some(60));
        assert_eq!(zones.offset_minutes(0, 1_656_633_600_000), Some(120));
        assert_eq!(zones.offset_minutes(1, 0), Some(480));
        assert_eq!(zones.offset_minutes(NONE, 1_640_995_200_000), Some(480));
        assert_eq!(Zones::default().offset_minutes(NONE, 0), None);
    }
}
