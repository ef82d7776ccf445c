//! Pagination arguments.

use crate::{Error, cursor::Position, order::Order, row::Paginated};

const DEFAULT_SIZE: u8 = 20;
const SIZE_RANGE: std::ops::RangeInclusive<i32> = 0..=100;

/// The end of the list from which a page is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    /// `first`: from the beginning, or from `after` on.
    Forward,
    /// `last`: from the end, or back from `before`.
    Backward,
}

/// The four arguments of a connection, unchecked.
#[derive(Clone, Debug, Default)]
pub struct ConnectionArgs {
    /// The number of rows from the start.
    pub first: Option<i32>,
    /// The cursor before the first row.
    pub after: Option<String>,
    /// The number of rows from the end.
    pub last: Option<i32>,
    /// The cursor after the last row.
    pub before: Option<String>,
}

/// The four arguments of a connection, checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PageArgs {
    /// The maximum number of rows.
    pub size: u8,
    /// The end from which they are counted.
    pub direction: Direction,
    /// Only rows after this cursor.
    pub after: Option<Position>,
    /// Only rows before this cursor.
    pub before: Option<Position>,
}

impl PageArgs {
    /// Checks the arguments of a list of `type_name` in this order.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the argument: both or neither direction, a count out of range, a malformed or foreign
    /// cursor.
    pub(crate) fn try_new(
        type_name: &str,
        order: Order,
        first: Option<i32>,
        after: Option<&str>,
        last: Option<i32>,
        before: Option<&str>,
    ) -> Result<Self, Error> {
        let (size, direction) = match (first, last) {
            (Some(_), Some(_)) => return Err(Error::invalid("last", "must not be combined with `first`")),
            (Some(first), None) => (size("first", first)?, Direction::Forward),
            (None, Some(last)) => (size("last", last)?, Direction::Backward),
            (None, None) => (DEFAULT_SIZE, Direction::Forward),
        };
        Ok(Self {
            size,
            direction,
            after: position(type_name, order, "after", after)?,
            before: position(type_name, order, "before", before)?,
        })
    }
}

impl PageArgs {
    /// Whether a cursor is of a row whose id does not contain its time.
    pub(crate) fn has_cursor_of_other_id(&self) -> bool {
        let is_other = |position: &Position| matches!(position, Position::Time(cursor) if !cursor.id_holds_time());
        self.after.iter().chain(&self.before).any(is_other)
    }
}

impl ConnectionArgs {
    /// Checks the arguments for a list of rows of type `T` in this order.
    pub(crate) fn check<T: Paginated>(&self, order: Order) -> Result<PageArgs, Error> {
        let Self { first, after, last, before } = self;
        PageArgs::try_new(T::TYPE_NAME, order, *first, after.as_deref(), *last, before.as_deref())
    }
}

fn size(argument: &'static str, size: i32) -> Result<u8, Error> {
    let size = SIZE_RANGE.contains(&size).then(|| u8::try_from(size).ok()).flatten();
    size.ok_or_else(|| Error::invalid(argument, format!("must be {} to {}", SIZE_RANGE.start(), SIZE_RANGE.end())))
}

fn position(
    type_name: &str,
    order: Order,
    argument: &'static str,
    cursor: Option<&str>,
) -> Result<Option<Position>, Error> {
    let Some(cursor) = cursor else { return Ok(None) };
    let decoded = Position::decode(type_name, order, cursor);
    decoded.map(Some).ok_or_else(|| Error::invalid(argument, "is not a cursor of this list"))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::{
        cursor::Cursor,
        order::{SortValue, ValueOrder, ValueType},
    };

    static BY_TITLE: ValueOrder =
        ValueOrder { name: "title", expression: "title", parameter: ("", ""), value_type: ValueType::Text };
    static BY_PRICE: ValueOrder =
        ValueOrder { name: "price", expression: "price", parameter: ("", ""), value_type: ValueType::Number };

    fn try_new(type_name: &str, first: Option<i32>, after: Option<&str>, last: Option<i32>) -> Result<PageArgs, Error> {
        PageArgs::try_new(type_name, Order::NewestFirst, first, after, last, None)
    }

    fn somewhere() -> Cursor {
        Cursor { time: DateTime::from_timestamp_micros(1_700_000_000_123_456).expect("a time"), id: Uuid::from_u128(7) }
    }

    fn field_of(result: Result<PageArgs, Error>) -> &'static str {
        match result {
            Err(Error::Invalid { field, .. }) => field,
            other => panic!("expected an invalid argument, got {other:?}"),
        }
    }

    #[test]
    fn a_cursor_leads_back_to_its_position() {
        let cursor = somewhere().encode("course");

        assert_eq!(Cursor::decode("course", &cursor), Some(somewhere()));
    }

    #[test]
    fn a_foreign_or_broken_cursor_is_rejected() {
        let foreign = somewhere().encode("payment");
        let long_ago = DateTime::from_timestamp_micros(-6_000_000_000_000_000_000).expect("a time");
        let long_ago = Cursor { time: long_ago, ..somewhere() }.encode("course");

        for cursor in [foreign.as_str(), &long_ago, "", "?", "Y291cnNl", &"A".repeat(10_000)] {
            assert_eq!(field_of(try_new("course", None, Some(cursor), None)), "after");
        }
    }

    #[test]
    fn sizes_out_of_range_are_rejected() {
        for size in [i32::MIN, -1, 101, i32::MAX] {
            assert_eq!(field_of(try_new("course", Some(size), None, None)), "first");
            assert_eq!(field_of(try_new("course", None, None, Some(size))), "last");
        }
        assert_eq!(field_of(try_new("course", Some(1), None, Some(1))), "last");
    }

    #[test]
    fn a_cursor_by_value_leads_back_to_its_position_in_its_own_order_alone() {
        let id = Uuid::from_u128(7);
        let values = [
            (&BY_TITLE, SortValue::Text(String::new())),
            (&BY_TITLE, SortValue::Text("Ünïcode 🦀".to_owned())),
            (&BY_PRICE, SortValue::Number(-1)),
            (&BY_PRICE, SortValue::Number(i64::MAX)),
        ];
        for (by, value) in values {
            let position = Position::Value(by, value, id);
            let cursor = position.encode("course");

            for order in [Order::NewestFirst, Order::OldestFirst, Order::By(&BY_TITLE), Order::By(&BY_PRICE)] {
                let is_own = order == Order::By(by);
                assert_eq!(Position::decode("course", order, &cursor), is_own.then(|| position.clone()), "{order:?}");
            }
            assert_eq!(Position::decode("payment", Order::By(by), &cursor), None);
        }
        let nul = Position::Value(&BY_TITLE, SortValue::Text("\0".to_owned()), id).encode("course");
        let by_time = somewhere().encode("course");
        let of_length = |length| Position::Value(&BY_TITLE, SortValue::Text("x".repeat(length)), id).encode("course");
        assert!(Position::decode("course", Order::By(&BY_TITLE), &of_length(2_000)).is_some());
        for cursor in [nul.as_str(), &by_time, &of_length(2_001), "", "?", "dGl0bGUgY291cnNlIA"] {
            assert_eq!(Position::decode("course", Order::By(&BY_TITLE), cursor), None, "{cursor}");
        }
    }
}
