//! Every SQL statement on the table `refund_requests`.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use contracts::{PaymentId, events::RefundReason};
use db::DbPool;
use sqlx::{PgConnection, query, query_as, query_scalar};
use subgraph_kit::{Error, Table};

use super::RefundState;
use crate::{payment::Payment, purchase};

/// A refund that is requested and not completed.
#[derive(Clone, Copy, Debug)]
pub struct PendingRefund {
    /// The id of the payment.
    pub payment_id: PaymentId,
    /// The reason of the refund.
    pub reason: RefundReason,
}

/// Requests the refund of a completed payment, again if the provider has rejected it. None if the payment is not
/// completed, or its refund is pending; else the request with its first reason and its last note. The reconciler takes over if the caller
/// does not complete the refund within seconds; a request that is not confirmed by then is withdrawn.
pub async fn request(
    db: &mut PgConnection,
    request: PendingRefund,
    note: Option<&str>,
    is_confirmed: bool,
) -> Result<Option<PendingRefund>, sqlx::Error> {
    let seconds = match request.reason {
        RefundReason::Requested => 5.0,
        // No client waits, so the reconciler starts immediately.
        RefundReason::NotEnrolled => 0.0,
    };
    query_as!(
        PendingRefund,
        r#"
        insert into refund_requests as known (payment_id, reason, next_attempt_at, note, is_confirmed)
        select id, $2, now() + make_interval(secs => $3), $4::varchar, $5
        from payments
        where id = $1 and status = 'completed'
        on conflict (payment_id) do update
        set next_attempt_at = excluded.next_attempt_at, attempts = 0, is_confirmed = excluded.is_confirmed,
            refused_at = case when excluded.is_confirmed then null else known.refused_at end,
            reason = case when known.is_confirmed then known.reason else excluded.reason end,
            note = coalesce(excluded.note, known.note)
        where known.is_confirmed and known.refused_at is not null or excluded.is_confirmed and not known.is_confirmed
        returning payment_id, reason
        "#,
        request.payment_id.0,
        request.reason,
        seconds,
        note,
        is_confirmed,
    )
    .fetch_optional(db)
    .await
}

/// Confirms a request. False if it was withdrawn meanwhile, or somebody else has confirmed it, who completes it.
pub async fn confirm(db: &DbPool, id: PaymentId) -> Result<bool, sqlx::Error> {
    let confirmed = query!(
        "update refund_requests
         set is_confirmed = true, refused_at = null, next_attempt_at = now() + interval '5 s'
         where payment_id = $1 and not is_confirmed",
        id.0,
    );
    Ok(confirmed.execute(db).await?.rows_affected() > 0)
}

/// Withdraws a request that was not confirmed. What the provider has rejected before stays rejected.
pub async fn withdraw(db: &DbPool, id: PaymentId) -> Result<(), sqlx::Error> {
    query!(
        "with as_before as (
             update refund_requests set is_confirmed = true, next_attempt_at = null
             where payment_id = $1 and not is_confirmed and refused_at is not null
         )
         delete from refund_requests where payment_id = $1 and not is_confirmed and refused_at is null",
        id.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds a request that was not confirmed in time: its process has ended in between.
pub async fn find_unconfirmed(db: &DbPool) -> Result<Option<PaymentId>, sqlx::Error> {
    query_scalar!(
        "select payment_id from refund_requests
         where not is_confirmed
           and (next_attempt_at <= now() or next_attempt_at > now() + interval '2 hours')
         limit 1"
    )
    .fetch_optional(db)
    .await
}

/// Stores that the provider rejects a refund, unless it was completed meanwhile.
pub async fn refuse(db: &DbPool, id: PaymentId) -> Result<(), sqlx::Error> {
    query!(
        "update refund_requests set next_attempt_at = null, refused_at = now()
         where payment_id = $1 and next_attempt_at is not null",
        id.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes an unsettled refund due now, so that the reconciler asks the provider. False if there is none.
pub async fn expedite(transaction: &mut PgConnection, id: PaymentId) -> Result<bool, sqlx::Error> {
    let expedited = query!(
        "update refund_requests set next_attempt_at = now() where payment_id = $1 and next_attempt_at is not null",
        id.0,
    )
    .execute(transaction)
    .await?;
    Ok(expedited.rows_affected() > 0)
}

/// Claims the refund that has been due longest until its new `next_attempt_at`, with exponential backoff; no lock is
/// held afterwards. One that is due later than any of ours is of a clock that was ahead.
pub async fn claim_next_due(db: &DbPool) -> Result<Option<PendingRefund>, sqlx::Error> {
    query_as!(
        PendingRefund,
        r#"
        update refund_requests
        set attempts = attempts + 1, next_attempt_at = now() + interval '5 s' * power(2, least(attempts, 6))
        where payment_id = (
            select payment_id
            from refund_requests
            where is_confirmed
              and (next_attempt_at <= now() or next_attempt_at > now() + interval '2 hours')
            order by next_attempt_at
            limit 1
            for update skip locked
        )
        returning payment_id, reason
        "#,
    )
    .fetch_optional(db)
    .await
}

/// Marks a payment as refunded, and its requests as settled. None if it was settled before.
pub async fn settle(transaction: &mut PgConnection, id: PaymentId) -> Result<Option<Payment>, sqlx::Error> {
    let payment = query_as!(
        Payment,
        r#"
        update payments
        set status = 'refunded'
        where id = $1 and status = 'completed'
        returning id, student_id, course_id, amount, status, created_at
        "#,
        id.0,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    purchase::store::mark_settled(transaction, id).await?;
    query!("update refund_requests set next_attempt_at = null, refused_at = null where payment_id = $1", id.0)
        .execute(transaction)
        .await?;
    Ok(payment)
}

/// Finds the reason of a payment's refund; none if no request was stored.
pub async fn find_reason(db: &DbPool, id: PaymentId) -> Result<Option<RefundReason>, sqlx::Error> {
    query_scalar!("select reason from refund_requests where payment_id = $1", id.0).fetch_optional(db).await
}

/// The loader key of a payment's [`RefundState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefundStateKey(pub PaymentId);

impl Loader<RefundStateKey> for Table<Payment> {
    type Value = RefundState;
    type Error = Error;

    async fn load(&self, payments: &[RefundStateKey]) -> Result<HashMap<RefundStateKey, RefundState>, Error> {
        let payments: Vec<_> = payments.iter().map(|payment| payment.0.0).collect();
        let refunds = query!(
            r#"
            select payment_id, refused_at is not null as "is_refused!"
            from refund_requests
            where payment_id = any($1) and (next_attempt_at is not null or refused_at is not null)
            "#,
            &payments,
        )
        .fetch_all(self.db())
        .await?;
        let state = |is_refused| if is_refused { RefundState::Refused } else { RefundState::Underway };
        Ok(refunds.into_iter().map(|refund| (RefundStateKey(refund.payment_id), state(refund.is_refused))).collect())
    }
}

/// The loader key of what the admin said about a payment's refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefundNoteKey(pub PaymentId);

impl Loader<RefundNoteKey> for Table<Payment> {
    type Value = String;
    type Error = Error;

    async fn load(&self, payments: &[RefundNoteKey]) -> Result<HashMap<RefundNoteKey, String>, Error> {
        let payments: Vec<_> = payments.iter().map(|payment| payment.0.0).collect();
        let found = query!(
            r#"
            select payment_id, note as "note!"
            from refund_requests
            where payment_id = any($1) and note is not null
            "#,
            &payments,
        )
        .fetch_all(self.db())
        .await?;
        Ok(found.into_iter().map(|refund| (RefundNoteKey(refund.payment_id), refund.note)).collect())
    }
}
