//! What is done in the background: erasing a user here, and storing what the other services say.

use auth::seal::SealKeys;
use contracts::{
    UserId,
    events::{ErasedTable, ErasureReceipt, Event, EventPayload},
};
use messaging::{AfterCommit, Handler};
use service::Eraser;
use sqlx::PgConnection;
use subgraph_kit::Error;

use super::store;

/// Erases a user from identity's tables.
#[derive(Clone, Copy, Debug)]
pub struct IdentityEraser;

impl Eraser for IdentityEraser {
    const SERVICE: &'static str = super::SERVICE;

    async fn erase(&self, db: &mut PgConnection, user: UserId, _: UserId) -> Result<Vec<ErasedTable>, Error> {
        store::delete_user(db, user).await
    }

    async fn send_receipt(&self, db: &mut PgConnection, receipt: ErasureReceipt) -> Result<(), Error> {
        store::insert_receipt(db, &receipt).await
    }
}

/// Stores the receipts of the other services.
#[derive(Clone)]
pub struct ReceiptHandler {
    /// The keys that the services sign with.
    pub seals: SealKeys,
}

impl Handler for ReceiptHandler {
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        let source = event.payload.event_type().source();
        let (EventPayload::ErasedInCourse(receipt)
        | EventPayload::ErasedInEnrollment(receipt)
        | EventPayload::ErasedInPayment(receipt)
        | EventPayload::ErasedInNotification(receipt)) = event.payload
        else {
            // Not delivered to this service, see `EventType::consumers`.
            return Ok(None);
        };
        if receipt.service != source || !self.seals.has_signed(&receipt) {
            return Err(Error::Forbidden("the receipt of an erasure has no valid signature of its service"));
        }
        store::receive_receipt(transaction, &receipt).await?;
        Ok(None)
    }
}
