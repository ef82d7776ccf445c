//! The transport of events from one service's outbox to the others' inboxes.

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

/// A transport of events, shared by its clones.
pub type EventBus = std::sync::Arc<dyn Transport>;

/// An event to deliver.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingEvent<'a> {
    /// The event's unique id.
    pub id: Uuid,
    /// The event's type.
    pub event_type: EventType,
    /// The complete event as JSON.
    pub json: &'a [u8],
}

/// Delivers events from one service to another, at least once.
pub trait Transport: Send + Sync {
    /// Delivers an event to its consumer.
    ///
    /// # Errors
    /// [`DeliveryError`]: rejected by the service, or to be tried again.
    fn deliver<'a>(
        &'a self,
        destination: &'a str,
        event: OutgoingEvent<'a>,
    ) -> BoxFuture<'a, Result<Delivery, DeliveryError>>;

    /// Stores events from a broker, if there is one, in the inbox until `stop` is cancelled.
    fn receive<'a>(&'a self, _inbox: &'a Inbox, _stop: &'a CancellationToken) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    /// Applies acks for the events that `service` published, in its outbox in `db`, until `stop` is cancelled.
    fn receive_acks<'a>(&'a self, _service: &'a str, db: &'a DbPool, stop: &'a CancellationToken) -> BoxFuture<'a, ()> {
        // Events that a previously configured transport published are delivered by this one.
        Box::pin(async move { _ = stop.run_until_cancelled(outbox::republish_unacked(db)).await })
    }

    /// The reason why events stand still, if the transport knows one.
    fn problem(&self) -> Option<&'static str> {
        None
    }
}
