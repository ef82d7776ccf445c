//! What one service tells the others: outbox, relay and inbox. At least once delivered, exactly once
//! effective.
//!
//! A change and its event are one transaction ([`outbox`]). A relay takes the event to the inbox
//! of each service that wants it ([`Transport`]), and there its effect and the mark that it was acted on
//! are one transaction again ([`inbox`]). On its way through NATS it stays in the outbox until that inbox has it.

mod backlog;
mod delivery;
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
pub use inbox::{AfterCommit, Handler, Inbox};
pub use nats::Nats;
pub use outbox::publish;
pub use settings::{BusAddress, EventSettings, NatsName};
pub use transport::{Bus, OutgoingEvent, Transport};
pub use worker::EventWorker;
