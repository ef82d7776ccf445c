//! The mutation `enroll`.

use contracts::{
    EnrollmentId, PaymentId,
    events::{EnrollmentPayload, EventPayload},
};
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions, query_scalar};
use subgraph_testing::{
    Client, Reply,
    events::{handle, published},
};
use uuid::Uuid;

use crate::{fixtures::*, peers::*};

const BOBS_LATER_PAYMENT: Uuid = Uuid::from_u128(0xf_000a);

const ENROLL: &str = "mutation ($input: EnrollInput!) {
    enroll(input: $input) {
        enrollment { id status student { id } course { id } payment { id } }
        userErrors { code field }
    }
}";

pub async fn enroll(client: &Client, course: Uuid, payment: Option<Uuid>) -> Reply {
    client.send(ENROLL, json!({ "input": { "courseId": course, "paymentId": payment } })).await
}

fn rejection(code: &'static str, field: &str) -> Vec<(&'static str, String)> {
    vec![(code, field.to_owned())]
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_student_enrolls_in_a_free_course(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;

    let reply = enroll(&system.app.student(BOB), SQL, None).await.ok();

    let id: Uuid = reply.data("/enroll/enrollment/id").as_str().and_then(|id| id.parse().ok()).expect("an id");
    assert_eq!(
        reply.data("/enroll"),
        &json!({
            "enrollment": {
                "id": id, "status": "ENROLLED", "student": { "id": BOB }, "course": { "id": SQL }, "payment": null,
            },
            "userErrors": [],
        })
    );
    let time_is_the_ids: bool = query_scalar(
        "select lpad(to_hex((extract(epoch from enrolled_at) * 1000)::bigint), 12, '0') = left(replace(id::text, '-', ''), 12)
         from enrollments where id = $1",
    )
    .bind(id)
    .fetch_one(&db)
    .await
    .expect("the enrollment is there");
    assert!(time_is_the_ids);
    let enrollment = EnrollmentPayload {
        enrollment_id: EnrollmentId(id),
        student_id: purchase(NOBODY, BOB, SQL).student_id,
        course_id: purchase(NOBODY, BOB, SQL).course_id,
        course_title: "SQL".to_owned(),
        payment_id: None,
    };
    assert_eq!(published(&db).await, [EventPayload::EnrollmentCreated(enrollment)]);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_withdrawn_course_takes_only_students_who_have_paid_for_it(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    system.courses.set(CourseState::Withdrawn);
    system.pay(UNUSED_PAYMENT, ALICE, LATIN, "COMPLETED");
    let bob = system.app.student(BOB);

    for course in [SQL, LATIN] {
        assert_eq!(enroll(&bob, course, None).await.ok().user_errors(), rejection("COURSE_WITHDRAWN", "courseId"));
    }
    let paid = enroll(&system.app.student(ALICE), LATIN, Some(UNUSED_PAYMENT)).await.ok();
    assert_eq!(paid.user_errors(), []);
    let event = EventPayload::PaymentCompleted(system.pay(BOBS_LATER_PAYMENT, BOB, LATIN, "COMPLETED"));
    handle(&system.subgraph, event).await;

    assert_eq!(system.enrollments(BOB, LATIN).await, [Some(BOBS_LATER_PAYMENT)]);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_draft_does_not_exist_for_a_student(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    system.courses.set(CourseState::Draft);

    for payment in [None, Some(UNUSED_PAYMENT)] {
        let reply = enroll(&system.app.student(BOB), SQL, payment).await.ok();
        assert_eq!(reply.user_errors(), rejection("NOT_FOUND", "courseId"));
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_student_enrolls_with_a_payment(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    system.pay(UNUSED_PAYMENT, ALICE, LATIN, "COMPLETED");

    let reply = enroll(&system.app.student(ALICE), LATIN, Some(UNUSED_PAYMENT)).await.ok();

    assert_eq!(reply.data("/enroll/enrollment/payment/id"), &json!(UNUSED_PAYMENT));
    assert_eq!(system.use_of(UNUSED_PAYMENT).await.as_deref(), Some("enrolled"));
    let told = published(&db).await;
    assert!(
        matches!(&told[..], [EventPayload::EnrollmentCreated(enrollment)] if enrollment.payment_id == Some(PaymentId(UNUSED_PAYMENT))),
        "{told:?}"
    );
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn each_refusal_names_its_field_and_writes_nothing(db: PgPool) {
    let system = TestSystem::new(db.clone()).await;
    let alice = system.app.student(ALICE);
    let payment = |number: u128| Uuid::from_u128(0xf_1000 + number);
    system.pay(payment(1), ALICE, LATIN, "PENDING");
    system.pay(payment(2), ALICE, LATIN, "FAILED");
    system.pay(payment(3), ALICE, LATIN, "REFUNDED");
    system.pay(payment(4), ALICE, RUST, "COMPLETED");
    system.pay(payment(5), BOB, LATIN, "COMPLETED");

    let refused = [
        (NOBODY, None, rejection("NOT_FOUND", "courseId")),
        (SQL, None, rejection("ALREADY_ENROLLED", "")),
        (RUST, None, rejection("ALREADY_ENROLLED", "")),
        (RUST, Some(ALICES_PAYMENT), rejection("ALREADY_ENROLLED", "")),
        (LATIN, None, rejection("PAYMENT_REQUIRED", "")),
        (LATIN, Some(NOBODY), rejection("PAYMENT_NOT_VALID", "paymentId")),
        (LATIN, Some(payment(1)), rejection("PAYMENT_NOT_VALID", "paymentId")),
        (LATIN, Some(payment(2)), rejection("PAYMENT_NOT_VALID", "paymentId")),
        (LATIN, Some(payment(3)), rejection("PAYMENT_NOT_VALID", "paymentId")),
        (LATIN, Some(payment(4)), rejection("PAYMENT_NOT_VALID", "paymentId")),
        (LATIN, Some(payment(5)), rejection("PAYMENT_NOT_VALID", "paymentId")),
    ];
    for (course, payment, rejection) in refused {
        let reply = enroll(&alice, course, payment).await.ok();

        assert_eq!(reply.user_errors(), rejection, "{course} {payment:?}");
        assert_eq!(reply.data("/enroll/enrollment"), &Value::Null);
    }
    assert_eq!(published(&db).await, []);
    assert_eq!(system.enrollments(ALICE, LATIN).await, []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_payment_that_has_bought_another_place_buys_no_second_one(db: PgPool) {
    let system = TestSystem::new(db).await;
    // As in an imported database: an enrollment in Rust references a payment for Latin.
    system.pay(ALICES_PAYMENT, ALICE, LATIN, "COMPLETED");

    let reply = enroll(&system.app.student(ALICE), LATIN, Some(ALICES_PAYMENT)).await.ok();

    assert_eq!(reply.user_errors(), rejection("PAYMENT_NOT_VALID", "paymentId"));
    assert_eq!(system.enrollments(ALICE, LATIN).await, []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn neither_admins_nor_anonymous_viewers_enroll(db: PgPool) {
    let app = TestSystem::new(db).await.app;

    for (client, code) in [(app.anonymous(), "UNAUTHENTICATED"), (app.admin(), "FORBIDDEN")] {
        assert_eq!(enroll(&client, SQL, None).await.error(), Some(code));
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn teachers_enroll_in_the_courses_of_others_and_not_in_their_own(db: PgPool) {
    let system = TestSystem::new(db).await;
    system.pay(UNUSED_PAYMENT, TERESA, LATIN, "COMPLETED");
    let teresa = system.app.teacher(TERESA);

    for (course, payment) in [(SQL, None), (LATIN, None), (LATIN, Some(UNUSED_PAYMENT))] {
        let own = enroll(&teresa, course, payment).await.ok();
        assert_eq!(own.user_errors(), rejection("OWN_COURSE", "courseId"));
    }
    for other in [system.app.teacher(ALICE), system.app.unverified_teacher(BOB)] {
        assert_eq!(enroll(&other, SQL, None).await.ok().user_errors(), []);
    }
    assert_eq!(system.enrollments(TERESA, SQL).await, []);
    assert_eq!(system.enrollments(ALICE, SQL).await, [None]);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn an_unavailable_course_subgraph_is_reported_as_unavailable(db: PgPool) {
    let reply = enroll(&app(db.clone()).await.student(BOB), SQL, None).await;

    assert_eq!(reply.error(), Some("SERVICE_UNAVAILABLE"));
    assert_eq!(published(&db).await, []);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn no_connection_is_held_while_others_are_asked(db: PgPool) {
    let options = db.connect_options().as_ref().clone();
    let single = PgPoolOptions::new().max_connections(1).connect_with(options).await.expect("a connection");
    let system = TestSystem::new(single).await;

    let reply = enroll(&system.app.student(BOB), SQL, None).await.ok();

    assert_eq!(reply.user_errors(), []);
}
