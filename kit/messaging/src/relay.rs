//! Takes events from the outbox to where they are wanted: at least once, and in order for each thing
//! that they are about.

use std::time::Duration;

use contracts::events::EventType;
use db::{DbPool, fail_point};
use futures::{StreamExt as _, stream::FuturesUnordered};
use telemetry::metrics;
use tokio::time::timeout;
use tracing::debug;

use crate::{
    delivery::{Delivery, DeliveryError, Progress},
    outbox::{self, PendingEvent},
    transport::{OutgoingEvent, Transport},
};

/// So many at once; all of them about different things.
const BATCH: i64 = 32;

/// Longer, and it counts as undelivered. The connection that holds the batch waits as long.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Delivers what waits for `destination`. The rows stay locked meanwhile, by a connection that dies
/// with this process: so no other relay delivers them at the same time, and none is kept from it
/// when this one is gone.
pub async fn deliver_pending(db: &DbPool, bus: &dyn Transport, destination: &str) -> Result<Progress, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let pending = outbox::claim(&mut transaction, destination, BATCH).await?;
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
                outbox::dead_letter(&mut *transaction, destination, event.event_id, &reason).await?;
            }
            Err(DeliveryError::Unavailable(reason)) => {
                debug!(destination, event.id = %event.event_id, reason, "event not delivered yet, retrying");
                outbox::record_failure(&mut transaction, event, &reason).await?;
            }
        }
    }
    fail_point("relay.delivered");
    outbox::mark_delivered(&mut transaction, &delivered).await?;
    outbox::mark_published(&mut transaction, &published).await?;
    transaction.commit().await?;
    fail_point("relay.committed");
    Ok(progress)
}

async fn deliver(bus: &dyn Transport, destination: &str, event: &PendingEvent) -> Result<Delivery, DeliveryError> {
    let event_type =
        EventType::from_type(&event.r#type).ok_or_else(|| DeliveryError::Rejected("no known type".to_owned()))?;
    let outgoing = OutgoingEvent { id: event.event_id, event_type, json: event.event.as_bytes() };
    let outcome = timeout(DELIVERY_TIMEOUT, bus.deliver(destination, outgoing))
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
