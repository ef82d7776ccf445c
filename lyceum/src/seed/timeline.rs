//! The time of the data set: one year that ends on a fixed day, so that the same seed number gives the same rows at any
//! time. Times are milliseconds since 1970.

use chrono::{DateTime, Utc};

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// 2026-01-01T00:00:00Z: the end of the data set's year, exclusively.
pub const END: i64 = 1_767_225_600 * SECOND;
/// 2025-01-01T00:00:00Z.
pub const START: i64 = END - 365 * DAY;

/// Converts a time for the database.
pub fn moment(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).expect("within one year of ours")
}
