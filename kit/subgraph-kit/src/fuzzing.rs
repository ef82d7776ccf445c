//! Properties that hold for any input. `fuzz/` checks them with random bytes, the tests below with its corpus.

use uuid::Uuid;

use crate::{
    cursor::{Cursor, EARLIEST_SECOND, Position},
    order::Order,
    page::PageArgs,
};

/// Every subgraph's [`Paginated::TYPE_NAME`](crate::row::Paginated::TYPE_NAME), which this crate does not know. The
/// first byte of an input is an index into it.
const TYPE_NAMES: [&str; 5] = ["course", "enrollment", "notification", "payment", "user"];

/// Checks a type name's index and a cursor: an accepted cursor is the encoding of its position, and valid only for this
/// type.
pub fn cursor(data: &[u8]) {
    let Some((type_name, cursor)) = data.split_first() else { return };
    let Ok(cursor) = str::from_utf8(cursor) else { return };
    let type_name = TYPE_NAMES[usize::from(*type_name) % TYPE_NAMES.len()];
    let accepted = |type_name| {
        let args = PageArgs::try_new(type_name, Order::NewestFirst, None, Some(cursor), None, None);
        args.ok().and_then(|args| args.after)
    };
    if let Some(position) = accepted(type_name) {
        assert!(matches!(position, Position::Time(_)));
        assert_eq!(position.encode(type_name), cursor);
        assert_eq!(TYPE_NAMES.into_iter().filter(|type_name| accepted(type_name).is_some()).count(), 1);
    }
    let mut bytes = [0; 24];
    let length = cursor.len().min(bytes.len());
    bytes[..length].copy_from_slice(&cursor.as_bytes()[..length]);
    let [micros, id] = [&bytes[..8], &bytes[8..]];
    let micros = i64::from_be_bytes(micros.try_into().expect("8 bytes"));
    if let Some(time) = chrono::DateTime::from_timestamp_micros(micros) {
        let position = Cursor { time, id: Uuid::from_slice(id).expect("16 bytes") };
        let again = Cursor::decode(type_name, &position.encode(type_name));
        assert!(again.is_none_or(|again| again == position));
        assert_eq!(again.is_some(), time.timestamp() >= EARLIEST_SECOND);
    }
}

#[cfg(test)]
mod tests {
    use subgraph_testing::corpus::for_each_input;

    #[test]
    fn a_cursor_is_the_text_of_its_position() {
        for_each_input("cursor", super::cursor);
    }
}
