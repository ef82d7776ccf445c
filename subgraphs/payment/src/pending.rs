//! Metrics of purchases and refunds whose outcome is not known yet: how many there are, and the age of the oldest.

use std::time::Duration;

use db::{
    DbPool,
    availability::{BACKGROUND_TIMEOUT, with_timeout},
};
use sqlx::query_as;
use telemetry::metrics::{self, PendingPayments};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// Shorter than usual scrape intervals.
const INTERVAL: Duration = Duration::from_secs(10);

/// Purchases, or refunds.
struct Pending {
    pending: i64,
    oldest: Option<f64>,
}

/// Records the metrics until `stop` is cancelled.
pub async fn observe(db: DbPool, stop: CancellationToken) {
    while metrics::is_enabled() && !stop.is_cancelled() {
        match with_timeout(BACKGROUND_TIMEOUT, measure(&db)).await {
            Ok(measured) => measured.iter().for_each(metrics::record_pending_payments),
            Err(error) => debug!(error = %error, "pending payments not measured"),
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Counts pending purchases, and refunds that are requested. A refund that the provider has rejected is not pending.
///
/// # Errors
/// If the database is unavailable.
pub async fn measure(db: &DbPool) -> Result<[PendingPayments; 2], sqlx::Error> {
    let purchases = query_as!(
        Pending,
        r#"
        select count(*) as "pending!", abs(extract(epoch from now() - min(created_at)))::float8 as oldest
        from purchase_requests
        join payments on payments.id = payment_id
        where next_attempt_at is not null
        "#,
    );
    let refunds = query_as!(
        Pending,
        r#"
        select count(*) as "pending!", abs(extract(epoch from now() - min(requested_at)))::float8 as oldest
        from refund_requests
        where next_attempt_at is not null
        "#,
    );
    let (purchases, refunds) = (purchases.fetch_one(db).await?, refunds.fetch_one(db).await?);
    Ok([purchases.named("purchase"), refunds.named("refund")])
}

impl Pending {
    fn named(self, kind: &'static str) -> PendingPayments {
        let oldest = Duration::try_from_secs_f64(self.oldest.unwrap_or_default()).unwrap_or_default();
        PendingPayments { kind, pending: self.pending.unsigned_abs(), oldest }
    }
}
