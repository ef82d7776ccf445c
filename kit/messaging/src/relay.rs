//! The outbox relay: delivers events to their consumers at least once, in order per subject.

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

/// Concurrent deliveries, all of different subjects.
const BATCH: i64 = 32;

/// The timeout of one delivery. The batch's transaction stays open as long.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Delivers pending events to `destination`. Their rows stay locked meanwhile: no other relay delivers them
/// concurrently, and the locks end with this process's connection.
pub async fn deliver_pending(
    db: &DbPool,
    transport: &dyn Transport,
    destination: &str,
) -> Result<Progress, sqlx::Error> {
    let mut transaction = db.begin().await?;
    let pending = outbox::claim(&mut transaction, destination, BATCH).await?;
    if pending.is_empty() {
        return Ok(Progress::Idle);
    }
    let mut deliveries: FuturesUnordered<_> =
        pending.iter().map(async |event| (event, deliver(transport, destination, event).await)).collect();
    let (mut delivered, mut published) = (Vec::new(), Vec::new());
    // One undeliverable event must not delay those of other subjects.
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

async fn deliver(
    transport: &dyn Transport,
    destination: &str,
    event: &PendingEvent,
) -> Result<Delivery, DeliveryError> {
    let event_type =
        EventType::from_type(&event.r#type).ok_or_else(|| DeliveryError::Rejected("unknown event type".to_owned()))?;
    let outgoing = OutgoingEvent { id: event.event_id, event_type, json: event.event.as_bytes() };
    let outcome = timeout(DELIVERY_TIMEOUT, transport.deliver(destination, outgoing))
        .await
        .unwrap_or_else(|_| Err(DeliveryError::Unavailable("no response in time".to_owned())));
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
