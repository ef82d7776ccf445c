//! The backlog metrics: pending and dead-lettered events, and the age of the oldest.

use std::{convert::Infallible, time::Duration};

use db::{
    DbPool,
    availability::{BACKGROUND_TIMEOUT, with_timeout},
};
use sqlx::query_as;
use telemetry::metrics::{self, Backlog};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// The `destination` label of an inbox's metrics.
const INBOX: &str = "inbox";

/// Shorter than usual scrape intervals.
const INTERVAL: Duration = Duration::from_secs(10);

// An event of the future is late, too: the clock was set back.
const OUTBOX_PENDING: &str = "select count(*), max(abs(extract(epoch from now() - written_at)))::float8
     from outbox_events where destination = $1 and delivered_at is null and dead_lettered_at is null";
const OUTBOX_DEAD_LETTERED: &str = "select count(*) from outbox_events where delivered_at is null and dead_lettered_at is not null and destination = $1";

// Both mention `$1`, to take the same parameter as the outbox's.
const INBOX_PENDING: &str = "select count(*), max(abs(extract(epoch from now() - received_at)))::float8
     from inbox_events where processed_at is null and dead_lettered_at is null and $1::text is not null";
const INBOX_DEAD_LETTERED: &str = "select count(*) from inbox_events where processed_at is null and dead_lettered_at is not null and $1::text is not null";

/// Records the backlog until `stop` is cancelled.
pub(super) async fn observe(
    service: &'static str,
    destinations: &[&'static str],
    has_inbox: bool,
    db: &DbPool,
    stop: &CancellationToken,
) {
    if !metrics::is_enabled() {
        return;
    }
    let outboxes = destinations.iter().map(|destination| (*destination, OUTBOX_PENDING, OUTBOX_DEAD_LETTERED));
    let inbox = has_inbox.then_some((INBOX, INBOX_PENDING, INBOX_DEAD_LETTERED));
    let boxes: Vec<_> = outboxes.chain(inbox).collect();
    let observing = async {
        loop {
            for (destination, pending_sql, dead_lettered) in &boxes {
                match with_timeout(BACKGROUND_TIMEOUT, count(db, destination, pending_sql, dead_lettered)).await {
                    Ok((pending, oldest, dead_lettered)) => {
                        metrics::record_backlog(&Backlog { service, destination, pending, oldest, dead_lettered });
                    }
                    Err(error) => debug!(service, error = %error, "event backlog not measured"),
                }
            }
            sleep(INTERVAL).await;
        }
    };
    let _: Option<Infallible> = stop.run_until_cancelled(observing).await;
}

async fn count(
    db: &DbPool,
    destination: &str,
    pending_sql: &'static str,
    dead_lettered: &'static str,
) -> Result<(u64, Duration, u64), sqlx::Error> {
    let (pending, oldest): (i64, Option<f64>) = query_as(pending_sql).bind(destination).fetch_one(db).await?;
    let (dead_lettered,): (i64,) = query_as(dead_lettered).bind(destination).fetch_one(db).await?;
    let oldest = Duration::try_from_secs_f64(oldest.unwrap_or_default()).unwrap_or_default();
    Ok((pending.unsigned_abs(), oldest, dead_lettered.unsigned_abs()))
}
