//! A database that does not answer.

use std::{future::Future, io, time::Duration};

use tokio::time::timeout;

/// Timeout of statements that no request waits for.
pub const BACKGROUND_TIMEOUT: Duration = Duration::from_mins(1);

/// Runs a statement with a timeout on the client: a server that hangs never answers.
///
/// # Errors
/// [`sqlx::Error::Io`] or `PoolTimedOut` if there is no answer within the timeout.
pub fn with_timeout<T>(
    limit: Duration,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> impl Future<Output = Result<T, sqlx::Error>> {
    // What asks a database is large.
    let statement = Box::pin(statement);
    async move { timeout(limit, statement).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into())) }
}

/// Whether the database is unavailable or overloaded, so that a retry can succeed.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_outage(&code)),
        _ => false,
    }
}

/// Connection lost, resources used up (a full disk among them), shutting down or starting up; a statement or a
/// transaction that took too long.
fn is_outage(sqlstate: &str) -> bool {
    ["08", "53", "57P"].iter().any(|class| sqlstate.starts_with(class)) || ["57014", "25P03"].contains(&sqlstate)
}
