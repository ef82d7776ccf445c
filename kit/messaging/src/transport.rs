//! The way from one service's outbox to the others' inboxes.

use contracts::events::EventType;
use db::DbPool;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Inbox,
    delivery::{Delivery, DeliveryError},
    outbox,
};

/// The way from one service's outbox to the others' inboxes. Clones of what carries events share it.
pub type Bus = std::sync::Arc<dyn Transport>;

/// An event that leaves an outbox.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingEvent<'a> {
    /// Names the event.
    pub id: Uuid,
    /// What it tells.
    pub event_type: EventType,
    /// Its JSON.
    pub json: &'a [u8],
}

/// Carries events from one service to another, at least once.
pub trait Transport: Send + Sync {
    /// Takes an event to the service that it is for.
    ///
    /// # Errors
    /// [`DeliveryError`]: rejected by the service, or to be tried again.
    fn deliver<'a>(
        &'a self,
        destination: &'a str,
        event: OutgoingEvent<'a>,
    ) -> BoxFuture<'a, Result<Delivery, DeliveryError>>;

    /// Fills an inbox, until `stop` is cancelled, with what is not delivered by a call to the service.
    fn receive<'a>(&'a self, _inbox: &'a Inbox, _stop: &'a CancellationToken) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    /// Hears, until `stop` is cancelled, that what was published by `service`, whose outbox is in `db`, has arrived.
    fn receive_acks<'a>(&'a self, _service: &'a str, db: &'a DbPool, stop: &'a CancellationToken) -> BoxFuture<'a, ()> {
        // What was published by another transport, while that was the setting, is delivered by this one.
        Box::pin(async move { _ = stop.run_until_cancelled(outbox::republish_unacked(db)).await })
    }
}
