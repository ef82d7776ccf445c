//! Traits of rows, for the kit's lists and loaders.

use std::hash::Hash;

use sqlx::{FromRow, postgres::PgRow};
use uuid::Uuid;

use crate::cursor::Cursor;

/// The id of a row.
pub trait RowId: Copy + Eq + Hash + Into<Uuid> + Send + Sync + 'static {}

impl<I> RowId for I where I: Copy + Eq + Hash + Into<Uuid> + Send + Sync + 'static {}

/// A row that is paginated by `(time, id)`.
pub trait Paginated: for<'r> FromRow<'r, PgRow> + Clone + Send + Sync + Unpin + 'static {
    /// The type's name, which cursors contain.
    const TYPE_NAME: &'static str;
    /// The table's name.
    const TABLE: &'static str;
    /// The columns that the row type reads.
    const COLUMNS: &'static str;
    /// The column of the row's creation time.
    const TIME_COLUMN: &'static str;

    /// The row's position in its list.
    fn cursor(&self) -> Cursor;
}
