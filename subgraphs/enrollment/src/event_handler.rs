//! Which events of other services this one acts on. An event that is repeated, with the same id or another one, changes
//! nothing.

use contracts::events::{Event, EventPayload, Refund};
use messaging::{AfterCommit, Handler};
use sqlx::PgConnection;
use subgraph_kit::Error;

use crate::enrollment::workflow;

/// Handles the events of payments.
pub struct EventHandler;

impl Handler for EventHandler {
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        match event.payload {
            EventPayload::PaymentCompleted(purchase) => workflow::redeem(transaction, purchase).await?,
            EventPayload::PaymentRefunded(Refund { purchase, .. }) => workflow::revoke(transaction, purchase).await?,
            // None of these comes here: `EventType::consumers` says so.
            EventPayload::UserRegistered(_)
            | EventPayload::EnrollmentCreated(_)
            | EventPayload::EnrollmentRevoked(_)
            | EventPayload::EnrollmentRejected(_) => {}
        }
        Ok(None)
    }
}
