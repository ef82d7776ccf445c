//! Students and teachers whose accounts are deleted.

use chrono::Utc;
use contracts::{
    CourseId, ErasureId, PaymentId, UserId,
    events::{EnrollmentRejected, EventPayload, Purchase, Refund, RefundReason, UserErased},
};
use service::{Eraser as _, ServiceContext};
use sqlx::{PgPool, query, query_as, query_scalar};
use subgraph_testing::{
    events::{handle, published},
    verifier,
};
use uuid::Uuid;

use crate::fixtures::*;

const PSEUDONYM: Uuid = Uuid::from_u128(0x9e0d0);

fn erased(user: Uuid) -> EventPayload {
    EventPayload::UserErased(UserErased {
        erasure_id: ErasureId(Uuid::from_u128(0xe4a5)),
        user_id: UserId(user),
        pseudonym: UserId(PSEUDONYM),
        tokens_end_at: Utc::now(),
    })
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn places_and_their_history_are_kept_without_the_person(db: PgPool) {
    let subgraph =
        enrollment::subgraph(db.clone(), &ServiceContext::new(verifier())).await.expect("the subgraph opens");
    for (student, by) in [(ALICE, TERESA), (BOB, ALICE)] {
        query(
            "insert into enrollment_history
                 (enrollment_id, student_id, course_id, kind, status, changed_by, reason, changed_at)
             values (gen_random_uuid(), $1, $2, 'removed', 'enrolled', $3, 'A reason', now())",
        )
        .bind(student)
        .bind(RUST)
        .bind(by)
        .execute(&db)
        .await
        .expect("a change");
    }
    let bobs: Vec<String> = query_scalar("select t::text from enrollments t where student_id = $1")
        .bind(BOB)
        .fetch_all(&db)
        .await
        .expect("rows");

    handle(&subgraph, erased(ALICE)).await;

    for table in ["enrollments", "enrollment_history", "payment_redemptions", "inbox_events", "outbox_events"] {
        let sql = format!("select count(*) from {table} t where strpos(t::text, $1) > 0");
        let mentions: i64 =
            query_scalar(sqlx::AssertSqlSafe(sql)).bind(ALICE.to_string()).fetch_one(&db).await.expect("a number");
        assert_eq!(mentions, 0, "{table}");
    }
    let places: i64 = query_scalar("select count(*) from enrollments where student_id = $1")
        .bind(PSEUDONYM)
        .fetch_one(&db)
        .await
        .expect("a number");
    assert_eq!(places, 2);
    let history: Vec<(Uuid, Option<Uuid>, Option<String>)> = query_as(
        "select student_id, changed_by, reason from enrollment_history where kind = 'removed' order by position",
    )
    .fetch_all(&db)
    .await
    .expect("the history");
    let reason = Some("A reason".to_owned());
    assert_eq!(history, [(PSEUDONYM, Some(TERESA), None), (BOB, Some(PSEUDONYM), reason)]);
    let after: Vec<String> = query_scalar("select t::text from enrollments t where student_id = $1")
        .bind(BOB)
        .fetch_all(&db)
        .await
        .expect("rows");
    assert_eq!(after, bobs);
}

/// A request that was executing when the event came may have enrolled the user once more.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_place_that_came_late_and_twice_is_refunded(db: PgPool) {
    let subgraph =
        enrollment::subgraph(db.clone(), &ServiceContext::new(verifier())).await.expect("the subgraph opens");
    handle(&subgraph, erased(ALICE)).await;
    query("insert into enrollments (student_id, course_id, payment_id) values ($1, $2, $3)")
        .bind(ALICE)
        .bind(RUST)
        .bind(UNUSED_PAYMENT)
        .execute(&db)
        .await
        .expect("a place");

    let mut connection = db.acquire().await.expect("a connection");
    let erased = enrollment::erasure::EnrollmentEraser.erase(&mut connection, UserId(ALICE), UserId(PSEUDONYM)).await;

    assert_eq!(erased.expect("it is erased")[0].deleted, 1);
    let rejected = EnrollmentRejected { payment_id: PaymentId(UNUSED_PAYMENT) };
    assert_eq!(published(&db).await, [EventPayload::EnrollmentRejected(rejected)]);
}

/// Payment may have known the pseudonym before this service did.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_place_whose_payment_was_refunded_under_the_pseudonym_ends(db: PgPool) {
    let subgraph =
        enrollment::subgraph(db.clone(), &ServiceContext::new(verifier())).await.expect("the subgraph opens");
    let purchase = Purchase {
        payment_id: PaymentId(ALICES_PAYMENT),
        student_id: UserId(PSEUDONYM),
        course_id: CourseId(RUST),
        course_title: "Rust".to_owned(),
        amount: contracts::money::Money::from_cents(49_90),
    };
    handle(&subgraph, EventPayload::PaymentRefunded(Refund { purchase, reason: RefundReason::Requested })).await;

    handle(&subgraph, erased(ALICE)).await;

    let places: Vec<Uuid> = query_scalar("select course_id from enrollments where student_id = $1")
        .bind(PSEUDONYM)
        .fetch_all(&db)
        .await
        .expect("places");
    assert_eq!(places, [SQL]);
}
