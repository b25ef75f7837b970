//! The moment of a recommendation: instant, local time, device, surface. Never leaves the device.

use serde::Serialize;

use crate::tree::record;

/// Where and when the viewer asks. The clock is the host's; the core has none.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// Now, Unix milliseconds.
    pub now_ms: i64,
    /// Offset of the viewer's local time from UTC *at that instant*, minutes east (DST included).
    /// `None`: unknown, and then time of day and day of week are unknown too.
    pub utc_offset_minutes: Option<i32>,
    /// Kind of device, for example `phone`, `tablet`, `desktop`, `tv`.
    pub device: Option<String>,
    /// Where the slate is shown, for example `up-next`, `home`.
    pub surface: Option<String>,
    /// A what-if: this local time instead of the clock's. `now_ms` still dates the history,
    /// so a viewer can ask for Sunday evening without the past moving.
    pub local_time: Option<LocalTime>,
}

/// Hour and weekday on the viewer's clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LocalTime {
    /// Hours since local midnight, 0.0..24.0.
    pub hour: f32,
    /// Day of week, 0 = Monday … 6 = Sunday.
    pub weekday: u8,
}

record!(json Context {
    now_ms as "nowMs",
    utc_offset_minutes as "utcOffsetMinutes",
    device,
    surface,
    local_time as "localTime",
});
record!(json LocalTime { hour, weekday });

impl Context {
    /// Local hour and weekday; `None` where the offset is unknown or outside ±18 h,
    /// or the what-if is no time of a day.
    ///
    /// ```
    /// use upnext_core::Context;
    /// // 1970-01-01 was a Thursday; UTC+8 at midnight UTC is 08:00.
    /// let c = Context { now_ms: 0, utc_offset_minutes: Some(480), ..Context::default() };
    /// let t = c.local_time().unwrap();
    /// assert_eq!((t.hour, t.weekday), (8.0, 3));
    /// ```
    #[must_use]
    pub fn local_time(&self) -> Option<LocalTime> {
        const DAY_MS: i64 = 86_400_000;
        if let Some(asked) = self.local_time {
            return Some(asked).filter(|t| (0.0..24.0).contains(&t.hour) && t.weekday < 7);
        }
        let offset = self.utc_offset_minutes.filter(|m| m.abs() <= 18 * 60)?;
        let local = self.now_ms.checked_add(i64::from(offset) * 60_000)?;
        let of_day = local.rem_euclid(DAY_MS);
        let weekday = (local.div_euclid(DAY_MS) + 3).rem_euclid(7);
        // Both are small and exact in their types: below 86.4 million and below 7.
        Some(LocalTime {
            hour: (of_day as f64 / 3_600_000.0) as f32,
            weekday: weekday as u8,
        })
    }
}
