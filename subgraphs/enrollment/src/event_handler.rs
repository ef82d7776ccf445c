//! The events of other services that this one handles. Handling is idempotent, also for a repeated event with another
//! id.

use contracts::events::{Event, EventPayload, EventType, Refund};
use messaging::{AfterCommit, Cause, Handler};
use sqlx::PgConnection;
use subgraph_kit::Error;

use crate::enrollment::{
    store::{self, EnrollmentKey},
    workflow,
};

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

    /// The refund of the payment that holds the place of a purchase, before the purchase: nobody can buy a course twice, so
    /// that payment was refunded before.
    async fn missing_cause(&self, transaction: &mut PgConnection, event: &Event) -> Result<Option<Cause>, Error> {
        let EventPayload::PaymentCompleted(purchase) = &event.payload else { return Ok(None) };
        let enrollment = store::find_by_key(transaction, EnrollmentKey::of_purchase(purchase)).await?;
        let earlier = enrollment.and_then(|enrollment| enrollment.payment_id);
        let earlier = earlier.filter(|earlier| *earlier != purchase.payment_id);
        Ok(earlier.map(|earlier| (EventType::PaymentRefunded, earlier.0)))
    }
}
