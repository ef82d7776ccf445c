//! Every SQL statement on the table `provider_events`.

use contracts::PaymentId;
use sqlx::{PgConnection, query, query_scalar};

/// Whether an event was handled before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is handled in this transaction.
    New,
    /// It was handled before.
    Duplicate,
    /// Another event was handled under its id.
    Other,
}

/// Stores that an event about a locked payment is handled in this transaction.
pub async fn insert(
    transaction: &mut PgConnection,
    id: &str,
    kind: &str,
    payment: PaymentId,
) -> Result<Inserted, sqlx::Error> {
    let inserted = query!(
        "insert into provider_events (id, type, payment_id) values ($1, $2, $3) on conflict (id) do nothing",
        id,
        kind,
        payment.0,
    )
    .execute(&mut *transaction)
    .await?;
    if inserted.rows_affected() > 0 {
        return Ok(Inserted::New);
    }
    let is_same = query_scalar!(
        r#"
        select exists (select from provider_events where id = $1 and type = $2 and payment_id = $3) as "is_same!"
        "#,
        id,
        kind,
        payment.0,
    );
    Ok(if is_same.fetch_one(transaction).await? { Inserted::Duplicate } else { Inserted::Other })
}
