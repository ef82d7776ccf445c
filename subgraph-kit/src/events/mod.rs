//! What one service tells the others: outbox, relay and inbox. At least once delivered, exactly once
//! effective.
//!
//! A change and its event are one transaction ([`outbox`]). A [`relay`] takes the event to the inbox
//! of each service that wants it ([`bus`]), and there its effect and the mark that it was acted on
//! are one transaction again ([`inbox`]). On its way through NATS it stays in the outbox until that inbox has it.

mod backlog;
pub mod bus;
mod event;
pub mod inbox;
mod nats;
pub mod outbox;
pub mod relay;
mod worker;

pub use bus::{Bus, DeliveryError};
pub use event::{
    EnrollmentPayload, EnrollmentRejected, Event, EventPayload, EventType, Purchase, Refund, RefundReason, Registration,
};
pub use inbox::{AfterCommit, Handler, Inbox};
pub use outbox::publish;
pub use worker::{BusAddress, EventSettings, EventWorker, NatsName};
