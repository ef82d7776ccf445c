//! The orders of a list.

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The newest first.
    NewestFirst,
    /// The oldest first.
    OldestFirst,
    /// By a value of the rows, the smallest first.
    By(&'static ValueOrder),
}

/// An ascending order by a value of the rows. Rows of equal values are ordered by their ids.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ValueOrder {
    /// The name of the order, which its cursors contain.
    pub name: &'static str,
    /// The SQL expression of a row's value.
    pub expression: &'static str,
    /// The SQL before and after a cursor's value, which make it comparable with the expression.
    pub parameter: (&'static str, &'static str),
    /// The type of the value.
    pub value_type: ValueType,
}

/// The type of a value that orders a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// [`SortValue::Text`].
    Text,
    /// [`SortValue::Number`].
    Number,
}

/// A row's value in an order by value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SortValue {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
}
