//! Compact programs: the default engine of the device.

pub mod format;
