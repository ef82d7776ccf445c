use serde_json::json;
use sqlx::PgPool;
use subgraph_testing::StatementCount;

use crate::fixtures::*;

const COURSE: &str = "query ($id: ID!) {
    course(id: $id) { id title description level isFree price durationMinutes createdAt teacher { id } }
}";

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_course_says_what_its_row_says(db: PgPool) {
    let reply = app(db).await.anonymous().send(COURSE, json!({ "id": SQL })).await.ok();

    assert_eq!(
        reply.data("/course"),
        &json!({
            "id": SQL,
            "title": "SQL",
            "description": "Joins, and no rust",
            "level": "INTERMEDIATE",
            "isFree": false,
            "price": "49.99",
            "durationMinutes": 120,
            "createdAt": "2026-01-02T10:00:00.500Z",
            "teacher": { "id": TERESA },
        })
    );
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_price_has_two_decimals_and_a_free_course_has_none(db: PgPool) {
    let app = app(db).await;

    let latin = app.anonymous().send(COURSE, json!({ "id": LATIN })).await.ok();
    let rust = app.anonymous().send(COURSE, json!({ "id": RUST })).await.ok();

    assert_eq!(latin.data("/course/price"), "5.00");
    assert!(rust.data("/course/price").is_null());
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_course_that_is_not_there_is_null(db: PgPool) {
    let reply = app(db).await.anonymous().send(COURSE, json!({ "id": NOBODY })).await.ok();

    assert!(reply.data("/course").is_null());
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn an_id_that_is_none_is_a_bad_input(db: PgPool) {
    let app = app(db).await;

    for id in [json!("rust"), json!(""), json!(1), json!("00000000-0000-0000-0000-00000000000g")] {
        let reply = app.anonymous().send(COURSE, json!({ "id": id })).await;

        assert_eq!(reply.error(), Some("BAD_USER_INPUT"), "{id}: {}", reply.json);
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn a_dead_key_costs_only_its_own_edge(db: PgPool) {
    let keys = [json!(RUST), json!(NOBODY), json!("no id at all"), json!(SQL)];
    let representations = keys.map(|id| json!({ "__typename": "Course", "id": id }));

    let reply = app(db).await.anonymous().entities("... on Course { title }", json!(representations)).await.ok();

    assert_eq!(reply.data("/_entities"), &json!([{ "title": "Rust" }, null, null, { "title": "SQL" }]));
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn any_number_of_keys_costs_one_statement(db: PgPool) {
    let app = app(db).await;

    for keys in [1, 20, 100] {
        let ids = [RUST, SQL, LATIN].into_iter().cycle().take(keys);
        let representations: Vec<_> = ids.map(|id| json!({ "__typename": "Course", "id": id })).collect();
        let statements = StatementCount::start();
        let selection = "... on Course { title price teacher { id } }";
        let reply = app.anonymous().entities(selection, json!(representations)).await.ok();

        assert_eq!(statements.get(), 1, "{keys} keys");
        assert_eq!(reply.data("/_entities").as_array().map(Vec::len), Some(keys));
    }
}

#[sqlx::test(migrations = "../../migrations/course", fixtures("courses"))]
async fn courses_by_alias_cost_one_statement(db: PgPool) {
    let app = app(db).await;
    let document = format!("{{ a: course(id: \"{RUST}\") {{ title }} b: course(id: \"{SQL}\") {{ title }} }}");

    let statements = StatementCount::start();
    let reply = app.anonymous().send(&document, json!({})).await.ok();

    assert_eq!(reply.json["data"], json!({ "a": { "title": "Rust" }, "b": { "title": "SQL" } }));
    assert_eq!(statements.get(), 1);
}

#[sqlx::test(migrations = "../../migrations/course")]
async fn a_bad_token_is_an_error_even_for_what_everyone_may_see(db: PgPool) {
    let app = app(db).await;

    for value in ["Bearer", "Bearer x", "Basic YTpi", "Bearer eyJhbGciOiJub25lIn0.e30."] {
        let reply =
            app.anonymous().with_header("authorization", value).send("{ courses { totalCount } }", json!({})).await;

        assert_eq!(reply.error(), Some("UNAUTHENTICATED"), "{value}");
    }
}
