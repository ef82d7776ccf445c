use serde_json::json;
use sqlx::PgPool;
use subgraph_testing::StatementCount;

use crate::fixtures::*;

const NOTIFICATION: &str =
    "query ($id: ID!) { notification(id: $id) { id type title body isRead createdAt user { id } } }";

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_notification_says_what_its_row_says(db: PgPool) {
    let alice = app(db).await.student(ALICE);

    let reply = alice.send(NOTIFICATION, json!({ "id": ALICES_ENROLLMENT })).await.ok();

    assert_eq!(
        reply.data("/notification"),
        &json!({
            "id": ALICES_ENROLLMENT,
            "type": "ENROLLMENT",
            "title": "You are on Rust",
            "body": "Have fun",
            "isRead": false,
            "createdAt": "2026-01-02T10:00:00.500Z",
            "user": { "id": ALICE },
        })
    );
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn what_is_not_there_and_what_is_anothers_look_the_same(db: PgPool) {
    let alice = app(db).await.student(ALICE);

    let absent = alice.send(NOTIFICATION, json!({ "id": NOBODY })).await.ok();
    let anothers = alice.send(NOTIFICATION, json!({ "id": BOBS_WELCOME })).await.ok();

    assert_eq!(absent.json, anothers.json);
    assert!(absent.data("/notification").is_null());
}

#[sqlx::test(migrations = "../../migrations/notification")]
async fn an_id_that_is_none_is_a_bad_input(db: PgPool) {
    let alice = app(db).await.student(ALICE);

    for id in [json!("welcome"), json!(""), json!(1), json!("00000000-0000-0000-0000-00000000000g")] {
        let reply = alice.send(NOTIFICATION, json!({ "id": id })).await;

        assert_eq!(reply.error(), Some("BAD_USER_INPUT"), "{id}: {}", reply.json);
    }
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn a_dead_key_costs_only_its_own_edge(db: PgPool) {
    let alice = app(db).await.student(ALICE);
    let keys =
        [json!(ALICES_WELCOME), json!(NOBODY), json!("no id at all"), json!(BOBS_WELCOME), json!(ALICES_PAYMENT)];
    let representations = keys.map(|id| json!({ "__typename": "Notification", "id": id }));

    let reply = alice.entities("... on Notification { title }", json!(representations)).await.ok();

    assert_eq!(
        reply.data("/_entities"),
        &json!([{ "title": "Welcome, Alice" }, null, null, null, { "title": "You paid for Rust" }])
    );
}

#[sqlx::test(migrations = "../../migrations/notification", fixtures("notifications"))]
async fn any_number_of_keys_costs_one_statement(db: PgPool) {
    let alice = app(db).await.student(ALICE);

    for keys in [1, 20, 100] {
        let representations = vec![json!({ "__typename": "Notification", "id": ALICES_WELCOME }); keys];
        let statements = StatementCount::start();
        let reply = alice.entities("... on Notification { title isRead }", json!(representations)).await.ok();

        assert_eq!(statements.get(), 1, "{keys} keys");
        assert_eq!(reply.data("/_entities").as_array().map(Vec::len), Some(keys));
    }
}
