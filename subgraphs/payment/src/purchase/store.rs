//! Every SQL statement on the table `purchase_requests`.

use contracts::{PaymentId, events::Purchase, ids::new_id_and_time, money::Money};
use db::DbPool;
use sqlx::{PgConnection, query, query_as};
use subgraph_kit::viewer::Learner;

use super::PurchaseRequest;
use crate::{
    course::CourseQuote,
    payment::{Payment, Status},
};

/// A purchase that exists under an idempotency key.
pub struct ExistingPurchase {
    /// The request, as first sent.
    pub request: PurchaseRequest,
    /// The id of the payment.
    pub payment: PaymentId,
}

/// Finds the student's purchase by its idempotency key.
pub async fn find(db: &DbPool, student: Learner, key: &str) -> Result<Option<ExistingPurchase>, sqlx::Error> {
    let row = query!(
        r#"
        select payment_id, course_id, idempotency_key, expected_amount
        from purchase_requests
        where student_id = $1 and idempotency_key = $2
        "#,
        student.id().0,
        key,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| ExistingPurchase {
        payment: row.payment_id,
        request: PurchaseRequest {
            course_id: row.course_id,
            idempotency_key: row.idempotency_key,
            expected_amount: row.expected_amount,
        },
    }))
}

/// Inserts a purchase with its pending payment. None if the key was used before, or the student has a pending or
/// completed payment for this course. The constraints catch concurrent purchases; the condition catches payments that
/// have no purchase.
pub async fn insert(
    db: &DbPool,
    student: Learner,
    request: &PurchaseRequest,
    quote: &CourseQuote,
    price: Money,
) -> Result<Option<Payment>, sqlx::Error> {
    let (id, created_at) = new_id_and_time();
    query_as!(
        Payment,
        r#"
        with purchase as (
            insert into purchase_requests
                (payment_id, student_id, course_id, idempotency_key, expected_amount, course_title, is_active, next_attempt_at)
            select $1, $2, $3, $4, $5, $6, true, now() + interval '5 s'
            where not exists (
                select from payments
                where student_id = $2 and course_id = $3 and status in ('pending', 'completed')
            )
            on conflict do nothing
            returning payment_id, student_id, course_id
        )
        insert into payments (id, student_id, course_id, amount, status, created_at, teacher_id)
        select payment_id, student_id, course_id, $7, 'pending', $8, $9
        from purchase
        returning id, student_id, course_id, amount, status, created_at
        "#,
        id,
        student.id().0,
        request.course_id.0,
        request.idempotency_key,
        request.expected_amount,
        quote.title,
        price,
        created_at,
        quote.teacher().map(|teacher| teacher.0),
    )
    .fetch_optional(db)
    .await
}

/// Claims the purchase whose unknown outcome has been due longest until its new `next_attempt_at`, with exponential
/// backoff; no lock is held afterwards. One that is due later than any of ours is of a clock that was ahead.
pub async fn claim_next_due(db: &DbPool) -> Result<Option<Purchase>, sqlx::Error> {
    query_as!(
        Purchase,
        r#"
        update purchase_requests
        set attempts = attempts + 1, next_attempt_at = now() + interval '5 s' * power(2, least(attempts, 6))
        from payments
        where payments.id = payment_id and payment_id = (
            select payment_id
            from purchase_requests
            where (next_attempt_at <= now() or next_attempt_at > now() + interval '2 hours')
            order by next_attempt_at
            limit 1
            for update skip locked
        )
        returning payment_id, purchase_requests.student_id, purchase_requests.course_id, course_title, amount
        "#,
    )
    .fetch_optional(db)
    .await
}

/// Stores the outcome of a charge. None if it was stored before.
pub async fn settle(
    transaction: &mut PgConnection,
    id: PaymentId,
    status: Status,
) -> Result<Option<Payment>, sqlx::Error> {
    let payment = query_as!(
        Payment,
        r#"
        update payments
        set status = $2
        where id = $1 and status = 'pending'
        returning id, student_id, course_id, amount, status, created_at
        "#,
        id.0,
        status,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    mark_settled(transaction, id).await?;
    Ok(payment)
}

/// Ends the reconciliation of a purchase, and updates `is_active`, after its payment's status has changed. A purchase that is
/// not active stays so: another one of the student's may be.
pub async fn mark_settled(transaction: &mut PgConnection, id: PaymentId) -> Result<(), sqlx::Error> {
    query!(
        "update purchase_requests
         set next_attempt_at = null,
             is_active = is_active
                 and (select status in ('pending', 'completed') from payments where payments.id = payment_id)
         where payment_id = $1",
        id.0,
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Finds the course title of a payment's purchase; none for a payment without a purchase.
pub async fn find_title(db: &DbPool, id: PaymentId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select course_title from purchase_requests where payment_id = $1", id.0)
        .fetch_optional(db)
        .await
}
