//! The events of other services that this one handles.

use contracts::events::{Event, EventPayload};
use messaging::{AfterCommit, Handler};
use sqlx::PgConnection;
use subgraph_kit::Error;

use crate::payments::Payments;

impl Handler for Payments {
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        // No other event is delivered to this service, see `EventType::consumers`.
        if let EventPayload::EnrollmentRejected(rejection) = event.payload {
            Self::refund_rejected(transaction, rejection).await?;
        }
        Ok(None)
    }
}
