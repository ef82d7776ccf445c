//! Events between services: outbox, relay and inbox. Delivered at least once, effective exactly once.
//!
//! A change and its event are committed in one transaction ([`outbox`]). A relay delivers the event to each consumer's
//! inbox ([`Transport`]), where its effect and its mark as processed are one transaction again ([`inbox`]). With NATS,
//! it stays pending in the outbox until the consumer acknowledges it.

mod backlog;
mod delivery;
pub mod erasure;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod inbox;
mod nats;
pub mod outbox;
mod relay;
mod settings;
mod transport;
mod worker;

pub use delivery::{Delivery, DeliveryError, Progress};
pub use inbox::{AfterCommit, Cause, Handler, Inbox};
pub use nats::{Nats, NatsError};
pub use outbox::publish;
pub use settings::{EventBusAddress, EventSettings, NatsName, NatsServers};
pub use transport::{EventBus, OutgoingEvent, Transport};
pub use worker::{CONNECTIONS as BACKGROUND_CONNECTIONS, EventWorker};
