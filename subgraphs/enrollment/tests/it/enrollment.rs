use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_testing::StatementCount;
use uuid::Uuid;

use crate::fixtures::*;

const ENROLLMENT: &str =
    "query ($id: ID!) { enrollment(id: $id) { id status enrolledAt student { id } course { id } payment { id } } }";

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn an_enrollment_names_its_student_course_and_payment(db: PgPool) {
    let app = app(db).await;

    let reply = app.student(ALICE).send(ENROLLMENT, json!({ "id": ALICES_RUST })).await.ok();

    assert_eq!(
        reply.data("/enrollment"),
        &json!({
            "id": ALICES_RUST,
            "status": "IN_PROGRESS",
            "enrolledAt": "2026-01-01T10:00:00.000Z",
            "student": { "id": ALICE },
            "course": { "id": RUST },
            "payment": { "id": ALICES_PAYMENT },
        })
    );
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_place_on_a_free_course_has_no_payment(db: PgPool) {
    let app = app(db).await;

    let reply = app.student(ALICE).send(ENROLLMENT, json!({ "id": ALICES_SQL })).await.ok();

    assert_eq!(reply.data("/enrollment/payment"), &Value::Null);
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn an_enrollment_that_does_not_exist_is_null(db: PgPool) {
    let app = app(db).await;

    let reply = app.admin().send(ENROLLMENT, json!({ "id": NOBODY })).await.ok();

    assert_eq!(reply.data("/enrollment"), &Value::Null);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn an_id_that_is_no_uuid_is_a_bad_input(db: PgPool) {
    let app = app(db).await;

    let reply = app.admin().send("{ enrollment(id: \"bob\") { id } }", json!({})).await;

    assert_eq!(reply.error(), Some("BAD_USER_INPUT"));
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn entities_are_private_and_a_dead_key_costs_only_itself(db: PgPool) {
    let app = app(db).await;
    let keys = [json!(ALICES_RUST), json!(NOBODY), json!("no uuid"), json!(BOBS_RUST), json!(7)];
    let representations: Value = keys.iter().map(|id| json!({ "__typename": "Enrollment", "id": id })).collect();

    let own = app.student(ALICE).entities("... on Enrollment { id status }", representations.clone()).await.ok();
    let all = app.admin().entities("... on Enrollment { id }", representations.clone()).await.ok();
    let teachers = app.teacher(TERESA).entities("... on Enrollment { id }", representations.clone()).await.ok();
    let none = app.anonymous().entities("... on Enrollment { id }", representations).await.ok();

    assert_eq!(
        own.data("/_entities"),
        &json!([{ "id": ALICES_RUST, "status": "IN_PROGRESS" }, null, null, null, null])
    );
    assert_eq!(all.data("/_entities"), &json!([{ "id": ALICES_RUST }, null, null, { "id": BOBS_RUST }, null]));
    assert_eq!(teachers.data("/_entities"), &json!([null, null, null, null, null]));
    assert_eq!(none.data("/_entities"), &json!([null, null, null, null, null]));
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn the_number_of_statements_does_not_depend_on_the_number_of_entities(db: PgPool) {
    let admin = app(db.clone()).await.admin();
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "insert into enrollments (student_id, course_id) select gen_random_uuid(), gen_random_uuid() from generate_series(1, 100) returning id",
    )
    .fetch_all(&db)
    .await
    .expect("the enrollments are inserted");

    for size in [1, 20, 100] {
        let representations: Value =
            ids[..size].iter().map(|id| json!({ "__typename": "Enrollment", "id": id })).collect();
        let statements = StatementCount::start();
        let reply = admin.entities("... on Enrollment { id status }", representations).await.ok();

        assert_eq!(reply.data("/_entities").as_array().map(Vec::len), Some(size));
        assert_eq!(statements.get(), 1, "for {size}");
    }
}
