//! The steps of a purchase, and what finishes one that broke off.

use subgraph_kit::{
    Code, Credentials, Error, PaymentId, Refusal,
    events::{self, EventPayload, Purchase},
    failpoint::fail_point,
    viewer::Student,
};
use tracing::{info, warn};

use super::{
    Order,
    store::{self, Earlier},
};
use crate::{
    course::Offer,
    payment::{self, Payment, Status},
    provider::{Outcome, in_time},
    till::Till,
};

impl Till {
    /// Buys a course: writes the payment down as pending, takes the money, writes down what became of
    /// it. Whatever breaks off in between, the reconciler goes on from what is written.
    ///
    /// # Errors
    /// The refusals of `purchaseCourse`; `Unavailable` if the course subgraph or the database is away.
    pub async fn buy(&self, student: Student, credentials: &Credentials, order: &Order) -> Result<Payment, Error> {
        order.check().map_err(Error::Refused)?;
        if let Some(earlier) = store::find(&self.db, student, &order.idempotency_key).await? {
            return self.repeat(earlier, order).await;
        }
        let offer = Offer::find(&self.peers, credentials, order.course_id).await?;
        let offer = offer.ok_or_else(|| Refusal::not_found("course", "courseId"))?;
        let price = order.price_of(&offer)?;

        let Some(payment) = store::insert(&self.db, student, order, &offer, price).await? else {
            return match store::find(&self.db, student, &order.idempotency_key).await? {
                Some(earlier) => self.repeat(earlier, order).await,
                None => Err(already_purchased().into()),
            };
        };
        fail_point("payment.pending");
        self.charge(payment, offer.title).await
    }

    /// Finds out what became of one purchase that broke off, or where nobody knew. False if there is
    /// none.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn settle_next_purchase(&self) -> Result<bool, Error> {
        let Some(purchase) = store::take_on(&self.db).await? else { return Ok(false) };
        let outcome = match in_time(self.provider.find(purchase.payment_id)).await {
            Ok(None) => in_time(self.provider.charge(&purchase)).await,
            Ok(Some(outcome)) => Ok(outcome),
            Err(away) => Err(away),
        };
        match outcome {
            Ok(outcome) => {
                let payment = self.settle(&purchase, outcome).await?;
                info!(payment.id = %payment.id, status = ?payment.status, "interrupted purchase completed");
            }
            Err(away) => {
                warn!(payment.id = %purchase.payment_id, error = %away, "charge outcome still unknown, retrying")
            }
        }
        Ok(true)
    }

    /// The same wish again gets what came of the first one.
    async fn repeat(&self, earlier: Earlier, order: &Order) -> Result<Payment, Error> {
        if earlier.order != *order {
            let message = "this key was used before, with other input";
            return Err(Refusal::new(Code::IdempotencyKeyReused, message).at("idempotencyKey").into());
        }
        self.stored(earlier.payment).await
    }

    async fn charge(&self, payment: Payment, course_title: String) -> Result<Payment, Error> {
        let purchase = payment.as_purchase(course_title);
        match in_time(self.provider.charge(&purchase)).await {
            Ok(outcome) => self.settle(&purchase, outcome).await,
            Err(away) => {
                warn!(payment.id = %payment.id, error = %away, "charge outcome unknown, the reconciler retries");
                Ok(payment)
            }
        }
    }

    async fn settle(&self, purchase: &Purchase, outcome: Outcome) -> Result<Payment, Error> {
        fail_point("payment.charged");
        let status = match outcome {
            Outcome::Completed => Status::Completed,
            Outcome::Declined => Status::Failed,
        };
        let mut tx = self.db.begin().await?;
        let settled = store::settle(&mut tx, purchase.payment_id, status).await?;
        if settled.is_some() && outcome == Outcome::Completed {
            events::publish(&mut tx, EventPayload::PaymentCompleted(purchase.clone())).await?;
        }
        fail_point("payment.before-commit");
        tx.commit().await?;
        fail_point("payment.committed");
        match settled {
            Some(payment) => Ok(payment),
            None => self.stored(purchase.payment_id).await,
        }
    }

    /// A payment that we know to be there.
    pub(crate) async fn stored(&self, id: PaymentId) -> Result<Payment, Error> {
        payment::store::find(&self.db, id).await?.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }
}

fn already_purchased() -> Refusal {
    Refusal::new(Code::AlreadyPurchased, "you have paid for this course, or are about to").at("courseId")
}
