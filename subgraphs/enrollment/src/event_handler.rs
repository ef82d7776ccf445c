//! What other services tell this one, and what comes of it: a payment that has arrived becomes a place
//! on its course, and one that has gone back takes its place away. Whatever is told again, with the
//! same id or another one, changes nothing.

use contracts::{
    EnrollmentId,
    events::{EnrollmentRejected, Event, EventPayload, Purchase, Refund},
    ids::new_id_and_time,
};
use messaging::{AfterCommit, Handler};
use sqlx::PgConnection;
use subgraph_kit::Error;

use crate::enrollment::store::{self, EnrollmentKey, Inserted, NewEnrollment, PaymentUse};

/// Acts on what it is told.
pub struct EventHandler;

impl Handler for EventHandler {
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        match event.payload {
            EventPayload::PaymentCompleted(purchase) => self.enroll(transaction, purchase).await?,
            EventPayload::PaymentRefunded(Refund { purchase, .. }) => self.revoke(transaction, purchase).await?,
            // None of these comes here: `EventType::consumers` says so.
            EventPayload::UserRegistered(_)
            | EventPayload::EnrollmentCreated(_)
            | EventPayload::EnrollmentRevoked(_)
            | EventPayload::EnrollmentRejected(_) => {}
        }
        Ok(None)
    }
}

impl EventHandler {
    async fn enroll(&self, db: &mut PgConnection, purchase: Purchase) -> Result<(), Error> {
        let payment = purchase.payment_id;
        let id = new_id_and_time();
        match store::claim(db, payment, EnrollmentId(id.0)).await? {
            PaymentUse::Claimed => {}
            PaymentUse::Bought(_) | PaymentUse::Refunded => return Ok(()),
            // It has not gone back yet, or nobody would tell this: perhaps it was not heard of.
            PaymentUse::Rejected => return self.reject(db, purchase).await,
        }
        let new =
            NewEnrollment { key: key(&purchase), course_title: purchase.course_title.clone(), payment: Some(payment) };
        match store::insert_or_get(db, id, &new).await? {
            Inserted::New(enrollment) => {
                messaging::publish(db, store::created(&enrollment, new.course_title)).await?;
            }
            Inserted::Existing(enrollment) if enrollment.payment_id == Some(payment) => {
                store::set_enrollment(db, payment, enrollment.id).await?;
            }
            Inserted::Existing(_) => {
                store::reject(db, payment).await?;
                self.reject(db, purchase).await?;
            }
        }
        Ok(())
    }

    async fn reject(&self, db: &mut PgConnection, purchase: Purchase) -> Result<(), Error> {
        let rejection = EnrollmentRejected { payment_id: purchase.payment_id };
        Ok(messaging::publish(db, EventPayload::EnrollmentRejected(rejection)).await?)
    }

    async fn revoke(&self, db: &mut PgConnection, purchase: Purchase) -> Result<(), Error> {
        store::refund(db, purchase.payment_id).await?;
        if let Some(enrollment) = store::delete_by_payment(db, key(&purchase), purchase.payment_id).await? {
            messaging::publish(db, store::revoked(&enrollment, purchase.course_title)).await?;
        }
        Ok(())
    }
}

fn key(purchase: &Purchase) -> EnrollmentKey {
    EnrollmentKey { student: purchase.student_id, course: purchase.course_id }
}
