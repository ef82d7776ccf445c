//! The steps of a purchase, and how the reconciler completes an interrupted one.

use contracts::{
    Code, CourseId,
    events::{EventPayload, Purchase},
};
use db::fail_point;
use service::Credentials;
use sqlx::PgConnection;
use subgraph_kit::{Error, Rejection, viewer::Learner};
use tracing::{info, warn};

use super::{
    PurchaseRequest,
    store::{self, ExistingPurchase},
};
use crate::{
    course::CourseQuote,
    enrollment::Enrollment,
    payment::{self, Payment, Status},
    payments::Payments,
    provider::{ChargeOutcome, with_timeout},
};

impl Payments {
    /// Buys a course: stores a pending payment, charges the student, stores the outcome. If a step fails in between,
    /// the reconciler continues from what is stored.
    ///
    /// # Errors
    /// The rejections of `purchaseCourse`; [`Error::Unavailable`] if the course subgraph or the database is unavailable.
    pub async fn purchase(
        &self,
        student: Learner,
        credentials: &Credentials,
        request: &PurchaseRequest,
    ) -> Result<Payment, Error> {
        if let Some(existing) = store::find(&self.db, student, &request.idempotency_key).await? {
            return self.replay(existing, request).await;
        }
        let (quote, enrollment) = tokio::join!(
            CourseQuote::find(&self.peers, credentials, request.course_id),
            self.enrollment(student, credentials, request.course_id),
        );
        let quote = quote?.ok_or_else(|| Rejection::not_found("course", "courseId"))?;
        if quote.teacher() == Some(student.id()) {
            return Err(Rejection::new(Code::OwnCourse, "you teach this course").at("courseId").into());
        }
        let quote = quote.require_published()?;
        let price = request.price_of(&quote)?;
        if let Some(enrollment) = enrollment
            && self.is_enrolled_otherwise(student, request.course_id, &enrollment).await?
        {
            return self.replay_or_reject(student, request, already_enrolled()).await;
        }

        let Some(payment) = store::insert(&self.db, student, request, &quote, price).await? else {
            return self.replay_or_reject(student, request, already_purchased()).await;
        };
        fail_point("payment.pending");
        self.charge(payment, quote.title).await
    }

    /// The student's enrollment in the course, so that nobody is charged for nothing. While the enrollment subgraph is
    /// unavailable, courses are sold all the same: then the student is enrolled later, or refunded.
    async fn enrollment(&self, student: Learner, credentials: &Credentials, course: CourseId) -> Option<Enrollment> {
        let found = Enrollment::find(&self.peers, credentials, student.id(), course).await;
        found.unwrap_or_else(|error| {
            warn!(course.id = %course, error = %error, "enrollment not known before the charge, purchase continues");
            None
        })
    }

    /// Whether no payment of the student's for this course bought the enrollment. If one did, its state decides: it forbids
    /// another one, or it was refunded, and the enrollment is about to end. An imported enrollment may have a payment of
    /// somebody else, or a failed one, whose refund nobody will ever hear of.
    async fn is_enrolled_otherwise(
        &self,
        student: Learner,
        course: CourseId,
        enrollment: &Enrollment,
    ) -> Result<bool, Error> {
        let Some(payment) = enrollment.payment() else { return Ok(true) };
        let bought_it = |payment: &Payment| {
            payment.student_id == student.id() && payment.course_id == course && payment.status != Status::Failed
        };
        Ok(!payment::store::find(&self.db, payment).await?.is_some_and(|payment| bought_it(&payment)))
    }

    /// Returns the first payment if the request was sent concurrently with itself.
    async fn replay_or_reject(
        &self,
        student: Learner,
        request: &PurchaseRequest,
        rejection: Rejection,
    ) -> Result<Payment, Error> {
        match store::find(&self.db, student, &request.idempotency_key).await? {
            Some(existing) => self.replay(existing, request).await,
            None => Err(rejection.into()),
        }
    }

    /// Returns the first request's payment to a repeated request.
    async fn replay(&self, existing: ExistingPurchase, request: &PurchaseRequest) -> Result<Payment, Error> {
        if existing.request != *request {
            let message = "this key was already used with different input: use a new key";
            return Err(Rejection::new(Code::IdempotencyKeyReused, message).at("idempotencyKey").into());
        }
        self.get(existing.payment).await
    }

    async fn charge(&self, payment: Payment, course_title: String) -> Result<Payment, Error> {
        let purchase = payment.as_purchase(course_title);
        match with_timeout(self.provider.charge(&purchase)).await {
            // A webhook may have been faster.
            Ok(ChargeOutcome::Pending) => self.get(payment.id).await,
            Ok(outcome) => self.settle(&purchase, outcome).await,
            Err(away) => {
                warn!(payment.id = %payment.id, error = %away, "charge outcome unknown, the reconciler retries");
                Ok(payment)
            }
        }
    }

    async fn settle(&self, purchase: &Purchase, outcome: ChargeOutcome) -> Result<Payment, Error> {
        fail_point("payment.charged");
        let mut tx = self.db.begin().await?;
        let settled = Self::store_charge(&mut tx, purchase, outcome).await?;
        fail_point("payment.before-commit");
        tx.commit().await?;
        fail_point("payment.committed");
        match settled {
            Some(payment) => Ok(payment),
            None => self.get(purchase.payment_id).await,
        }
    }

    /// Stores the outcome of a charge, and publishes it. None if it is not known yet, or was stored before.
    pub(crate) async fn store_charge(
        transaction: &mut PgConnection,
        purchase: &Purchase,
        outcome: ChargeOutcome,
    ) -> Result<Option<Payment>, Error> {
        let status = match outcome {
            ChargeOutcome::Completed => Status::Completed,
            ChargeOutcome::Declined => Status::Failed,
            ChargeOutcome::Pending => return Ok(None),
        };
        let settled = store::settle(transaction, purchase.payment_id, status).await?;
        if let Some(payment) = settled.as_ref().filter(|_| outcome == ChargeOutcome::Completed) {
            // As stored: the student's account may have been deleted meanwhile.
            let purchase = payment.as_purchase(purchase.course_title.clone());
            messaging::publish(transaction, EventPayload::PaymentCompleted(purchase)).await?;
        }
        Ok(settled)
    }

    /// Completes one interrupted purchase, or one whose outcome was unknown. False if there is none.
    pub(crate) async fn reconcile_next_purchase(&self) -> Result<bool, Error> {
        let Some(purchase) = store::claim_next_due(&self.db).await? else { return Ok(false) };
        let outcome = match with_timeout(self.provider.find(&purchase)).await {
            Ok(None) => with_timeout(self.provider.charge(&purchase)).await,
            Ok(Some(outcome)) => Ok(outcome),
            Err(away) => Err(away),
        };
        match outcome {
            // It stays due, and is asked again.
            Ok(ChargeOutcome::Pending) => {}
            Ok(outcome) => {
                let payment = self.settle(&purchase, outcome).await?;
                info!(payment.id = %payment.id, status = ?payment.status, "interrupted purchase completed");
            }
            Err(away) => {
                warn!(payment.id = %purchase.payment_id, error = %away, "charge outcome still unknown, retrying");
            }
        }
        Ok(true)
    }
}

fn already_purchased() -> Rejection {
    Rejection::new(Code::AlreadyPurchased, "you have bought this course, or your payment is pending").at("courseId")
}

fn already_enrolled() -> Rejection {
    Rejection::new(Code::AlreadyEnrolled, "you are enrolled in this course already").at("courseId")
}
