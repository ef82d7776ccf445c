//! The events of other services that this one handles.

use contracts::events::{Event, EventPayload};
use messaging::{AfterCommit, Handler};
use sqlx::PgConnection;
use subgraph_kit::Error;

use crate::payments::Payments;

impl Handler for Payments {
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        match event.payload {
            EventPayload::EnrollmentRejected(rejection) => Self::refund_rejected(transaction, rejection).await?,
            // Not delivered to this service, see `EventType::consumers`.
            _ => {}
        }
        Ok(None)
    }
}
