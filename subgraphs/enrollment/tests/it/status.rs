//! The mutation `setEnrollmentStatus`.

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::{PgPool, query_scalar};
use subgraph_testing::{Client, Reply};
use uuid::Uuid;

use crate::fixtures::*;

const SET_STATUS: &str = "mutation ($input: SetEnrollmentStatusInput!) {
    setEnrollmentStatus(input: $input) { enrollment { id status completedAt } userErrors { code field } }
}";

async fn set(client: &Client, enrollment: Uuid, status: &str) -> Reply {
    client.send(SET_STATUS, json!({ "input": { "enrollmentId": enrollment, "status": status } })).await
}

async fn stored(db: &PgPool, enrollment: Uuid) -> String {
    let status = query_scalar("select status::text from enrollments where id = $1").bind(enrollment);
    status.fetch_one(db).await.expect("the enrollment is there")
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_student_gets_further(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);

    let begun = set(&alice, ALICES_SQL, "IN_PROGRESS").await.ok();
    let completed = set(&alice, ALICES_SQL, "COMPLETED").await.ok();

    assert_eq!(
        begun.data("/setEnrollmentStatus"),
        &json!({ "enrollment": { "id": ALICES_SQL, "status": "IN_PROGRESS", "completedAt": null }, "userErrors": [] })
    );
    assert!(completed.data("/setEnrollmentStatus/enrollment/completedAt").is_string());
    assert_eq!(completed.data("/setEnrollmentStatus/enrollment/status"), "COMPLETED");
    assert_eq!(stored(&db, ALICES_SQL).await, "completed");
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_status_does_not_go_back(db: PgPool) {
    let bob = app(db.clone()).await.student(BOB);

    for status in ["ENROLLED", "IN_PROGRESS"] {
        let reply = set(&bob, BOBS_RUST, status).await.ok();

        assert_eq!(reply.user_errors(), [("INVALID_STATUS_TRANSITION", "status".to_owned())], "{status}");
        assert_eq!(reply.data("/setEnrollmentStatus/enrollment"), &Value::Null);
        assert_eq!(stored(&db, BOBS_RUST).await, "completed");
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn what_is_anothers_is_not_found(db: PgPool) {
    let app = app(db.clone()).await;

    for stranger in [app.student(BOB), app.teacher(TERESA), app.admin()] {
        for enrollment in [ALICES_SQL, NOBODY] {
            let reply = set(&stranger, enrollment, "COMPLETED").await.ok();

            assert_eq!(reply.user_errors(), [("NOT_FOUND", "enrollmentId".to_owned())]);
        }
    }
    assert_eq!(set(&app.anonymous(), ALICES_SQL, "COMPLETED").await.error(), Some("UNAUTHENTICATED"));
    assert_eq!(stored(&db, ALICES_SQL).await, "enrolled");
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn many_equal_changes_at_once_all_succeed_and_one_is_made(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);

    let replies = join_all((0..10).map(|_| set(&alice, ALICES_SQL, "COMPLETED"))).await;

    let first = replies[0].data("/setEnrollmentStatus");
    assert_eq!(first["enrollment"]["status"], "COMPLETED");
    for reply in &replies {
        assert_eq!(reply.data("/setEnrollmentStatus"), first, "the same time, too");
    }
    let changes: i64 = query_scalar("select count(*) from enrollment_history").fetch_one(&db).await.expect("a count");
    assert_eq!(changes, 1);
}

/// A client repeats a request whose answer was lost.
#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn the_same_status_again_succeeds_and_changes_nothing(db: PgPool) {
    let app = app(db.clone()).await;

    for (student, enrollment, status) in
        [(ALICE, ALICES_SQL, "ENROLLED"), (ALICE, ALICES_RUST, "IN_PROGRESS"), (BOB, BOBS_RUST, "COMPLETED")]
    {
        let reply = set(&app.student(student), enrollment, status).await.ok();

        let unchanged = json!({ "id": enrollment, "status": status, "completedAt": null });
        assert_eq!(reply.data("/setEnrollmentStatus"), &json!({ "enrollment": unchanged, "userErrors": [] }));
    }
    let changes: i64 = query_scalar("select count(*) from enrollment_history").fetch_one(&db).await.expect("a count");
    assert_eq!(changes, 0);
}
