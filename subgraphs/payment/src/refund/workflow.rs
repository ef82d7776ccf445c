//! The steps of a refund, how the reconciler completes an interrupted one, and how payments are republished.

use contracts::{
    Code, PaymentId,
    events::{EnrollmentRejected, EventPayload, Refund, RefundReason},
};
use db::fail_point;
use service::Credentials;
use sqlx::PgConnection;
use subgraph_kit::{Error, Rejection, viewer::Admin};
use tracing::{error, info, warn};

use super::{
    RefundRequest,
    store::{self, PendingRefund},
};
use crate::{
    course::CourseQuote,
    enrollment::Enrollment,
    payment::{self, Payment, Status},
    payments::Payments,
    provider::{RefundOutcome, with_timeout},
    purchase,
};

/// The title of a course that is no longer known.
const UNKNOWN_TITLE: &str = "a course";

impl Payments {
    /// Refunds a completed payment: stores the request, calls the provider, stores the outcome. If a step fails in
    /// between, the reconciler continues from what is stored.
    ///
    /// # Errors
    /// `NOT_FOUND`; `NOT_REFUNDABLE` if the payment is not completed, already being refunded, or the provider rejects
    /// the refund; `COMPLETION_WOULD_BE_LOST`; [`Error::Unavailable`] if only the enrollment subgraph knows whether it
    /// would, and is unavailable.
    pub async fn refund(&self, _: Admin, credentials: &Credentials, request: RefundRequest) -> Result<Payment, Error> {
        let RefundRequest { payment_id: id, note, confirms_completion_loss: is_confirmed } = request;
        let request = PendingRefund { payment_id: id, reason: RefundReason::Requested };
        let mut db = self.db.acquire().await?;
        let request = store::request(&mut db, request, note.as_deref(), is_confirmed).await?;
        drop(db);
        let Some(request) = request else { return Err(self.not_refundable(id).await?) };
        if !is_confirmed {
            self.confirm(credentials, id).await?;
        }
        fail_point("refund.requested");
        self.complete(request).await
    }

    async fn not_refundable(&self, id: PaymentId) -> Result<Error, Error> {
        Ok(match payment::store::find(&self.db, id).await? {
            Some(payment) => super::rejection(payment.status).into(),
            None => no_such_payment().into(),
        })
    }

    /// Confirms a request that takes no completion away, and withdraws another one. Asked only now, since a completion can
    /// come at any time: one that comes before the request is not lost.
    async fn confirm(&self, credentials: &Credentials, id: PaymentId) -> Result<(), Error> {
        match self.takes_completion_away(credentials, id).await {
            Ok(false) if store::confirm(&self.db, id).await? => Ok(()),
            Ok(false) => Err(self.not_refundable(id).await?),
            Ok(true) => {
                store::withdraw(&self.db, id).await?;
                Err(super::completion_would_be_lost().into())
            }
            Err(error) => {
                store::withdraw(&self.db, id).await?;
                Err(error)
            }
        }
    }

    /// Whether the student has completed the course with this payment. A payment that is not completed takes nothing away.
    async fn takes_completion_away(&self, credentials: &Credentials, id: PaymentId) -> Result<bool, Error> {
        let payment = payment::store::find(&self.db, id).await?;
        let Some(payment) = payment.filter(|payment| payment.status == Status::Completed) else { return Ok(false) };
        let enrollment = Enrollment::find(&self.peers, credentials, payment.student_id, payment.course_id).await?;
        Ok(enrollment.is_some_and(|enrollment| enrollment.is_completed_with(id)))
    }

    /// Requests the refund of a payment that bought no enrollment; the reconciler completes it.
    pub(crate) async fn refund_rejected(db: &mut PgConnection, rejection: EnrollmentRejected) -> Result<(), Error> {
        let request = PendingRefund { payment_id: rejection.payment_id, reason: RefundReason::NotEnrolled };
        if store::request(db, request, None, true).await?.is_none() {
            info!(payment.id = %rejection.payment_id, "payment not refundable, or its refund is in progress");
        }
        Ok(())
    }

    async fn complete(&self, request: PendingRefund) -> Result<Payment, Error> {
        let id = request.payment_id;
        let payment = self.get(id).await?;
        let title = self.title(&payment).await?;
        match with_timeout(self.provider.refund(id)).await {
            Ok(RefundOutcome::Done) => {}
            // A webhook may have been faster.
            Ok(RefundOutcome::Pending) => return self.get(id).await,
            Ok(RefundOutcome::Refused) => {
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
        let settled = Self::store_refund(&mut tx, id, title, request.reason).await?;
        tx.commit().await?;
        fail_point("refund.committed");
        match settled {
            Some(payment) => Ok(payment),
            None => self.get(id).await,
        }
    }

    /// Stores that a payment was refunded, and publishes it. None if it was stored before.
    pub(crate) async fn store_refund(
        transaction: &mut PgConnection,
        id: PaymentId,
        title: String,
        reason: RefundReason,
    ) -> Result<Option<Payment>, Error> {
        let settled = store::settle(transaction, id).await?;
        if let Some(payment) = &settled {
            let refund = Refund { purchase: payment.as_purchase(title), reason };
            messaging::publish(transaction, EventPayload::PaymentRefunded(refund)).await?;
        }
        Ok(settled)
    }

    /// Completes one interrupted or new refund. False if there is none.
    pub(crate) async fn reconcile_next_refund(&self) -> Result<bool, Error> {
        if let Some(id) = store::find_unconfirmed(&self.db).await? {
            store::withdraw(&self.db, id).await?;
            return Ok(true);
        }
        let Some(request) = store::claim_next_due(&self.db).await? else { return Ok(false) };
        match self.complete(request).await {
            Ok(payment) => {
                info!(payment.id = %payment.id, status = ?payment.status, reason = ?request.reason, "interrupted refund resumed");
            }
            // No client waits for the outcome; the rejection is stored.
            Err(Error::Rejected(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Republishes the state of a payment. Consumers are idempotent by the payment's id.
    ///
    /// # Errors
    /// `NOT_FOUND`; `INVALID_INPUT` if the payment is neither completed nor refunded.
    pub async fn republish(&self, _: Admin, id: PaymentId) -> Result<Payment, Error> {
        let payment = payment::store::find(&self.db, id).await?.ok_or_else(no_such_payment)?;
        let title = self.title(&payment).await?;
        let reason = store::find_reason(&self.db, id).await?.unwrap_or(RefundReason::Requested);

        // Locked, so that no refund is published before this event.
        let mut tx = self.db.begin().await?;
        let payment = payment::store::lock(&mut tx, id).await?.ok_or_else(no_such_payment)?;
        let purchase = payment.as_purchase(title);
        let payload = match payment.status {
            Status::Completed => EventPayload::PaymentCompleted(purchase),
            Status::Refunded => EventPayload::PaymentRefunded(Refund { purchase, reason }),
            Status::Pending => return Err(nothing_to_tell("this payment is still pending: try again later").into()),
            Status::Failed => return Err(nothing_to_tell("this payment failed: there is nothing to publish").into()),
        };
        messaging::publish(&mut tx, payload).await?;
        tx.commit().await?;
        Ok(payment)
    }

    /// Finds the title of the course that was paid for. A missing title never blocks a refund.
    pub(crate) async fn title(&self, payment: &Payment) -> Result<String, Error> {
        if let Some(title) = purchase::store::find_title(&self.db, payment.id).await? {
            return Ok(title);
        }
        let quote = CourseQuote::find(&self.peers, &Credentials::default(), payment.course_id).await;
        Ok(quote.ok().flatten().map_or_else(|| UNKNOWN_TITLE.to_owned(), |quote| quote.title))
    }
}

fn no_such_payment() -> Rejection {
    Rejection::not_found("payment", "paymentId")
}

fn nothing_to_tell(why: &str) -> Rejection {
    Rejection::new(Code::InvalidInput, why).at("paymentId")
}
