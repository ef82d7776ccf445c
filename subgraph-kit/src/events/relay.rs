//! Takes events from the outbox to where they are wanted: at least once, and in order for each thing
//! that they are about.

use crate::pool::DbPool;
use std::time::Duration;

use futures::{StreamExt as _, stream::FuturesUnordered};
use sqlx::{PgConnection, PgExecutor, query, query_as, query_scalar};
use tokio::time::{sleep, timeout};
use tracing::{debug, error};
use uuid::Uuid;

use super::{
    EventType,
    bus::{Bus, Delivery, DeliveryError},
    outbox::CHANNEL,
};
use crate::{
    database::{BACKGROUND_TIMEOUT, with_timeout},
    failpoint::fail_point,
    metrics,
};

/// So many at once; all of them about different things.
const BATCH: i64 = 32;

/// Longer, and it counts as undelivered. The connection that holds the batch waits as long.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Before a database that is unavailable is asked again.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// An event on its way.
#[derive(sqlx::FromRow)]
struct PendingEvent {
    position: i64,
    event_id: Uuid,
    r#type: String,
    event: String,
}

/// What a round did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There was nothing to do.
    Idle,
    /// Events were delivered, acted on, or set aside.
    Made,
    /// There is something to do when this is over.
    NotBefore(Duration),
    /// Whoever wants them is unavailable.
    Blocked,
}

/// Delivers what waits for `destination`. The rows stay locked meanwhile, by a connection that dies
/// with this process: so no other relay delivers them at the same time, and none is kept from it
/// when this one is gone.
pub async fn deliver_pending(db: &DbPool, bus: &Bus, destination: &str) -> Result<Progress, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let pending = claim(&mut transaction, destination).await?;
    if pending.is_empty() {
        return Ok(Progress::Idle);
    }
    let mut deliveries: FuturesUnordered<_> =
        pending.iter().map(async |event| (event, deliver(bus, destination, event).await)).collect();
    let (mut delivered, mut published) = (Vec::new(), Vec::new());
    // One event that nobody takes must not slow down those about other things.
    let mut progress = Progress::Blocked;
    while let Some((event, outcome)) = deliveries.next().await {
        match outcome {
            Ok(Delivery::Delivered) => {
                progress = Progress::Made;
                delivered.push(event.position);
            }
            Ok(Delivery::Published) => {
                progress = Progress::Made;
                published.push(event.position);
            }
            Err(DeliveryError::Rejected(reason)) => {
                progress = Progress::Made;
                dead_letter(&mut *transaction, destination, event.event_id, &reason).await?;
            }
            Err(DeliveryError::Unavailable(reason)) => {
                debug!(destination, event.id = %event.event_id, reason, "event not delivered yet, retrying");
                record_failure(&mut transaction, event, &reason).await?;
            }
        }
    }
    fail_point("relay.delivered");
    query("update outbox_events set delivered_at = now(), reason = null where position = any($1)")
        .bind(&delivered)
        .execute(&mut *transaction)
        .await?;
    mark_published(&mut transaction, &published).await?;
    transaction.commit().await?;
    fail_point("relay.committed");
    Ok(progress)
}

/// The first of each thing that events are about.
async fn claim(transaction: &mut PgConnection, destination: &str) -> Result<Vec<PendingEvent>, sqlx::Error> {
    query_as(
        "select position, event_id, type, event::text as event
         from outbox_events
         where destination = $1 and delivered_at is null and dead_lettered_at is null and next_attempt_at <= now()
           and not exists (
               select from outbox_events earlier
               where earlier.destination = outbox_events.destination and earlier.subject = outbox_events.subject
                 and earlier.position < outbox_events.position
                 and earlier.delivered_at is null and earlier.dead_lettered_at is null
           )
         order by position
         limit $2
         for update skip locked",
    )
    .bind(destination)
    .bind(BATCH)
    .fetch_all(transaction)
    .await
}

async fn deliver(bus: &Bus, destination: &str, event: &PendingEvent) -> Result<Delivery, DeliveryError> {
    let event_type =
        EventType::from_type(&event.r#type).ok_or_else(|| DeliveryError::Rejected("no known type".to_owned()))?;
    let delivery = bus.deliver(destination, event_type, event.event_id, event.event.as_bytes());
    let outcome = timeout(DELIVERY_TIMEOUT, delivery)
        .await
        .unwrap_or_else(|_| Err(DeliveryError::Unavailable("no answer in time".to_owned())));
    metrics::record_delivery(destination, event_type.name(), outcome_name(&outcome));
    outcome
}

fn outcome_name(outcome: &Result<Delivery, DeliveryError>) -> &'static str {
    match outcome {
        Ok(Delivery::Delivered) => "delivered",
        Ok(Delivery::Published) => "published",
        Err(DeliveryError::Rejected(_)) => "rejected",
        Err(DeliveryError::Unavailable(_)) => "unavailable",
    }
}

/// What went into a stream goes there again, at growing intervals of 5 s to about 5 min, until the service that it
/// is for says that it has it: a stream can be lost.
async fn mark_published(transaction: &mut PgConnection, published: &[i64]) -> Result<(), sqlx::Error> {
    query(
        "update outbox_events
         set publish_count = publish_count + 1, next_attempt_at = now() + interval '5 s' * power(2, least(publish_count, 6)),
             reason = 'published: ' || destination || ' has not acknowledged it yet'
         where position = any($1)",
    )
    .bind(published)
    .execute(transaction)
    .await?;
    Ok(())
}

/// Lets all that is on its way go again at once: it may be lost. Waits for the database if it is unavailable.
pub(super) async fn republish_unacked(db: &DbPool) {
    let statement = "with again as (
             update outbox_events set publish_count = 0, next_attempt_at = now()
             where delivered_at is null and dead_lettered_at is null and publish_count > 0
         )
         select pg_notify($1, '')";
    while let Err(error) = with_timeout(BACKGROUND_TIMEOUT, query(statement).bind(CHANNEL).execute(db)).await {
        debug!(error = %error, "unacknowledged events not republished yet, retrying");
        sleep(RETRY_DELAY).await;
    }
}

/// What the service that an event is for says of it: that it has it, or why it refuses it.
pub(super) async fn acknowledge(
    db: &DbPool,
    destination: &str,
    event: Uuid,
    rejected: Option<&str>,
) -> Result<(), sqlx::Error> {
    if let Some(reason) = rejected {
        dead_letter(db, destination, event, reason).await?;
    } else {
        query(
            "update outbox_events set delivered_at = now(), dead_lettered_at = null, reason = null
             where event_id = $1 and destination = $2 and delivered_at is null",
        )
        .bind(event)
        .bind(destination)
        .execute(db)
        .await?;
    }
    fail_point("relay.acknowledged");
    // What comes after it about the same thing may go.
    query("select pg_notify($1, '')").bind(CHANNEL).execute(db).await?;
    Ok(())
}

async fn record_failure(transaction: &mut PgConnection, event: &PendingEvent, reason: &str) -> Result<(), sqlx::Error> {
    query("update outbox_events set attempts = attempts + 1, reason = $2 where position = $1")
        .bind(event.position)
        .bind(reason)
        .execute(transaction)
        .await?;
    Ok(())
}

async fn dead_letter(db: impl PgExecutor<'_>, destination: &str, event: Uuid, reason: &str) -> Result<(), sqlx::Error> {
    let r#type: Option<String> = query_scalar(
        "update outbox_events set dead_lettered_at = now(), attempts = attempts + 1, reason = $3
         where event_id = $1 and destination = $2 and delivered_at is null and dead_lettered_at is null
         returning type",
    )
    .bind(event)
    .bind(destination)
    .bind(reason)
    .fetch_optional(db)
    .await?;
    if let Some(r#type) = r#type {
        error!(
            destination, event.id = %event, event.r#type = r#type, reason,
            "event dead-lettered: `lyceum admin events` lists it and resends it"
        );
    }
    Ok(())
}
