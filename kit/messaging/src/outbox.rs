//! The outbox: events, written in the transaction of the change. Holds all SQL statements on the outbox, except for
//! metrics and clean-up.

use std::time::Duration;

use contracts::events::{Event, EventPayload};
use db::{
    DbPool,
    availability::{BACKGROUND_TIMEOUT, with_timeout},
    fail_point,
};
use sqlx::{PgConnection, PgExecutor, query, query_as, query_scalar};
use telemetry::spans;
use tokio::time::sleep;
use tracing::{Instrument as _, debug, error};
use uuid::Uuid;

use crate::delivery::MAX_SCHEDULED_AHEAD;

/// The `NOTIFY` channel for events that are due for delivery.
pub const CHANNEL: &str = "outbox";

/// The delay before a retry when the database is unavailable.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// An outbox row to deliver.
#[derive(sqlx::FromRow)]
pub(super) struct PendingEvent {
    pub position: i64,
    pub event_id: Uuid,
    pub r#type: String,
    pub event: String,
}

/// Adds an event to the outbox, one row per consumer, in the caller's transaction.
///
/// # Panics
/// Never: an event has a JSON form.
pub async fn publish(transaction: &mut PgConnection, payload: EventPayload) -> Result<(), sqlx::Error> {
    let event_type = payload.event_type();
    let span = spans::producer_span(event_type.name());
    let mut event = Event::new(payload);
    event.traceparent = span.in_scope(spans::traceparent);
    query(
        "with added as (
             insert into outbox_events (event_id, destination, type, subject, event)
             select $1, unnest($2::text[]), $3, $4, $5::jsonb
         )
         select pg_notify($6, '')",
    )
    .bind(event.id)
    .bind(event_type.consumers())
    .bind(event_type.name())
    .bind(event.subject)
    .bind(serde_json::to_string(&event).expect("an event has a JSON form"))
    .bind(CHANNEL)
    .execute(transaction)
    .instrument(span)
    .await?;
    Ok(())
}

/// Claims the first pending event of each subject for `destination`, if it is due: up to `limit`, locked until the
/// transaction ends.
pub(super) async fn claim(
    transaction: &mut PgConnection,
    destination: &str,
    limit: i64,
) -> Result<Vec<PendingEvent>, sqlx::Error> {
    query_as(
        "select position, event_id, type, event::text as event
         from outbox_events
         where destination = $1 and delivered_at is null and dead_lettered_at is null
           and (next_attempt_at <= now() or next_attempt_at > now() + make_interval(secs => $3))
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
    .bind(limit)
    .bind(MAX_SCHEDULED_AHEAD.as_secs_f64())
    .fetch_all(transaction)
    .await
}

/// Marks events as delivered: they are in the consumer's inbox.
pub(super) async fn mark_delivered(transaction: &mut PgConnection, delivered: &[i64]) -> Result<(), sqlx::Error> {
    query("update outbox_events set delivered_at = now(), reason = null where position = any($1)")
        .bind(delivered)
        .execute(transaction)
        .await?;
    Ok(())
}

/// Marks events as published. They are republished with exponential backoff, from 5 s to about 5 min, until the
/// consumer acknowledges them: a stream can be lost.
pub(super) async fn mark_published(transaction: &mut PgConnection, published: &[i64]) -> Result<(), sqlx::Error> {
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

pub(super) async fn record_failure(
    transaction: &mut PgConnection,
    event: &PendingEvent,
    reason: &str,
) -> Result<(), sqlx::Error> {
    query("update outbox_events set attempts = attempts + 1, reason = $2 where position = $1")
        .bind(event.position)
        .bind(reason)
        .execute(transaction)
        .await?;
    Ok(())
}

pub(super) async fn dead_letter(
    db: impl PgExecutor<'_>,
    destination: &str,
    event: Uuid,
    reason: &str,
) -> Result<(), sqlx::Error> {
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

/// Makes all unacknowledged events due immediately: they may be lost. Retries while the database is unavailable.
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

/// Applies a consumer's acknowledgement: the event is delivered, or dead-lettered if rejected.
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
    // The next event of the same subject is due.
    query("select pg_notify($1, '')").bind(CHANNEL).execute(db).await?;
    Ok(())
}
