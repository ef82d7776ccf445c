//! The list of all enrollments.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::fixtures::*;

const LIST: &str = "query ($first: Int, $after: String, $status: EnrollmentStatus) {
    enrollments(first: $first, after: $after, status: $status) {
        nodes { id }
        pageInfo { endCursor hasNextPage }
        totalCount
    }
}";

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn an_admin_pages_through_all_newest_first(db: PgPool) {
    let admin = app(db).await.admin();

    let first = admin.send(LIST, json!({ "first": 2 })).await.ok();
    let cursor = first.data("/enrollments/pageInfo/endCursor");
    let second = admin.send(LIST, json!({ "first": 2, "after": cursor })).await.ok();

    assert_eq!(first.data("/enrollments/nodes"), &json!([{ "id": BOBS_RUST }, { "id": ALICES_SQL }]));
    assert_eq!(first.data("/enrollments/totalCount"), 3);
    assert_eq!(second.data("/enrollments/nodes"), &json!([{ "id": ALICES_RUST }]));
    assert_eq!(second.data("/enrollments/pageInfo/hasNextPage"), false);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn the_list_can_be_cut_down_to_a_status(db: PgPool) {
    let reply = app(db).await.admin().send(LIST, json!({ "status": "COMPLETED" })).await.ok();

    assert_eq!(reply.data("/enrollments/nodes"), &json!([{ "id": BOBS_RUST }]));
    assert_eq!(reply.data("/enrollments/totalCount"), 1);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn for_everyone_else_it_is_null_with_an_error(db: PgPool) {
    let app = app(db).await;

    for (client, code) in
        [(app.anonymous(), "UNAUTHENTICATED"), (app.student(ALICE), "FORBIDDEN"), (app.teacher(TERESA), "FORBIDDEN")]
    {
        let reply = client.send(LIST, json!({})).await;

        assert_eq!(reply.error(), Some(code));
        assert_eq!(reply.data("/enrollments"), &Value::Null);
    }
}
