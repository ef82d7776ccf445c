//! The steps of a purchase, and how the reconciler completes an interrupted one.

use contracts::{
    Code,
    events::{EventPayload, Purchase},
};
use db::fail_point;
use service::Credentials;
use subgraph_kit::{Error, Rejection, viewer::Student};
use tracing::{info, warn};

use super::{
    PurchaseRequest,
    store::{self, ExistingPurchase},
};
use crate::{
    course::CourseQuote,
    payment::{Payment, Status},
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
        student: Student,
        credentials: &Credentials,
        request: &PurchaseRequest,
    ) -> Result<Payment, Error> {
        if let Some(existing) = store::find(&self.db, student, &request.idempotency_key).await? {
            return self.replay(existing, request).await;
        }
        let quote = CourseQuote::find(&self.peers, credentials, request.course_id).await?;
        let quote = quote.ok_or_else(|| Rejection::not_found("course", "courseId"))?.require_published()?;
        let price = request.price_of(&quote)?;

        let Some(payment) = store::insert(&self.db, student, request, &quote, price).await? else {
            return match store::find(&self.db, student, &request.idempotency_key).await? {
                Some(existing) => self.replay(existing, request).await,
                None => Err(already_purchased().into()),
            };
        };
        fail_point("payment.pending");
        self.charge(payment, quote.title).await
    }

    /// Returns the first request's payment to a repeated request.
    async fn replay(&self, existing: ExistingPurchase, request: &PurchaseRequest) -> Result<Payment, Error> {
        if existing.request != *request {
            let message = "this key was used before, with other input";
            return Err(Rejection::new(Code::IdempotencyKeyReused, message).at("idempotencyKey").into());
        }
        self.get(existing.payment).await
    }

    async fn charge(&self, payment: Payment, course_title: String) -> Result<Payment, Error> {
        let purchase = payment.as_purchase(course_title);
        match with_timeout(self.provider.charge(&purchase)).await {
            Ok(outcome) => self.settle(&purchase, outcome).await,
            Err(away) => {
                warn!(payment.id = %payment.id, error = %away, "charge outcome unknown, the reconciler retries");
                Ok(payment)
            }
        }
    }

    async fn settle(&self, purchase: &Purchase, outcome: ChargeOutcome) -> Result<Payment, Error> {
        fail_point("payment.charged");
        let status = match outcome {
            ChargeOutcome::Completed => Status::Completed,
            ChargeOutcome::Declined => Status::Failed,
        };
        let mut tx = self.db.begin().await?;
        let settled = store::settle(&mut tx, purchase.payment_id, status).await?;
        if settled.is_some() && outcome == ChargeOutcome::Completed {
            messaging::publish(&mut tx, EventPayload::PaymentCompleted(purchase.clone())).await?;
        }
        fail_point("payment.before-commit");
        tx.commit().await?;
        fail_point("payment.committed");
        match settled {
            Some(payment) => Ok(payment),
            None => self.get(purchase.payment_id).await,
        }
    }

    /// Completes one interrupted purchase, or one whose outcome was unknown. False if there is none.
    pub(crate) async fn reconcile_next_purchase(&self) -> Result<bool, Error> {
        let Some(purchase) = store::claim_next_due(&self.db).await? else { return Ok(false) };
        let outcome = match with_timeout(self.provider.find(purchase.payment_id)).await {
            Ok(None) => with_timeout(self.provider.charge(&purchase)).await,
            Ok(Some(outcome)) => Ok(outcome),
            Err(away) => Err(away),
        };
        match outcome {
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
    Rejection::new(Code::AlreadyPurchased, "you have paid for this course, or are about to").at("courseId")
}
