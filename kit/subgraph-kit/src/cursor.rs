//! Opaque cursors: positions in a list.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// PostgreSQL's earliest timestamp, in 4714 BC, in seconds since 1970.
pub(crate) const EARLIEST_SECOND: i64 = -210_866_803_200;

/// The position of a row in its list: by time, and by id among equal times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// The row's creation time.
    pub time: DateTime<Utc>,
    /// The row's id.
    pub id: Uuid,
}

impl Cursor {
    /// Encodes the cursor as opaque text. It contains the type's name, so that another list's cursor is rejected.
    #[must_use]
    pub fn encode(self, type_name: &str) -> String {
        let mut bytes = type_name.as_bytes().to_vec();
        bytes.extend(self.time.timestamp_micros().to_be_bytes());
        bytes.extend(self.id.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn decode(type_name: &str, cursor: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (time, id) = bytes.strip_prefix(type_name.as_bytes())?.split_at_checked(8)?;
        let time = DateTime::from_timestamp_micros(i64::from_be_bytes(time.try_into().ok()?))?;
        (time.timestamp() >= EARLIEST_SECOND).then_some(Self { time, id: Uuid::from_slice(id).ok()? })
    }
}
