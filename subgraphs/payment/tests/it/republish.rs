//! Payments are republished.

use serde_json::json;
use sqlx::PgPool;

use crate::{
    fixtures::*,
    shop::{COMPLETED, REFUNDED, Shop},
};

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_payment_is_republished_as_it_stands(db: PgPool) {
    let shop = Shop::open(db).await;
    let admin = shop.app.admin();
    let bought = shop.bought(ALICE, RUST, "key").await;
    let imported = shop.import(BOB, RUST, "completed").await;

    let completed = shop.republish(&admin, bought).await.ok();
    shop.given_back(bought).await;
    let refunded = shop.republish(&admin, bought).await.ok();
    shop.republish_ok(imported).await;

    assert_eq!(
        completed.data("/republishPayment"),
        &json!({ "payment": { "id": bought, "status": "COMPLETED" }, "userErrors": [] })
    );
    assert_eq!(refunded.data("/republishPayment/payment/status"), "REFUNDED");
    let told = shop.published().await;
    assert_eq!(shop.published_types().await, [COMPLETED, COMPLETED, REFUNDED, REFUNDED, COMPLETED]);
    assert_eq!((&told[0].1, &told[2].1), (&told[1].1, &told[3].1));
    let data = json!({
        "payment_id": imported, "student_id": BOB, "course_id": RUST, "course_title": "Rust", "amount": "49.99",
    });
    assert_eq!(told[4].1, data);
    assert_eq!((shop.provider.charge_requests(), shop.provider.refund_requests()), (1, 1));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_refund_of_the_legacy_system_was_requested(db: PgPool) {
    let shop = Shop::open(db).await;
    let imported = shop.import(BOB, RUST, "refunded").await;

    shop.republish_ok(imported).await;

    assert_eq!(shop.published().await[0].1["reason"], "requested");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn what_nobody_was_told_is_not_republished(db: PgPool) {
    let shop = Shop::open(db).await;

    for status in ["pending", "failed"] {
        let id = shop.import(ALICE, RUST, status).await;
        let reply = shop.republish(&shop.app.admin(), id).await.ok();

        assert_eq!(reply.user_errors(), [("INVALID_INPUT", "paymentId".to_owned())], "{status}");
    }
    let reply = shop.republish(&shop.app.admin(), NOBODY).await.ok();

    assert_eq!(reply.user_errors(), [("NOT_FOUND", "paymentId".to_owned())]);
    assert_eq!(shop.count("outbox_events").await, 0);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn only_admins_republish_a_payment(db: PgPool) {
    let shop = Shop::open(db).await;
    let id = shop.bought(ALICE, RUST, "key").await;

    for (client, code) in [
        (shop.app.anonymous(), "UNAUTHENTICATED"),
        (shop.app.student(ALICE), "FORBIDDEN"),
        (shop.app.teacher(TERESA), "FORBIDDEN"),
    ] {
        assert_eq!(shop.republish(&client, id).await.error(), Some(code));
    }

    assert_eq!(shop.published().await.len(), 1);
}
