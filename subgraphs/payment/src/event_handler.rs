//! Which events of other services this one acts on.

use contracts::events::{Event, EventPayload};
use messaging::{AfterCommit, Handler};
use sqlx::PgConnection;
use subgraph_kit::Error;

use crate::payments::Payments;

impl Handler for Payments {
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        match event.payload {
            EventPayload::EnrollmentRejected(rejection) => Self::refund_rejected(transaction, rejection).await?,
            // None of these comes here: `EventType::consumers` says so.
            EventPayload::UserRegistered(_)
            | EventPayload::PaymentCompleted(_)
            | EventPayload::PaymentRefunded(_)
            | EventPayload::EnrollmentCreated(_)
            | EventPayload::EnrollmentRevoked(_) => {}
        }
        Ok(None)
    }
}
