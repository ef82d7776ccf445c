//! What the kit has to know of a row.

use std::hash::Hash;

use sqlx::{FromRow, postgres::PgRow};
use uuid::Uuid;

use crate::cursor::Cursor;

/// What names a row.
pub trait RowId: Copy + Eq + Hash + Into<Uuid> + Send + Sync + 'static {}

impl<I> RowId for I where I: Copy + Eq + Hash + Into<Uuid> + Send + Sync + 'static {}

/// A row that is listed by `(time, id)`.
pub trait Paginated: for<'r> FromRow<'r, PgRow> + Clone + Send + Sync + Unpin + 'static {
    /// The name of its type; cursors contain it.
    const TYPE_NAME: &'static str;
    /// The table.
    const TABLE: &'static str;
    /// The columns that the row type reads.
    const COLUMNS: &'static str;
    /// The column that says when a row came into being.
    const TIME: &'static str;

    /// Where this row stands.
    fn cursor(&self) -> Cursor;
}
