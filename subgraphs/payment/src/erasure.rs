//! Erases a student or a teacher whose account was deleted.

use contracts::{
    UserId,
    events::{ErasedTable, ErasureReceipt, EventPayload},
};
use service::Eraser;
use sqlx::{PgConnection, query};
use subgraph_kit::Error;

/// Erases a user from payments.
#[derive(Clone, Copy, Debug)]
pub struct PaymentEraser;

impl Eraser for PaymentEraser {
    const SERVICE: &'static str = "payment";

    /// Payments have to be kept for the books: under the pseudonym, without what an admin wrote about a refund, and
    /// without the key that the client chose. A purchase that is under way goes on under the pseudonym.
    async fn erase(&self, db: &mut PgConnection, user: UserId, pseudonym: UserId) -> Result<Vec<ErasedTable>, Error> {
        let payments = query!(
            "update payments
             set student_id = case when student_id = $1 then $2 else student_id end,
                 teacher_id = case when teacher_id = $1 then $2 else teacher_id end
             where student_id = $1 or teacher_id = $1",
            user.0,
            pseudonym.0,
        );
        let payments = payments.execute(&mut *db).await?;
        let purchases = query!(
            "update purchase_requests
             set student_id = $2, idempotency_key = gen_random_uuid()::text,
                 -- A second one that came late, of a course that the student has: enrollment rejects it.
                 is_active = is_active and not exists (
                     select from purchase_requests earlier
                     where earlier.student_id = $2 and earlier.course_id = purchase_requests.course_id and earlier.is_active
                 )
             where student_id = $1",
            user.0,
            pseudonym.0,
        );
        let purchases = purchases.execute(&mut *db).await?;
        let refunds = query!(
            "update refund_requests set note = null
             from payments
             where payments.id = payment_id and payments.student_id = $1 and note is not null",
            pseudonym.0,
        );
        let refunds = refunds.execute(db).await?;
        let table = |table: &str, anonymized| ErasedTable { table: table.to_owned(), deleted: 0, anonymized };
        Ok(vec![
            table("payments", payments.rows_affected()),
            table("purchase_requests", purchases.rows_affected()),
            table("refund_requests", refunds.rows_affected()),
        ])
    }

    async fn send_receipt(&self, db: &mut PgConnection, receipt: ErasureReceipt) -> Result<(), Error> {
        Ok(messaging::publish(db, EventPayload::ErasedInPayment(receipt)).await?)
    }
}
