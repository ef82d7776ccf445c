//! Every SQL statement on the table `provider_events`.

use contracts::PaymentId;
use sqlx::{PgConnection, query};

/// Stores that an event about a locked payment is handled in this transaction. False if it was handled before.
pub async fn insert(
    transaction: &mut PgConnection,
    id: &str,
    kind: &str,
    payment: PaymentId,
) -> Result<bool, sqlx::Error> {
    let inserted = query!(
        "insert into provider_events (id, type, payment_id) values ($1, $2, $3) on conflict (id) do nothing",
        id,
        kind,
        payment.0,
    )
    .execute(transaction)
    .await?;
    Ok(inserted.rows_affected() > 0)
}
