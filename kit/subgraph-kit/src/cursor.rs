//! Opaque cursors: positions in a list.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    order::{Order, SortValue, ValueOrder, ValueType},
    text::has_no_nul,
};

/// The maximum length of a text in a cursor: 500 characters, the longest title.
const MAX_TEXT_BYTES: usize = 2_000;
/// PostgreSQL's earliest timestamp, in 4714 BC, in seconds since 1970.
pub(crate) const EARLIEST_SECOND: i64 = -210_866_803_200;

/// The position of a row in a list that is ordered by time: by time, and by id among equal times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// The row's creation time.
    pub time: DateTime<Utc>,
    /// The row's id.
    pub id: Uuid,
}

/// The position of a row in any list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Position {
    /// In a list that is ordered by time.
    Time(Cursor),
    /// In a list that is ordered by a value: the order, the value, and the row's id.
    Value(&'static ValueOrder, SortValue, Uuid),
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

    /// Whether the id is a `UUIDv7` of the row's time.
    pub(crate) fn id_holds_time(&self) -> bool {
        let milliseconds = i64::try_from(self.id.as_u128() >> 80).ok();
        let is_whole = self.time.timestamp_subsec_micros().is_multiple_of(1_000);
        self.id.get_version_num() == 7 && is_whole && milliseconds == Some(self.time.timestamp_millis())
    }
}

impl Position {
    /// Encodes the position as opaque text.
    pub(crate) fn encode(&self, type_name: &str) -> String {
        match self {
            Self::Time(cursor) => cursor.encode(type_name),
            Self::Value(order, value, id) => encode_value(order, type_name, value, *id),
        }
    }

    /// Decodes a position in a list of this order; `None` for a cursor of another list.
    pub(crate) fn decode(type_name: &str, order: Order, cursor: &str) -> Option<Self> {
        match order {
            Order::NewestFirst | Order::OldestFirst => Cursor::decode(type_name, cursor).map(Self::Time),
            Order::By(by) => decode_value(by, type_name, cursor),
        }
    }
}

fn encode_value(order: &ValueOrder, type_name: &str, value: &SortValue, id: Uuid) -> String {
    let value = match value {
        SortValue::Text(text) => text.as_bytes().to_vec(),
        SortValue::Number(number) => number.to_be_bytes().to_vec(),
    };
    let mut bytes = value_prefix(order, type_name);
    bytes.extend(id.as_bytes());
    // So that a cursor that was cut is none.
    bytes.extend(value.len().to_be_bytes());
    bytes.extend(value);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode_value(order: &'static ValueOrder, type_name: &str, cursor: &str) -> Option<Position> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let rest = bytes.strip_prefix(value_prefix(order, type_name).as_slice())?;
    let (id, rest) = rest.split_first_chunk()?;
    let (length, value) = rest.split_first_chunk()?;
    if value.len() > MAX_TEXT_BYTES || usize::from_be_bytes(*length) != value.len() {
        return None;
    }
    let value = match order.value_type {
        ValueType::Number => SortValue::Number(i64::from_be_bytes(value.try_into().ok()?)),
        ValueType::Text => SortValue::Text(String::from_utf8(value.to_vec()).ok().filter(|text| has_no_nul(text))?),
    };
    Some(Position::Value(order, value, Uuid::from_bytes(*id)))
}

/// Begins with the order's name, so that no cursor by time has it: those begin with the type's.
fn value_prefix(order: &ValueOrder, type_name: &str) -> Vec<u8> {
    format!("{} {type_name} ", order.name).into_bytes()
}
