//! Traits of rows, for the kit's lists and loaders.

use std::hash::Hash;

use sqlx::{FromRow, postgres::PgRow};
use uuid::Uuid;

use crate::{
    cursor::Cursor,
    order::{SortValue, ValueOrder},
};

/// The id of a row.
pub trait RowId: Copy + Eq + Hash + Into<Uuid> + Send + Sync + 'static {}

impl<I> RowId for I where I: Copy + Eq + Hash + Into<Uuid> + Send + Sync + 'static {}

/// A row that is paginated, by `(time, id)` unless its list has another order.
pub trait Paginated: for<'r> FromRow<'r, PgRow> + Clone + Send + Sync + Unpin + 'static {
    /// The type's name, which cursors contain.
    const TYPE_NAME: &'static str;
    /// The table's name.
    const TABLE: &'static str;
    /// The columns that the row type reads.
    const COLUMNS: &'static str;
    /// The column of the row's creation time.
    const TIME_COLUMN: &'static str;

    /// The row's position in a list that is ordered by time.
    fn cursor(&self) -> Cursor;

    /// The row's value in an order by value; `None` if the type has no such order.
    fn sort_value(&self, _: &ValueOrder) -> Option<SortValue> {
        None
    }
}
