use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_testing::StatementCount;
use uuid::Uuid;

use crate::fixtures::*;

const PAYMENT: &str =
    "query ($id: ID!) { payment(id: $id) { id amount status createdAt student { id } course { id } } }";

#[sqlx::test(migrations = "../../migrations/payment", fixtures("payments"))]
async fn a_payment_says_who_paid_how_much_for_what(db: PgPool) {
    let app = app(db).await;

    let reply = app.student(ALICE).send(PAYMENT, json!({ "id": ALICES_RUST })).await.ok();

    assert_eq!(
        reply.data("/payment"),
        &json!({
            "id": ALICES_RUST,
            "amount": "49.90",
            "status": "COMPLETED",
            "createdAt": "2026-01-01T10:00:00.000Z",
            "student": { "id": ALICE },
            "course": { "id": RUST },
        })
    );
}

#[sqlx::test(migrations = "../../migrations/payment", fixtures("payments"))]
async fn an_amount_is_a_string_with_two_decimals(db: PgPool) {
    let admin = app(db.clone()).await.admin();

    for (stored, shown) in
        [("0", "0.00"), ("1", "1.00"), ("0.1", "0.10"), ("100", "100.00"), ("9999999999.99", "9999999999.99")]
    {
        sqlx::query("update payments set amount = $1::text::numeric where id = $2")
            .bind(stored)
            .bind(ALICES_RUST)
            .execute(&db)
            .await
            .expect("the amount is set");
        let reply =
            admin.send("query ($id: ID!) { payment(id: $id) { amount } }", json!({ "id": ALICES_RUST })).await.ok();

        assert_eq!(reply.data("/payment/amount"), shown);
    }
}

#[sqlx::test(migrations = "../../migrations/payment", fixtures("payments"))]
async fn each_status_has_its_name(db: PgPool) {
    let admin = app(db.clone()).await.admin();

    for status in ["pending", "completed", "failed", "refunded"] {
        sqlx::query("update payments set status = $1::text::payment_status")
            .bind(status)
            .execute(&db)
            .await
            .expect("the status is set");
        let reply =
            admin.send("query ($id: ID!) { payment(id: $id) { status } }", json!({ "id": ALICES_RUST })).await.ok();

        assert_eq!(reply.data("/payment/status"), &json!(status.to_uppercase()));
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_payment_that_does_not_exist_is_null(db: PgPool) {
    let app = app(db).await;

    let reply = app.admin().send(PAYMENT, json!({ "id": NOBODY })).await.ok();

    assert_eq!(reply.data("/payment"), &Value::Null);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn an_id_that_is_no_uuid_is_a_bad_input(db: PgPool) {
    let app = app(db).await;

    let reply = app.admin().send("{ payment(id: \"bob\") { id } }", json!({})).await;

    assert_eq!(reply.error(), Some("BAD_USER_INPUT"));
}

#[sqlx::test(migrations = "../../migrations/payment", fixtures("payments"))]
async fn entities_are_private_and_a_dead_key_costs_only_itself(db: PgPool) {
    let app = app(db).await;
    let keys = [json!(ALICES_RUST), json!(NOBODY), json!("no uuid"), json!(BOBS_RUST), json!(7)];
    let representations: Value = keys.iter().map(|id| json!({ "__typename": "Payment", "id": id })).collect();

    let own = app.student(ALICE).entities("... on Payment { id amount }", representations.clone()).await.ok();
    let all = app.admin().entities("... on Payment { id }", representations.clone()).await.ok();
    let teachers = app.teacher(TERESA).entities("... on Payment { id }", representations.clone()).await.ok();
    let none = app.anonymous().entities("... on Payment { id }", representations).await.ok();

    assert_eq!(own.data("/_entities"), &json!([{ "id": ALICES_RUST, "amount": "49.90" }, null, null, null, null]));
    assert_eq!(all.data("/_entities"), &json!([{ "id": ALICES_RUST }, null, null, { "id": BOBS_RUST }, null]));
    assert_eq!(teachers.data("/_entities"), &json!([null, null, null, null, null]));
    assert_eq!(none.data("/_entities"), &json!([null, null, null, null, null]));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn the_number_of_statements_does_not_depend_on_the_number_of_entities(db: PgPool) {
    let admin = app(db.clone()).await.admin();
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "insert into payments (student_id, course_id, amount)
         select gen_random_uuid(), gen_random_uuid(), 1 from generate_series(1, 100) returning id",
    )
    .fetch_all(&db)
    .await
    .expect("the payments are inserted");

    for size in [1, 20, 100] {
        let representations: Value =
            ids[..size].iter().map(|id| json!({ "__typename": "Payment", "id": id })).collect();
        let statements = StatementCount::start();
        let reply = admin.entities("... on Payment { id status }", representations).await.ok();

        assert_eq!(reply.data("/_entities").as_array().map(Vec::len), Some(size));
        assert_eq!(statements.get(), 1, "for {size}");
    }
}
