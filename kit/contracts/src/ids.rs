//! The ids of entities. Each entity has an id type of its own, so that two arguments cannot be swapped; in GraphQL all
//! of them are `ID`.

use std::{borrow::Cow, fmt};

use async_graphql::{
    ContextSelectionSet, ID, InputType, InputValueError, InputValueResult, OutputType, Positioned, ServerResult, Value,
    parser::types::Field, registry::Registry,
};
use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

/// Generates a time-ordered id (`UUIDv7`), and returns its millisecond as the row's creation time: so ordering by
/// `(created_at, id)` and by `id` is the same.
///
/// # Panics
/// Never: such an id holds a time.
#[must_use]
pub fn new_id_and_time() -> (Uuid, DateTime<Utc>) {
    follow_clock(Uuid::now_v7(), Utc::now())
}

/// How far an id may be ahead of the clock: each is later than the one before.
const MAX_AHEAD: TimeDelta = TimeDelta::seconds(10);

/// The id, or another one if the clock was far ahead before, and is not any more.
fn follow_clock(id: Uuid, now: DateTime<Utc>) -> (Uuid, DateTime<Utc>) {
    let time = id.get_timestamp().and_then(|timestamp| creation_time(&timestamp));
    let time = time.expect("a version 7 id holds a time");
    if time - now > MAX_AHEAD { new_id_at(now) } else { (id, time) }
}

/// Generates an id and a creation time at a given millisecond, for a row that must be ordered after another one.
///
/// # Panics
/// Never: such an id holds a time.
#[must_use]
pub fn new_id_at(time: DateTime<Utc>) -> (Uuid, DateTime<Utc>) {
    let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, time.timestamp_subsec_nanos()));
    let time = id.get_timestamp().and_then(|timestamp| creation_time(&timestamp));
    (id, time.expect("a version 7 id holds a time"))
}

fn creation_time(timestamp: &Timestamp) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = timestamp.to_unix();
    Utc.timestamp_opt(i64::try_from(seconds).ok()?, nanoseconds).single()
}

macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Parses an entity's key from the router; `None` if it is not a UUID.
            #[must_use]
            pub fn from_key(key: &ID) -> Option<Self> {
                Uuid::try_parse(key).ok().map(Self)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl InputType for $name {
            type RawValueType = Self;

            fn type_name() -> Cow<'static, str> {
                <ID as InputType>::type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <ID as InputType>::create_type_info(registry)
            }

            fn parse(value: Option<Value>) -> InputValueResult<Self> {
                match value.unwrap_or_default() {
                    Value::String(text) => match Uuid::try_parse(&text) {
                        Ok(id) => Ok(Self(id)),
                        Err(_) => Err(InputValueError::custom("expected a UUID, such as 01940000-0000-7000-8000-000000000000")),
                    },
                    other => Err(InputValueError::expected_type(other)),
                }
            }

            fn to_value(&self) -> Value {
                Value::String(self.to_string())
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
        }

        impl OutputType for $name {
            fn type_name() -> Cow<'static, str> {
                <ID as OutputType>::type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <ID as OutputType>::create_type_info(registry)
            }

            async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
                Ok(Value::String(self.to_string()))
            }
        }
    )*};
}

id_types! {
    /// The id of a user, of the identity subgraph.
    UserId
    /// The id of an erasure, of the identity subgraph: unguessable, since whoever has it may follow the erasure.
    ErasureId
    /// The public id of a user's session, of the identity subgraph.
    SessionId
    /// The id of a course, of the course subgraph.
    CourseId
    /// The id of an enrollment, of the enrollment subgraph.
    EnrollmentId
    /// The id of a payment, of the payment subgraph.
    PaymentId
    /// The id of a notification, of the notification subgraph.
    NotificationId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_holds_its_own_creation_time() {
        let (id, time) = new_id_and_time();

        let bytes = id.as_bytes();
        let milliseconds = bytes[..6].iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));

        assert_eq!(time.timestamp_millis(), milliseconds);
        assert_eq!(time.timestamp_subsec_nanos() % 1_000_000, 0);
    }

    #[test]
    fn ids_follow_a_clock_that_is_set_back() {
        let milliseconds = |id: Uuid| id.get_timestamp().map(|timestamp| timestamp.to_unix().0);
        let now = Utc::now();
        let at = |time: DateTime<Utc>| new_id_at(time).0;

        for near in [now - TimeDelta::days(400), now, now + TimeDelta::seconds(9)] {
            assert_eq!(follow_clock(at(near), now).0.get_version_num(), 7);
            assert_eq!(milliseconds(follow_clock(at(near), now).0), milliseconds(at(near)), "it is kept");
        }
        let (id, time) = follow_clock(at(now + TimeDelta::days(400)), now);
        assert_eq!(milliseconds(id), milliseconds(at(now)));
        assert_eq!(time.timestamp_millis(), now.timestamp_millis());
    }

    #[test]
    fn a_key_that_is_no_uuid_names_nobody() {
        assert_eq!(UserId::from_key(&ID("bob".into())), None);
    }
}
