//! Students and teachers whose accounts are deleted.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use contracts::{
    CourseId, EnrollmentId, ErasureId, PaymentId, UserId,
    events::{EnrollmentPayload, EnrollmentRejected, EventPayload, Purchase, Refund, RefundReason, UserErased},
};
use db::DbPool;
use enrollment::erasure::EnrollmentEraser;
use service::{Eraser as _, Erasures, ServiceContext};
use sqlx::{PgPool, query, query_as, query_scalar};
use subgraph_testing::{
    events::{handle, published},
    verifier,
};
use tokio::time::sleep;
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
    let erased = EnrollmentEraser.erase(&mut connection, UserId(ALICE), UserId(PSEUDONYM)).await;

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

/// Payment was unavailable meanwhile, and has told of a purchase before it knew of the erasure.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn what_a_late_service_has_told_is_erased_when_identity_asks_again(db: PgPool) {
    let context = ServiceContext::new(verifier());
    let subgraph = enrollment::subgraph(db.clone(), &context).await.expect("the subgraph opens");
    let erasures = Erasures::new(EnrollmentEraser, context.seals.clone());
    let pool = DbPool::from(&db);
    let finish = async || {
        let done = erasures.finish_next(&pool, Utc::now() + TimeDelta::minutes(1)).await;
        assert!(done.expect("the database answers"), "nothing is due");
    };
    let known = async || -> Vec<Option<Uuid>> {
        query_scalar("select user_id from erased_users").fetch_all(&db).await.expect("rows")
    };
    handle(&subgraph, erased(ALICE)).await;
    finish().await;
    assert_eq!(known().await, [None]);
    let purchase = Purchase {
        payment_id: PaymentId(UNUSED_PAYMENT),
        student_id: UserId(ALICE),
        course_id: CourseId(Uuid::from_u128(0xc0_1a7e)),
        course_title: "Late".to_owned(),
        amount: contracts::money::Money::from_cents(49_90),
    };
    handle(&subgraph, EventPayload::PaymentCompleted(purchase)).await;

    handle(&subgraph, erased(ALICE)).await;

    assert_eq!(known().await, [Some(ALICE)]);
    finish().await;
    assert_eq!(known().await, [None]);
    for table in ["enrollments", "enrollment_history", "inbox_events", "outbox_events"] {
        let sql = format!("select count(*) from {table} t where strpos(t::text, $1) > 0");
        let mentions: i64 =
            query_scalar(sqlx::AssertSqlSafe(sql)).bind(ALICE.to_string()).fetch_one(&db).await.expect("a number");
        assert_eq!(mentions, 0, "{table}");
    }
    // Each receipt counts all that was erased.
    let counts: Vec<_> = published(&db)
        .await
        .into_iter()
        .filter_map(|payload| match payload {
            EventPayload::ErasedInEnrollment(receipt) => Some(receipt.tables[2].anonymized),
            _ => None,
        })
        .collect();
    assert_eq!(counts, [2, 3]);
}

/// A busy service has many events to look through, and requests have little time.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn an_erasure_has_more_time_than_a_request(db: PgPool) {
    let enrollment = EnrollmentPayload {
        enrollment_id: EnrollmentId(ALICES_SQL),
        student_id: UserId(ALICE),
        course_id: CourseId(SQL),
        course_title: "SQL".to_owned(),
        payment_id: None,
    };
    let mut connection = db.acquire().await.expect("a connection");
    messaging::publish(&mut connection, EventPayload::EnrollmentCreated(enrollment)).await.expect("it is written");
    let mut busy = DbPool::from(&db).begin().await.expect("a transaction");
    query("select from outbox_events for update").execute(&mut *busy).await.expect("a lock");
    let mut tx = DbPool::from(&db).begin().await.expect("a transaction");
    query("set local statement_timeout = 200").execute(&mut *tx).await.expect("a timeout");

    let erase = messaging::erasure::erase_from_events(&mut tx, UserId(ALICE), UserId(PSEUDONYM));
    let release = async {
        sleep(Duration::from_secs(1)).await;
        busy.commit().await.expect("it is committed");
    };
    let (erased, ()) = tokio::join!(erase, release);

    assert_eq!(erased.expect("in time")[0].anonymized, 1);
}
