//! The events of other services that this one handles. Handling is idempotent, also for a repeated event with another
//! id.

use contracts::events::{Event, EventPayload, Refund};
use messaging::{AfterCommit, Handler};
use sqlx::PgConnection;
use subgraph_kit::Error;

use crate::enrollment::workflow;

/// The handler of payment events.
pub struct EventHandler;

impl Handler for EventHandler {
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        match event.payload {
            EventPayload::PaymentCompleted(purchase) => workflow::redeem(transaction, purchase).await?,
            EventPayload::PaymentRefunded(Refund { purchase, .. }) => workflow::revoke(transaction, purchase).await?,
            // Not delivered to this service, see `EventType::consumers`.
            _ => {}
        }
        Ok(None)
    }
}
