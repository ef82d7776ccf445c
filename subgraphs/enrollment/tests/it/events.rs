//! The handling of payment events.

use contracts::{
    PaymentId,
    events::{EnrollmentRejected, Event, EventPayload, Refund, RefundReason},
};
use serde_json::{Value, json};
use service::Credentials;
use sqlx::PgPool;
use subgraph_testing::events::{dead_lettered, handle, process_all, published, receive};
use uuid::Uuid;

use crate::{fixtures::*, peers::*};

const PAYMENT: Uuid = UNUSED_PAYMENT;

fn completed(payment: Uuid, course: Uuid) -> EventPayload {
    EventPayload::PaymentCompleted(purchase(payment, ALICE, course))
}

fn refunded(payment: Uuid, course: Uuid) -> EventPayload {
    EventPayload::PaymentRefunded(Refund {
        purchase: purchase(payment, ALICE, course),
        reason: RefundReason::Requested,
    })
}

fn rejected(payment: Uuid) -> EventPayload {
    EventPayload::EnrollmentRejected(EnrollmentRejected { payment_id: PaymentId(payment) })
}

/// An event that waits for the refund of the payment that holds its place waits no longer.
async fn no_refund_comes(system: &TestSystem) {
    sqlx::query("update inbox_events set waits_since = waits_since - interval '16 s', next_attempt_at = now()")
        .execute(&system.db)
        .await
        .expect("time passes");
    process_all(&system.subgraph).await;
}

/// The types of the published events.
async fn names(db: &PgPool) -> Vec<&'static str> {
    published(db).await.iter().map(|payload| payload.event_type().name()).collect()
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_completed_payment_makes_its_enrollment(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    handle(&system.subgraph, completed(PAYMENT, LATIN)).await;

    assert_eq!(system.enrollments(ALICE, LATIN).await, [Some(PAYMENT)]);
    assert_eq!(system.use_of(PAYMENT).await.as_deref(), Some("enrolled"));
    let told = published(&db).await;
    let [EventPayload::EnrollmentCreated(enrollment)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((enrollment.payment_id, enrollment.course_title.as_str()), (Some(PaymentId(PAYMENT)), "Latin"));
}

/// A payment is redeemed even if its course was deleted meanwhile, as existing enrollments are kept.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_course_that_has_gone_since_it_was_paid_for_makes_its_enrollment(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let document = "query ($id: ID!) { course(id: $id) { title } }";
    let gone: Value = system
        .context
        .peers
        .query("course", &Credentials::default(), document, json!({ "id": NOBODY }))
        .await
        .expect("an answer");

    handle(&system.subgraph, completed(PAYMENT, NOBODY)).await;

    assert_eq!(gone, json!({ "course": null }));
    assert_eq!(system.enrollments(ALICE, NOBODY).await, [Some(PAYMENT)]);
    assert_eq!(names(&db).await, ["lyceum.enrollment.created"]);
    assert_eq!(dead_lettered(&db).await, []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn what_is_told_twice_has_one_effect(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    let event = handle(&system.subgraph, completed(PAYMENT, LATIN)).await;
    receive(&system.subgraph, &event).await;
    process_all(&system.subgraph).await;
    // Republished: the same payload under another id.
    handle(&system.subgraph, completed(PAYMENT, LATIN)).await;
    assert_eq!(system.enrollments(ALICE, LATIN).await, [Some(PAYMENT)]);
    assert_eq!(names(&db).await, ["lyceum.enrollment.created"]);

    handle(&system.subgraph, refunded(PAYMENT, LATIN)).await;
    handle(&system.subgraph, refunded(PAYMENT, LATIN)).await;
    handle(&system.subgraph, completed(PAYMENT, LATIN)).await;
    assert_eq!(system.enrollments(ALICE, LATIN).await, []);
    assert_eq!(names(&db).await, ["lyceum.enrollment.created", "lyceum.enrollment.revoked"]);
    assert_eq!(dead_lettered(&db).await, []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_payment_for_a_place_that_is_there_is_rejected(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let other = Uuid::from_u128(0xf_2000);

    // One enrollment was paid for, one is free.
    handle(&system.subgraph, completed(PAYMENT, RUST)).await;
    no_refund_comes(&system).await;
    handle(&system.subgraph, completed(other, SQL)).await;

    assert_eq!(published(&db).await, [rejected(PAYMENT), rejected(other)]);
    assert_eq!(system.enrollments(ALICE, RUST).await, [Some(ALICES_PAYMENT)]);
    assert_eq!(system.enrollments(ALICE, SQL).await, [None]);
    assert_eq!(system.use_of(PAYMENT).await.as_deref(), Some("rejected"));

    // Republished, it is rejected again: the first rejection may have been lost.
    handle(&system.subgraph, completed(PAYMENT, RUST)).await;
    no_refund_comes(&system).await;
    assert_eq!(published(&db).await, [rejected(PAYMENT), rejected(other), rejected(PAYMENT)]);

    // Its refund deletes nothing.
    handle(&system.subgraph, refunded(PAYMENT, RUST)).await;
    handle(&system.subgraph, completed(PAYMENT, RUST)).await;
    no_refund_comes(&system).await;
    assert_eq!(system.enrollments(ALICE, RUST).await, [Some(ALICES_PAYMENT)]);
    assert_eq!(published(&db).await.len(), 3);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn the_payment_of_an_enrollment_that_was_there_before_changes_nothing(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    handle(&system.subgraph, completed(ALICES_PAYMENT, RUST)).await;

    assert_eq!(published(&db).await, []);
    assert_eq!(system.enrollments(ALICE, RUST).await, [Some(ALICES_PAYMENT)]);
    assert_eq!(system.use_of(ALICES_PAYMENT).await.as_deref(), Some("enrolled"));
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn an_enrollment_that_was_lost_is_made_again(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    handle(&system.subgraph, completed(PAYMENT, LATIN)).await;
    sqlx::query("delete from enrollments where payment_id = $1").bind(PAYMENT).execute(&db).await.expect("it is lost");

    handle(&system.subgraph, completed(PAYMENT, LATIN)).await;

    assert_eq!(system.enrollments(ALICE, LATIN).await, [Some(PAYMENT)]);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_refund_takes_the_place_back(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    handle(&system.subgraph, refunded(ALICES_PAYMENT, RUST)).await;

    assert_eq!(system.enrollments(ALICE, RUST).await, []);
    assert_eq!(system.enrollments(BOB, RUST).await, [Some(BOBS_PAYMENT)]);
    let told = published(&db).await;
    let [EventPayload::EnrollmentRevoked(revoked)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((revoked.enrollment.enrollment_id.0, &revoked.removal_reason), (ALICES_RUST, &None));
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_refund_that_is_heard_of_first_wins(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    handle(&system.subgraph, refunded(PAYMENT, LATIN)).await;
    handle(&system.subgraph, completed(PAYMENT, LATIN)).await;

    assert_eq!(system.enrollments(ALICE, LATIN).await, []);
    assert_eq!(published(&db).await, []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn events_about_a_payment_are_acted_on_in_the_order_of_their_arrival(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    for payload in [completed(PAYMENT, LATIN), refunded(PAYMENT, LATIN), completed(PAYMENT, LATIN)] {
        receive(&system.subgraph, &Event::new(payload)).await;
    }

    tokio::join!(process_all(&system.subgraph), process_all(&system.subgraph));
    process_all(&system.subgraph).await;

    assert_eq!(names(&db).await, ["lyceum.enrollment.created", "lyceum.enrollment.revoked"]);
    assert_eq!(system.enrollments(ALICE, LATIN).await, []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_student_who_was_refunded_can_buy_again(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let second = Uuid::from_u128(0xf_2000);

    handle(&system.subgraph, completed(PAYMENT, LATIN)).await;
    handle(&system.subgraph, refunded(PAYMENT, LATIN)).await;
    handle(&system.subgraph, completed(second, LATIN)).await;

    assert_eq!(system.enrollments(ALICE, LATIN).await, [Some(second)]);
}

/// Payment published the refund first; its delivery takes longer.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_new_purchase_waits_for_the_refund_of_the_one_before(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    handle(&system.subgraph, completed(PAYMENT, LATIN)).await;
    let second = Uuid::from_u128(0xf_2000);

    handle(&system.subgraph, completed(second, LATIN)).await;
    assert_eq!(system.enrollments(ALICE, LATIN).await, [Some(PAYMENT)]);
    handle(&system.subgraph, refunded(PAYMENT, LATIN)).await;
    sqlx::query("update inbox_events set next_attempt_at = now()").execute(&db).await.expect("time passes");
    process_all(&system.subgraph).await;

    assert_eq!(system.enrollments(ALICE, LATIN).await, [Some(second)]);
    let created = "lyceum.enrollment.created";
    assert_eq!(names(&db).await, [created, "lyceum.enrollment.revoked", created]);
}
