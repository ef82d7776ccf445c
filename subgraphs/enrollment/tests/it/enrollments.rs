//! The list of all enrollments.

use serde_json::Value;
use sqlx::PgPool;
use subgraph_testing::list::List;

use crate::fixtures::*;

fn enrollments() -> List {
    List::root("enrollments")
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn an_admin_pages_through_all_newest_first(db: PgPool) {
    let admin = app(db).await.admin();

    enrollments().check(&admin, [BOBS_RUST, ALICES_SQL, ALICES_RUST]).await;
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn the_list_can_be_cut_down_to_a_status(db: PgPool) {
    let admin = app(db).await.admin();

    enrollments().with("status: COMPLETED").check(&admin, [BOBS_RUST]).await;
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn for_everyone_else_it_is_null_with_an_error(db: PgPool) {
    let app = app(db).await;

    for (client, code) in
        [(app.anonymous(), "UNAUTHENTICATED"), (app.student(ALICE), "FORBIDDEN"), (app.teacher(TERESA), "FORBIDDEN")]
    {
        let reply = enrollments().page(&client, "first: 20").await;

        assert_eq!(reply.error(), Some(code));
        assert_eq!(reply.data("/enrollments"), &Value::Null);
    }
}
