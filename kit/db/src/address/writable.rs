//! Whether a server takes changes: the primary does, a standby does not.

use std::io;

use sqlx::{Executor, PgConnection, Postgres, Row as _};

/// Fails if the server is a standby, or read-only for another reason.
///
/// # Errors
/// [`sqlx::Error::Io`] of kind `ReadOnlyFilesystem` if it is; otherwise the statement's own.
pub async fn require_writable<'c>(connection: impl Executor<'c, Database = Postgres>) -> Result<(), sqlx::Error> {
    run_and_require_writable(connection, "show transaction_read_only").await
}

/// Rolls back, and fails if the server is read-only.
pub(crate) async fn roll_back_and_require_writable(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    run_and_require_writable(connection, "rollback; show transaction_read_only").await
}

/// By the simple protocol: one round trip, and nothing is prepared.
async fn run_and_require_writable<'c>(
    connection: impl Executor<'c, Database = Postgres>,
    statements: &'static str,
) -> Result<(), sqlx::Error> {
    let row = connection.fetch_one(sqlx::raw_sql(statements)).await?;
    if row.try_get::<&str, _>(0)? == "on" { Err(read_only()) } else { Ok(()) }
}

fn read_only() -> sqlx::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "the database is read-only: a standby, or a former primary")
        .into()
}

/// Whether a statement has failed since the server is read-only.
pub(crate) fn is_rejected_as_read_only(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "25006")
}

/// Whether the error is that of [`require_writable`].
#[must_use]
pub fn is_read_only(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem)
}
