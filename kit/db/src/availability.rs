//! Handling of an unavailable database.

use std::{future::Future, io, time::Duration};

use tokio::time::timeout;

/// The timeout of statements that no request waits for.
pub const BACKGROUND_TIMEOUT: Duration = Duration::from_mins(1);

/// Runs a statement with a timeout on the client, in case the server hangs.
///
/// # Errors
/// [`sqlx::Error::Io`] if the timeout is exceeded; otherwise the statement's own.
pub fn with_timeout<T>(
    limit: Duration,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> impl Future<Output = Result<T, sqlx::Error>> {
    // Futures of statements are large.
    let statement = Box::pin(statement);
    async move { timeout(limit, statement).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into())) }
}

/// Whether the database is unavailable or overloaded, so that a retry can succeed.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_outage(&code)),
        // sqlx takes a connection that is closed before the answer for one that answers with a zero. No issue is known;
        // `partial_failures` in lyceum's tests needs this.
        sqlx::Error::Protocol(message) => message.starts_with("unexpected response from SSLRequest: 0x00"),
        _ => false,
    }
}

/// Whether the SQLSTATE is a lost connection, exhausted resources (such as a full disk), a shutdown or startup, a
/// timeout of a statement or transaction, a read-only server (a former primary), or a conflict that a repetition does
/// not have (a serialization failure or a deadlock).
fn is_outage(sqlstate: &str) -> bool {
    let is_of_class = ["08", "53", "57P"].iter().any(|class| sqlstate.starts_with(class));
    is_of_class || ["57014", "25P03", "25006", "40001", "40P01"].contains(&sqlstate)
}
