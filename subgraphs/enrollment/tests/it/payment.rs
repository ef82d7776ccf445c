use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_testing::StatementCount;
use uuid::Uuid;

use crate::fixtures::*;

const BOUGHT: &str = "... on Payment { enrollment { id } }";

fn payments(ids: &[Uuid]) -> Value {
    ids.iter().map(|id| json!({ "__typename": "Payment", "id": id })).collect()
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_payment_leads_to_what_it_bought(db: PgPool) {
    let app = app(db).await;
    let asked = payments(&[ALICES_PAYMENT, BOBS_PAYMENT, UNUSED_PAYMENT]);

    let alice = app.student(ALICE).entities(BOUGHT, asked.clone()).await.ok();
    let admin = app.admin().entities(BOUGHT, asked.clone()).await.ok();
    let teresa = app.teacher(TERESA).entities(BOUGHT, asked).await.ok();

    assert_eq!(
        alice.data("/_entities"),
        &json!([{ "enrollment": { "id": ALICES_RUST } }, { "enrollment": null }, { "enrollment": null }])
    );
    assert_eq!(
        admin.data("/_entities"),
        &json!([{ "enrollment": { "id": ALICES_RUST } }, { "enrollment": { "id": BOBS_RUST } }, { "enrollment": null }])
    );
    assert_eq!(
        teresa.data("/_entities"),
        &json!([{ "enrollment": null }, { "enrollment": null }, { "enrollment": null }])
    );
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_payment_that_an_imported_database_names_twice_bought_the_first(db: PgPool) {
    let alice = app(db.clone()).await.student(ALICE);
    sqlx::query("update enrollments set payment_id = $1 where student_id = $2")
        .bind(ALICES_PAYMENT)
        .bind(ALICE)
        .execute(&db)
        .await
        .expect("the payment is named twice");
    sqlx::raw_sql(concat!(
        "drop table payment_redemptions;",
        include_str!("../../../../migrations/enrollment/004_payment_uses.sql"),
        include_str!("../../../../migrations/enrollment/008_payment_redemptions.sql"),
    ))
    .execute(&db)
    .await
    .expect("the database is imported");

    let reply = alice.entities(BOUGHT, payments(&[ALICES_PAYMENT])).await.ok();

    assert_eq!(reply.data("/_entities/0/enrollment/id"), &json!(ALICES_RUST));
}

#[sqlx::test(migrations = "../../migrations/enrollment", fixtures("enrollments"))]
async fn a_dead_key_costs_only_itself(db: PgPool) {
    let admin = app(db).await.admin();
    let asked = json!([
        { "__typename": "Payment", "id": ALICES_PAYMENT },
        { "__typename": "Payment", "id": "no uuid" },
        { "__typename": "Payment", "id": BOBS_PAYMENT },
    ]);

    let reply = admin.entities(BOUGHT, asked).await.ok();

    assert_eq!(
        reply.data("/_entities"),
        &json!([{ "enrollment": { "id": ALICES_RUST } }, null, { "enrollment": { "id": BOBS_RUST } }])
    );
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn the_number_of_statements_does_not_depend_on_the_number_of_payments(db: PgPool) {
    let alice = app(db).await.student(ALICE);

    for size in [1_u128, 20, 100] {
        let ids: Vec<_> = (1..=size).map(Uuid::from_u128).collect();
        let statements = StatementCount::start();
        let reply = alice.entities(BOUGHT, payments(&ids)).await.ok();

        assert_eq!(reply.data("/_entities").as_array().map(Vec::len), ids.len().into());
        assert_eq!(statements.get(), 1, "for {size}");
    }
}
