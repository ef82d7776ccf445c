//! The viewer's own payment for a course.

use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_testing::StatementCount;
use uuid::Uuid;

use crate::fixtures::*;

const VIEWER_PAYMENT: &str = "... on Course { viewerPayment { id status student { id } } }";

fn course(id: impl Into<Value>) -> Value {
    json!({ "__typename": "Course", "id": id.into() })
}

fn courses() -> Value {
    json!([course(RUST.to_string()), course(SQL.to_string()), course("no uuid"), course(LATIN.to_string()),])
}

async fn pay(db: &PgPool, student: Uuid, course: Uuid, status: &str, time: &str) -> Uuid {
    sqlx::query_scalar(
        "insert into payments (student_id, course_id, amount, status, created_at)
         values ($1, $2, 1, $3::text::payment_status, $4::text::timestamptz) returning id",
    )
    .bind(student)
    .bind(course)
    .bind(status)
    .bind(time)
    .fetch_one(db)
    .await
    .expect("a payment")
}

#[sqlx::test(migrations = "../../migrations/payment", fixtures("payments"))]
async fn a_viewer_finds_their_own_payment_for_a_course(db: PgPool) {
    let app = app(db).await;

    let alice = app.student(ALICE).entities(VIEWER_PAYMENT, courses()).await.ok();
    let own = json!({ "viewerPayment": { "id": ALICES_RUST, "status": "COMPLETED", "student": { "id": ALICE } } });
    let none = json!({ "viewerPayment": null });
    assert_eq!(alice.data("/_entities"), &json!([own, none, null, none]), "SQL was refunded");

    for (client, seen) in [
        (app.student(BOB), json!(BOBS_RUST)),
        (app.teacher(TERESA), Value::Null),
        (app.admin(), Value::Null),
        (app.anonymous(), Value::Null),
    ] {
        let reply = client.entities(VIEWER_PAYMENT, courses()).await.ok();
        let id = reply.data("/_entities/0/viewerPayment").pointer("/id").cloned().unwrap_or_default();
        assert_eq!(id, seen);
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_pending_payment_counts_and_of_several_the_newest(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);
    let pending = pay(&db, ALICE, RUST, "pending", "2026-01-01T00:00:00Z").await;
    pay(&db, ALICE, RUST, "failed", "2026-01-02T00:00:00Z").await;
    pay(&db, ALICE, SQL, "completed", "2026-01-01T00:00:00Z").await;
    let newest = pay(&db, ALICE, SQL, "completed", "2026-01-02T00:00:00Z").await;
    pay(&db, ALICE, LATIN, "refunded", "2026-01-01T00:00:00Z").await;

    let reply = alice.entities("... on Course { viewerPayment { id } }", courses()).await.ok();

    let found = |id: Uuid| json!({ "viewerPayment": { "id": id } });
    assert_eq!(reply.data("/_entities"), &json!([found(pending), found(newest), null, { "viewerPayment": null }]));
}

#[sqlx::test(migrations = "../../migrations/payment", fixtures("payments"))]
async fn the_number_of_statements_does_not_depend_on_the_number_of_courses(db: PgPool) {
    let app = app(db).await;

    for size in [1_u128, 20, 100] {
        let courses: Value = (1..=size).map(|id| course(Uuid::from_u128(id).to_string())).collect();
        let statements = StatementCount::start();
        _ = app.student(ALICE).entities(VIEWER_PAYMENT, courses.clone()).await.ok();
        assert_eq!(statements.get(), 1, "for {size}");

        let statements = StatementCount::start();
        _ = app.anonymous().entities(VIEWER_PAYMENT, courses).await.ok();
        assert_eq!(statements.get(), 0);
    }
}
