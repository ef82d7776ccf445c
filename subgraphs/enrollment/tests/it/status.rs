//! The mutation `setEnrollmentStatus`.

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::{PgPool, query_scalar};
use subgraph_testing::{Client, Reply};
use uuid::Uuid;

use crate::fixtures::*;

const SET_STATUS: &str = "mutation ($input: SetEnrollmentStatusInput!) {
    setEnrollmentStatus(input: $input) { enrollment { id status } userErrors { code field } }
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
        &json!({ "enrollment": { "id": ALICES_SQL, "status": "IN_PROGRESS" }, "userErrors": [] })
    );
    assert_eq!(completed.data("/setEnrollmentStatus/enrollment/status"), "COMPLETED");
    assert_eq!(stored(&db, ALICES_SQL).await, "completed");
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_status_neither_goes_back_nor_stays(db: PgPool) {
    let bob = app(db.clone()).await.student(BOB);

    for status in ["ENROLLED", "IN_PROGRESS", "COMPLETED"] {
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
async fn of_many_equal_changes_at_once_one_is_made(db: PgPool) {
    let alice = app(db).await.student(ALICE);

    let replies = join_all((0..10).map(|_| set(&alice, ALICES_SQL, "COMPLETED"))).await;

    let made = replies.iter().filter(|reply| reply.user_errors().is_empty()).count();
    assert_eq!(made, 1, "{replies:?}");
}
