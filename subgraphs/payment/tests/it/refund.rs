//! Refunds of payments.

use contracts::{
    PaymentId,
    events::{EnrollmentRejected, Event, EventPayload},
};
use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_testing::StatementCount;
use uuid::Uuid;

use crate::{
    fake_provider::Behavior,
    fixtures::*,
    shop::{COMPLETED, REFUNDED, Shop, payment_id},
};

fn rejected(payment: Uuid) -> Event {
    Event::new(EventPayload::EnrollmentRejected(EnrollmentRejected { payment_id: PaymentId(payment) }))
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn an_admin_gives_a_payment_back_and_the_others_are_told(db: PgPool) {
    let shop = Shop::open(db).await;
    let id = shop.bought(ALICE, RUST, "key").await;

    let reply = shop.refund(&shop.app.admin(), id).await.ok();

    assert_eq!(
        reply.data("/refundPayment"),
        &json!({
            "payment": {
                "id": id, "amount": "49.99", "status": "REFUNDED", "student": { "id": ALICE }, "course": { "id": RUST },
            },
            "userErrors": [],
        })
    );
    let data = json!({
        "payment_id": id, "student_id": ALICE, "course_id": RUST, "course_title": "Rust", "amount": "49.99",
        "reason": "requested",
    });
    assert_eq!(shop.published().await[1..], [(REFUNDED.to_owned(), data)]);
    assert_eq!((shop.provider.refunds(), shop.provider.refund_requests()), (1, 1));
    assert_eq!(shop.count("refund_requests where next_attempt_at is not null").await, 0);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn only_admins_give_back(db: PgPool) {
    let shop = Shop::open(db).await;
    let id = shop.bought(ALICE, RUST, "key").await;
    let others = [
        (shop.app.anonymous(), "UNAUTHENTICATED"),
        (shop.app.student(ALICE), "FORBIDDEN"),
        (shop.app.teacher(TERESA), "FORBIDDEN"),
        (shop.app.unverified_teacher(TERESA), "FORBIDDEN"),
    ];

    for (client, code) in others {
        assert_eq!(shop.refund(&client, id).await.error(), Some(code));
        assert_eq!(shop.refund(&client, NOBODY).await.error(), Some(code));
    }

    assert_eq!(shop.status(id).await, "completed");
    assert_eq!(shop.count("refund_requests").await, 0);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn what_is_not_completed_cannot_go_back(db: PgPool) {
    let shop = Shop::open(db).await;

    for status in ["pending", "failed", "refunded"] {
        let id = shop.import(ALICE, RUST, status).await;
        let reply = shop.refund(&shop.app.admin(), id).await.ok();

        assert_eq!(reply.user_errors(), [("NOT_REFUNDABLE", "paymentId".to_owned())], "{status}");
        assert_eq!(reply.data("/refundPayment/payment"), &Value::Null);
        assert_eq!(shop.status(id).await, status);
    }
    let reply = shop.refund(&shop.app.admin(), NOBODY).await.ok();

    assert_eq!(reply.user_errors(), [("NOT_FOUND", "paymentId".to_owned())]);
    assert_eq!(shop.provider.refund_requests(), 0);
    assert_eq!(shop.count("refund_requests").await + shop.count("outbox_events").await, 0);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_refund_that_broke_off_is_finished_once(db: PgPool) {
    let shop = Shop::open(db).await;
    let admin = shop.app.admin();

    for behavior in [Behavior::Unavailable, Behavior::LosesResponse] {
        let student = Uuid::now_v7();
        let id = shop.bought(student, RUST, "key").await;
        shop.provider.set_behavior(behavior);
        let reply = shop.refund(&admin, id).await.ok();
        let again = shop.refund(&admin, id).await.ok();
        let bought = shop.buy(student, RUST, "again").await.ok();

        assert_eq!(reply.data("/refundPayment/payment/status"), "COMPLETED");
        assert_eq!(again.user_errors(), [("NOT_REFUNDABLE", "paymentId".to_owned())]);
        assert_eq!(bought.user_errors(), [("ALREADY_PURCHASED", "courseId".to_owned())]);

        shop.provider.set_behavior(Behavior::Immediate);
        shop.settle_all(3).await;
        assert_eq!(shop.status(id).await, "refunded");
    }

    assert_eq!(shop.provider.refunds(), 2);
    assert_eq!(shop.published_types().await, [COMPLETED, REFUNDED].repeat(2));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_payment_of_the_legacy_system_goes_back_too(db: PgPool) {
    let shop = Shop::open(db).await;
    let admin = shop.app.admin();
    let title = async |prepare: &dyn Fn()| {
        let id = shop.import(Uuid::now_v7(), RUST, "completed").await;
        prepare();
        let reply = shop.refund(&admin, id).await.ok();
        assert_eq!(reply.data("/refundPayment/payment/status"), "REFUNDED");
        shop.published().await.last().expect("an event").1["course_title"].clone()
    };

    assert_eq!(title(&|| ()).await, "Rust");
    assert_eq!(title(&|| shop.catalogue.delete(RUST)).await, "a course");
    assert_eq!(title(&|| shop.catalogue.set_unavailable(true)).await, "a course");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_payment_that_could_not_become_a_place_goes_back(db: PgPool) {
    let shop = Shop::open(db).await;
    let ids = [shop.bought(ALICE, RUST, "key").await, shop.import(BOB, RUST, "completed").await];

    for id in ids {
        let event = rejected(id);
        shop.handle(&event).await;
        shop.handle(&event).await;
        shop.handle(&rejected(id)).await;
    }
    shop.work(2, async || shop.count("payments where status = 'refunded'").await == 2).await;

    assert_eq!(shop.provider.refunds(), 2);
    assert_eq!(shop.published_types().await, [COMPLETED, REFUNDED, REFUNDED]);
    for (_, data) in &shop.published().await[1..] {
        assert_eq!((&data["reason"], &data["course_title"]), (&json!("not_enrolled"), &json!("Rust")));
    }
    shop.bought(ALICE, RUST, "again").await;
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn the_state_of_a_hundred_refunds_is_one_statement(db: PgPool) {
    let shop = Shop::open(db).await;
    for student in (1..=100).map(Uuid::from_u128) {
        shop.import(student, RUST, "completed").await;
    }
    let admin = shop.app.admin();
    let document = "query ($first: Int!) { payments(first: $first) { nodes { refundState } } }";
    // The first page since rows were imported finds out that there are.
    assert!(admin.send(document, json!({ "first": 1 })).await.ok().data("/payments/nodes/0").is_object());

    for size in [1, 100] {
        let statements = StatementCount::start();
        let reply = admin.send(document, json!({ "first": size })).await.ok();

        assert_eq!(reply.data("/payments/nodes").as_array().map(Vec::len), Some(size));
        assert_eq!(statements.get(), 2, "the page, and the states, for {size}");
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn what_the_provider_refuses_to_give_back_stays_until_somebody_asks_again(db: PgPool) {
    let shop = Shop::open(db).await;
    let admin = shop.app.admin();
    let id = shop.bought(ALICE, RUST, "key").await;
    assert_eq!(shop.refund_state(id).await, json!("NONE"));

    shop.provider.set_behavior(Behavior::Unavailable);
    shop.given_back(id).await;
    assert_eq!((shop.status(id).await.as_str(), shop.refund_state(id).await), ("completed", json!("UNDERWAY")));
    shop.provider.set_behavior(Behavior::RejectsRefunds);
    shop.settle_all(2).await;
    assert_eq!((shop.status(id).await.as_str(), shop.refund_state(id).await), ("completed", json!("REFUSED")));
    assert_eq!(shop.provider.rejections(), 1, "nobody goes on asking");

    let still = shop.refund(&admin, id).await.ok();
    assert_eq!(still.user_errors(), [("NOT_REFUNDABLE", "paymentId".to_owned())]);
    assert_eq!((shop.provider.rejections(), shop.refund_state(id).await), (2, json!("REFUSED")));
    assert_eq!(shop.published_types().await, [COMPLETED]);

    shop.provider.set_behavior(Behavior::Immediate);
    let now = shop.refund(&admin, id).await.ok();
    assert_eq!(now.data("/refundPayment/payment/status"), "REFUNDED");
    assert_eq!((shop.provider.refunds(), shop.refund_state(id).await), (1, json!("DONE")));
    assert_eq!(shop.published_types().await, [COMPLETED, REFUNDED]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_rejected_payment_that_the_provider_keeps_goes_back_when_it_is_republished(db: PgPool) {
    let shop = Shop::open(db).await;
    let id = shop.bought(ALICE, RUST, "key").await;
    shop.provider.set_behavior(Behavior::RejectsRefunds);

    shop.handle(&rejected(id)).await;
    shop.work(2, async || shop.refund_state(id).await == "REFUSED").await;
    shop.provider.set_behavior(Behavior::Immediate);
    shop.handle(&rejected(id)).await;
    shop.work(2, async || shop.status(id).await == "refunded").await;

    assert_eq!((shop.provider.rejections(), shop.provider.refunds()), (1, 1));
    assert_eq!(shop.published().await[1].1["reason"], "not_enrolled");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_rejection_of_what_is_not_completed_changes_nothing(db: PgPool) {
    let shop = Shop::open(db).await;
    let mut ids = vec![NOBODY];
    for status in ["pending", "failed", "refunded"] {
        ids.push(shop.import(ALICE, RUST, status).await);
    }

    for id in ids {
        shop.handle(&rejected(id)).await;
    }
    shop.work(1, async || shop.count("inbox_events where processed_at is not null").await == 4).await;

    assert_eq!(shop.count("refund_requests").await, 0);
    assert_eq!(shop.provider.refund_requests(), 0);
}

/// Both request the same refund concurrently.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_rejection_and_an_admin_give_back_once(db: PgPool) {
    let shop = Shop::open(db).await;
    let admin = shop.app.admin();

    for student in (1..=20).map(Uuid::from_u128) {
        let payment = shop.bought(student, RUST, "key").await;
        shop.handle(&rejected(payment)).await;
        let work = shop.work(2, async || shop.status(payment).await == "refunded");
        let ((), reply) = tokio::join!(work, shop.refund(&admin, payment));

        let is_the_admins = !reply.ok().data("/refundPayment/payment").is_null();
        let told = shop.published().await;
        let reason = &told.last().expect("an event").1["reason"];
        assert_eq!(reason, if is_the_admins { "requested" } else { "not_enrolled" });
    }

    assert_eq!((shop.provider.refunds(), shop.provider.refund_requests()), (20, 20));
    assert_eq!(shop.published_types().await, [COMPLETED, REFUNDED].repeat(20));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn what_was_refunded_is_what_the_student_sees(db: PgPool) {
    let shop = Shop::open(db).await;
    let reply = shop.buy(ALICE, RUST, "key").await.ok();
    let id = payment_id(&reply, "purchaseCourse");
    shop.given_back(id).await;

    let seen = shop
        .app
        .student(ALICE)
        .send("query ($id: ID!) { payment(id: $id) { status } }", json!({ "id": id }))
        .await
        .ok();

    assert_eq!(seen.data("/payment/status"), "REFUNDED");
}
