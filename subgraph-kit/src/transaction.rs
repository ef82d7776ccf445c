//! How a transaction begins.

use sqlx::{PgPool, Postgres, Transaction};

/// Begins a transaction, in place of `PgPool::begin`: with sqlx 0.9.0, who stops waiting for that (a client that
/// hangs up, a time-out) leaves a transaction open on a connection of the pool. What others write there next is
/// confirmed, and lost (transact-rs/sqlx#4393). So the beginning goes on to its end, whoever still waits for it.
///
/// # Errors
/// Those of the database.
pub async fn begin(db: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let connection = db.acquire().await?;
    let begun = tokio::spawn(Transaction::begin(connection, None));
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}
