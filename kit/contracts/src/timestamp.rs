//! Points in time, as the graph answers them.

use std::{borrow::Cow, fmt};

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, Value, parser::types::Field, registry::Registry,
};
use chrono::{DateTime, SecondsFormat, Utc};

/// A point in time of a row: the scalar `DateTime`, which always has milliseconds and ends with `Z`. The microseconds
/// that a row may have are cut there, and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct Timestamp(pub DateTime<Utc>);

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl OutputType for Timestamp {
    fn type_name() -> Cow<'static, str> {
        <DateTime<Utc> as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <DateTime<Utc> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::String(self.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_always_has_milliseconds_and_no_more() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_769_860_800_000_000, "2026-01-31T12:00:00.000Z"),
            (1_769_860_800_500_000, "2026-01-31T12:00:00.500Z"),
            (1_769_860_800_999_999, "2026-01-31T12:00:00.999Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            let time = DateTime::from_timestamp_micros(micros).expect("a time");
            assert_eq!(Timestamp(time).to_string(), text);
        }
    }
}
