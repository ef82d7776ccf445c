//! What a notification is about.

use contracts::{
    CourseId, EnrollmentId, PaymentId, UserId,
    events::{
        CourseWithdrawn, EnrollmentPayload, EventPayload, Purchase, Refund, RefundReason, Registration, Revocation,
    },
};
use serde_json::{Value, json};
use service::ServiceContext;
use sqlx::{PgPool, query};
use subgraph_testing::{StatementCount, events::handle, verifier};
use uuid::Uuid;

use crate::fixtures::*;

const COURSE: Uuid = Uuid::from_u128(0xc0);
const PAYMENT: Uuid = Uuid::from_u128(0xf0);
const ENROLLMENT: Uuid = Uuid::from_u128(0xe0);

const SUBJECT: &str = "subject { __typename ... on Course { id } ... on Payment { id } ... on Enrollment { id } }";

#[sqlx::test(migrations = "../../migrations/notification")]
async fn each_event_says_what_it_is_about(db: PgPool) {
    let subgraph = notification::subgraph(db.clone(), &ServiceContext::new(verifier())).await.expect("it opens");
    let purchase = Purchase {
        payment_id: PaymentId(PAYMENT),
        student_id: UserId(CAROL),
        course_id: CourseId(COURSE),
        course_title: "Rust".to_owned(),
        amount: "10".parse().expect("an amount"),
    };
    let enrollment = EnrollmentPayload {
        enrollment_id: EnrollmentId(ENROLLMENT),
        student_id: UserId(CAROL),
        course_id: CourseId(COURSE),
        course_title: "Rust".to_owned(),
        payment_id: Some(PaymentId(PAYMENT)),
    };
    for payload in [
        EventPayload::UserRegistered(Registration { user_id: UserId(CAROL), name: "Carol".to_owned() }),
        EventPayload::PaymentCompleted(purchase.clone()),
        EventPayload::EnrollmentCreated(enrollment.clone()),
        EventPayload::PaymentRefunded(Refund { purchase, reason: RefundReason::Requested }),
        EventPayload::EnrollmentRevoked(Revocation { enrollment, removal_reason: None }),
        EventPayload::CourseWithdrawn(CourseWithdrawn {
            withdrawal_id: Uuid::from_u128(0xd0),
            course_id: CourseId(COURSE),
            course_title: "Rust".to_owned(),
            teacher_id: UserId(CAROL),
            withdrawn_by: UserId(ALICE),
            reason: Some("Copied.".to_owned()),
        }),
    ] {
        handle(&subgraph, payload).await;
    }
    let carol = app(db).await.student(CAROL);
    let user = json!([{ "__typename": "User", "id": CAROL }]);

    let selection = format!("... on User {{ notifications {{ nodes {{ title {SUBJECT} }} }} }}");
    let reply = carol.entities(&selection, user).await.ok();

    let nodes = reply.data("/_entities/0/notifications/nodes").as_array().expect("a list");
    let mut subjects: Vec<_> = nodes.iter().map(|node| node["subject"].clone()).collect();
    subjects.reverse();
    let subject = |name: &str, id: Uuid| json!({ "__typename": name, "id": id });
    assert_eq!(
        subjects,
        [
            Value::Null,
            subject("Payment", PAYMENT),
            subject("Enrollment", ENROLLMENT),
            subject("Payment", PAYMENT),
            // The enrollment is no more.
            subject("Course", COURSE),
            subject("Course", COURSE),
        ]
    );
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn what_was_written_before_there_were_subjects_has_none(db: PgPool) {
    let alice = app(db).await.student(ALICE);

    let document = format!("query ($id: ID!) {{ notification(id: $id) {{ title {SUBJECT} }} }}");
    let reply = alice.send(&document, json!({ "id": ALICES_PAYMENT })).await.ok();

    assert_eq!(reply.data("/notification"), &json!({ "title": "You paid for Rust", "subject": null }));
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_subject_has_a_type_and_an_id_or_neither(db: PgPool) {
    for half in ["subject_type = 'course'", "subject_id = gen_random_uuid()"] {
        let update = format!("update notifications set {half}");
        let refused = query(sqlx::AssertSqlSafe(update)).execute(&db).await.expect_err("it is refused");

        assert!(refused.to_string().contains("notifications_subject_has_type_and_id"), "{refused}");
    }
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn subjects_cost_no_statement(db: PgPool) {
    let alice = app(db).await.student(ALICE);
    let user = json!([{ "__typename": "User", "id": ALICE }]);

    let statements = StatementCount::start();
    let _ = alice.entities(&format!("... on User {{ notifications {{ nodes {{ {SUBJECT} }} }} }}"), user).await.ok();

    assert_eq!(statements.get(), 1);
}
