//! What an event of the provider changes.

use contracts::events::RefundReason;
use sqlx::PgConnection;
use subgraph_kit::Error;

use super::{
    EventType, Outcome, ProviderEvent,
    store::{self, Inserted},
};
use crate::{
    payment::{self, Payment, Status},
    payments::Payments,
    provider::ChargeOutcome,
    refund,
};

impl Payments {
    /// Applies an event once: its effect and its id are stored in one transaction, with the payment locked. The provider
    /// sends whatever is not stored again.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database is unavailable.
    pub(super) async fn apply(&self, event: &ProviderEvent, currency: &str) -> Result<Outcome, Error> {
        let data = &event.data;
        let Some(payment) = payment::store::find(&self.db, data.charge).await? else {
            return Ok(Outcome::UnknownPayment);
        };
        if data.amount != payment.amount || data.currency != currency {
            return Ok(Outcome::Mismatch);
        }
        let title = self.title(&payment).await?;
        let reason = refund::store::find_reason(&self.db, payment.id).await?.unwrap_or(RefundReason::Requested);

        // Locked first: the event's row refers to the payment, and two events would otherwise wait for each other.
        let mut tx = self.db.begin().await?;
        let Some(payment) = payment::store::lock(&mut tx, payment.id).await? else {
            return Ok(Outcome::UnknownPayment);
        };
        match store::insert(&mut tx, &event.id, event.r#type.as_str(), payment.id).await? {
            Inserted::New => {}
            Inserted::Duplicate => return Ok(Outcome::Duplicate),
            Inserted::Other => return Ok(Outcome::ReusedId),
        }
        let outcome = apply_to(&mut tx, &payment, event.r#type, title, reason).await?;
        tx.commit().await?;
        Ok(outcome)
    }
}

/// Changes a locked payment, from whichever state it is in: events come in any order.
async fn apply_to(
    transaction: &mut PgConnection,
    payment: &Payment,
    event: EventType,
    title: String,
    reason: RefundReason,
) -> Result<Outcome, Error> {
    let purchase = payment.as_purchase(title);
    match (event, payment.status) {
        (EventType::ChargeCompleted, Status::Pending) => {
            Payments::store_charge(transaction, &purchase, ChargeOutcome::Completed).await?;
        }
        (EventType::ChargeDeclined, Status::Pending) => {
            Payments::store_charge(transaction, &purchase, ChargeOutcome::Declined).await?;
        }
        // What is refunded was charged before, and others are told both, in order.
        (EventType::RefundCompleted, Status::Pending | Status::Completed) => {
            Payments::store_charge(transaction, &purchase, ChargeOutcome::Completed).await?;
            Payments::store_refund(transaction, payment.id, purchase.course_title, reason).await?;
        }
        // It may be the late answer to an earlier request, so the provider is asked about the present one.
        (EventType::RefundRejected, _) => {
            let is_expedited = refund::store::expedite(transaction, payment.id).await?;
            return Ok(if is_expedited { Outcome::Applied } else { Outcome::Unchanged });
        }
        (EventType::ChargeCompleted, Status::Completed | Status::Refunded)
        | (EventType::ChargeDeclined, Status::Failed)
        | (EventType::RefundCompleted, Status::Refunded) => return Ok(Outcome::Unchanged),
        (EventType::ChargeCompleted | EventType::RefundCompleted, Status::Failed)
        | (EventType::ChargeDeclined, Status::Completed | Status::Refunded) => return Ok(Outcome::Contradiction),
    }
    Ok(Outcome::Applied)
}
