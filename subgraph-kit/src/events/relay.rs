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
    Kind,
    bus::{Bus, Delivery, Undelivered},
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

/// Before a database that is away is asked again.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// An event on its way.
#[derive(sqlx::FromRow)]
struct Waiting {
    position: i64,
    event_id: Uuid,
    r#type: String,
    event: String,
}

/// What a round did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// There was nothing to do.
    Idle,
    /// Events were delivered, acted on, or set aside.
    Moved,
    /// There is something to do when this is over.
    Later(Duration),
    /// Whoever wants them is away.
    Stuck,
}

/// Delivers what waits for `destination`. The rows stay locked meanwhile, by a connection that dies
/// with this process: so no other relay delivers them at the same time, and none is kept from it
/// when this one is gone.
///
/// # Errors
/// Those of the database.
pub async fn round(db: &DbPool, bus: &Bus, destination: &str) -> Result<Round, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let waiting = claim(&mut transaction, destination).await?;
    if waiting.is_empty() {
        return Ok(Round::Idle);
    }
    let mut deliveries: FuturesUnordered<_> =
        waiting.iter().map(async |event| (event, deliver(bus, destination, event).await)).collect();
    let (mut arrived, mut on_their_way) = (Vec::new(), Vec::new());
    // One event that nobody takes must not slow down those about other things.
    let mut round = Round::Stuck;
    while let Some((event, outcome)) = deliveries.next().await {
        match outcome {
            Ok(Delivery::Arrived) => {
                round = Round::Moved;
                arrived.push(event.position);
            }
            Ok(Delivery::OnItsWay) => {
                round = Round::Moved;
                on_their_way.push(event.position);
            }
            Err(Undelivered::Refused(reason)) => {
                round = Round::Moved;
                set_aside(&mut *transaction, destination, event.event_id, &reason).await?;
            }
            Err(Undelivered::Away(reason)) => {
                debug!(destination, event.id = %event.event_id, reason, "not delivered yet");
                note(&mut transaction, event, &reason).await?;
            }
        }
    }
    fail_point("relay.delivered");
    query("update outbox set delivered_at = now(), reason = null where position = any($1)")
        .bind(&arrived)
        .execute(&mut *transaction)
        .await?;
    expect_receipts(&mut transaction, &on_their_way).await?;
    transaction.commit().await?;
    fail_point("relay.committed");
    Ok(round)
}

/// The first of each thing that events are about.
async fn claim(transaction: &mut PgConnection, destination: &str) -> Result<Vec<Waiting>, sqlx::Error> {
    query_as(
        "select position, event_id, type, event::text as event
         from outbox
         where destination = $1 and delivered_at is null and set_aside_at is null and next_try_at <= now()
           and not exists (
               select from outbox earlier
               where earlier.destination = outbox.destination and earlier.subject = outbox.subject
                 and earlier.position < outbox.position
                 and earlier.delivered_at is null and earlier.set_aside_at is null
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

async fn deliver(bus: &Bus, destination: &str, event: &Waiting) -> Result<Delivery, Undelivered> {
    let kind = Kind::named(&event.r#type).ok_or_else(|| Undelivered::Refused("no known type".to_owned()))?;
    let delivery = bus.deliver(destination, kind, event.event_id, event.event.as_bytes());
    let outcome = timeout(DELIVERY_TIMEOUT, delivery)
        .await
        .unwrap_or_else(|_| Err(Undelivered::Away("no answer in time".to_owned())));
    metrics::record_delivery(destination, kind.name(), name(&outcome));
    outcome
}

fn name(outcome: &Result<Delivery, Undelivered>) -> &'static str {
    match outcome {
        Ok(Delivery::Arrived) => "arrived",
        Ok(Delivery::OnItsWay) => "sent",
        Err(Undelivered::Refused(_)) => "refused",
        Err(Undelivered::Away(_)) => "away",
    }
}

/// What went into a stream goes there again, at growing intervals of 5 s to about 5 min, until the service that it
/// is for says that it has it: a stream can be lost.
async fn expect_receipts(transaction: &mut PgConnection, on_their_way: &[i64]) -> Result<(), sqlx::Error> {
    query(
        "update outbox
         set sent = sent + 1, next_try_at = now() + interval '5 s' * power(2, least(sent, 6)),
             reason = 'on its way: ' || destination || ' has not said yet that it has it'
         where position = any($1)",
    )
    .bind(on_their_way)
    .execute(transaction)
    .await?;
    Ok(())
}

/// Lets all that is on its way go again at once: it may be lost. Waits for the database if it is away.
pub(super) async fn send_again(db: &DbPool) {
    let statement = "with again as (
             update outbox set sent = 0, next_try_at = now()
             where delivered_at is null and set_aside_at is null and sent > 0
         )
         select pg_notify($1, '')";
    while let Err(error) = with_timeout(BACKGROUND_TIMEOUT, query(statement).bind(CHANNEL).execute(db)).await {
        debug!(error = %error, "what is on its way is not sent again yet");
        sleep(RETRY_DELAY).await;
    }
}

/// What the service that an event is for says of it: that it has it, or why it refuses it.
///
/// # Errors
/// Those of the database.
pub(super) async fn settle(
    db: &DbPool,
    destination: &str,
    event: Uuid,
    refused: Option<&str>,
) -> Result<(), sqlx::Error> {
    if let Some(reason) = refused {
        set_aside(db, destination, event, reason).await?;
    } else {
        query(
            "update outbox set delivered_at = now(), set_aside_at = null, reason = null
             where event_id = $1 and destination = $2 and delivered_at is null",
        )
        .bind(event)
        .bind(destination)
        .execute(db)
        .await?;
    }
    fail_point("relay.settled");
    // What comes after it about the same thing may go.
    query("select pg_notify($1, '')").bind(CHANNEL).execute(db).await?;
    Ok(())
}

async fn note(transaction: &mut PgConnection, event: &Waiting, reason: &str) -> Result<(), sqlx::Error> {
    query("update outbox set tries = tries + 1, reason = $2 where position = $1")
        .bind(event.position)
        .bind(reason)
        .execute(transaction)
        .await?;
    Ok(())
}

async fn set_aside(db: impl PgExecutor<'_>, destination: &str, event: Uuid, reason: &str) -> Result<(), sqlx::Error> {
    let r#type: Option<String> = query_scalar(
        "update outbox set set_aside_at = now(), tries = tries + 1, reason = $3
         where event_id = $1 and destination = $2 and delivered_at is null and set_aside_at is null
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
            "an event is set aside: `lyceum admin events` shows it, and sends it again"
        );
    }
    Ok(())
}
