//! The steps of a refund, what finishes one that broke off, and what tells of payments again.

use sqlx::PgConnection;
use subgraph_kit::{
    Code, Credentials, Error, PaymentId, Refusal,
    events::{self, AfterCommit, Event, EventPayload, Handler, Refund, RefundReason},
    failpoint::fail_point,
    viewer::Admin,
};
use tracing::{error, info, warn};

use super::store::{self, Request};
use crate::{
    course::Offer,
    payment::{self, Payment, Status},
    provider::{Return, in_time},
    purchase,
    till::Till,
};

/// How a course is called in messages when nobody can say it any more.
const NAMELESS: &str = "a course";

impl Till {
    /// Gives a completed payment back: writes down that it is to go back, sends the money, writes down
    /// that it has gone. Whatever breaks off in between, the reconciler goes on from what is written.
    ///
    /// # Errors
    /// `NOT_FOUND`, `NOT_REFUNDABLE`, also when the provider refuses; those of the database.
    pub async fn give_back(&self, _: Admin, id: PaymentId) -> Result<Payment, Error> {
        let request = Request { payment_id: id, reason: RefundReason::Requested };
        let Some(request) = store::request(&mut *self.db.acquire().await?, request).await? else {
            return Err(match payment::store::find(&self.db, id).await? {
                Some(payment) => super::refusal(payment.status).into(),
                None => no_such_payment().into(),
            });
        };
        fail_point("refund.requested");
        self.finish(request).await
    }

    /// Tells the other services again how a payment stands. They go by its id, so that repeating it
    /// changes nothing.
    ///
    /// # Errors
    /// `NOT_FOUND`; `INVALID_INPUT` if there is nothing to tell; those of the database.
    pub async fn republish(&self, _: Admin, id: PaymentId) -> Result<Payment, Error> {
        let payment = payment::store::find(&self.db, id).await?.ok_or_else(no_such_payment)?;
        let title = self.title(&payment).await?;
        let reason = store::find_reason(&self.db, id).await?.unwrap_or(RefundReason::Requested);

        // Locked, so that no refund is told before what is told here.
        let mut tx = self.db.begin().await?;
        let payment = payment::store::lock(&mut tx, id).await?.ok_or_else(no_such_payment)?;
        let purchase = payment.as_purchase(title);
        let payload = match payment.status {
            Status::Completed => EventPayload::PaymentCompleted(purchase),
            Status::Refunded => EventPayload::PaymentRefunded(Refund { purchase, reason }),
            Status::Pending => return Err(nothing_to_tell("the outcome of this payment is not known yet").into()),
            Status::Failed => return Err(nothing_to_tell("this payment has failed, and nobody was told").into()),
        };
        events::publish(&mut tx, payload).await?;
        tx.commit().await?;
        Ok(payment)
    }

    /// Finishes one refund that broke off, or that nobody has begun. False if there is none.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn settle_next_refund(&self) -> Result<bool, Error> {
        let Some(request) = store::take_on(&self.db).await? else { return Ok(false) };
        match self.finish(request).await {
            Ok(payment) => {
                info!(payment.id = %payment.id, status = ?payment.status, reason = ?request.reason, "interrupted refund resumed");
            }
            // Nobody is there to be told, but it is written down.
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    async fn finish(&self, request: Request) -> Result<Payment, Error> {
        let id = request.payment_id;
        let payment = self.stored(id).await?;
        let title = self.title(&payment).await?;
        match in_time(self.provider.refund(id)).await {
            Ok(Return::Done) => {}
            Ok(Return::Refused) => {
                store::refuse(&self.db, id).await?;
                error!(payment.id = %id, "payment provider rejected the refund, manual action needed");
                return Err(super::refused().into());
            }
            Err(away) => {
                warn!(payment.id = %id, error = %away, "refund outcome unknown, the reconciler retries");
                return Ok(payment);
            }
        }
        fail_point("refund.returned");
        let mut tx = self.db.begin().await?;
        let settled = store::settle(&mut tx, id).await?;
        if let Some(payment) = &settled {
            let refund = Refund { purchase: payment.as_purchase(title), reason: request.reason };
            events::publish(&mut tx, EventPayload::PaymentRefunded(refund)).await?;
        }
        tx.commit().await?;
        fail_point("refund.committed");
        match settled {
            Some(payment) => Ok(payment),
            None => self.stored(id).await,
        }
    }

    /// How the course is called that a payment was for. Nobody's money stays here for want of a name.
    async fn title(&self, payment: &Payment) -> Result<String, Error> {
        if let Some(title) = purchase::store::find_title(&self.db, payment.id).await? {
            return Ok(title);
        }
        let offer = Offer::find(&self.peers, &Credentials::default(), payment.course_id).await;
        Ok(offer.ok().flatten().map_or_else(|| NAMELESS.to_owned(), |offer| offer.title))
    }
}

impl Handler for Till {
    /// A payment that could not become a place is to go back; the reconciler sends it.
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        if let EventPayload::EnrollmentRejected(rejection) = event.payload {
            let request = Request { payment_id: rejection.payment_id, reason: RefundReason::NotEnrolled };
            if store::request(transaction, request).await?.is_none() {
                info!(payment.id = %rejection.payment_id, "payment not refundable, or its refund is in progress");
            }
        }
        Ok(None)
    }
}

fn no_such_payment() -> Refusal {
    Refusal::not_found("payment", "paymentId")
}

fn nothing_to_tell(why: &str) -> Refusal {
    Refusal::new(Code::InvalidInput, why).at("paymentId")
}
