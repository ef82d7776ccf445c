//! Purchases and refunds, and what the enrollment subgraph knows of them.

use serde_json::{Value, json};
use sqlx::PgPool;
use subgraph_testing::Client;
use uuid::Uuid;

use crate::{
    fixtures::*,
    shop::{COMPLETED, Shop, payment_id},
};

fn user_error(code: &'static str, field: &str) -> Vec<(&'static str, String)> {
    vec![(code, field.to_owned())]
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_student_who_is_enrolled_already_is_not_charged(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.enrollments.enroll(ALICE, RUST, "IN_PROGRESS", None);
    // With a payment that this service has never known, as in an imported database.
    shop.enrollments.enroll(BOB, RUST, "ENROLLED", Some(NOBODY));

    for student in [ALICE, BOB] {
        let reply = shop.buy(student, RUST, "key").await.ok();

        assert_eq!(reply.user_errors(), user_error("ALREADY_ENROLLED", "courseId"));
        assert_eq!(reply.data("/purchaseCourse/payment"), &Value::Null);
    }

    assert_eq!(shop.count("payments").await + shop.count("purchase_requests").await, 0);
    assert_eq!(shop.provider.charge_requests(), 0);
}

/// Imported enrollments: nobody will ever hear that these payments are refunded.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn who_is_enrolled_by_another_payment_than_their_own_for_the_course_is_not_charged(db: PgPool) {
    let shop = Shop::open(db).await;
    let failed = shop.import(ALICE, RUST, "failed").await;
    let anothers = shop.import(NOBODY, RUST, "completed").await;
    let for_another_course = shop.import(Uuid::from_u128(0xca401), SQL, "completed").await;

    for (student, payment) in [(ALICE, failed), (BOB, anothers), (Uuid::from_u128(0xca401), for_another_course)] {
        shop.enrollments.enroll(student, RUST, "ENROLLED", Some(payment));

        let reply = shop.buy(student, RUST, "key").await.ok();

        assert_eq!(reply.user_errors(), user_error("ALREADY_ENROLLED", "courseId"));
    }
    assert_eq!((shop.count("purchase_requests").await, shop.provider.charge_requests()), (0, 0));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn who_is_enrolled_by_a_purchase_gets_the_same_answers_as_before(db: PgPool) {
    let shop = Shop::open(db).await;
    let id = shop.bought(ALICE, RUST, "key").await;
    shop.enrollments.enroll(ALICE, RUST, "ENROLLED", Some(id));

    assert_eq!(shop.bought(ALICE, RUST, "key").await, id);
    let other = shop.buy(ALICE, RUST, "other").await.ok();

    assert_eq!(other.user_errors(), user_error("ALREADY_PURCHASED", "courseId"));
}

/// The refund's event has not reached the enrollment subgraph yet.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn who_was_refunded_a_moment_ago_buys_again(db: PgPool) {
    let shop = Shop::open(db).await;
    let first = shop.bought(ALICE, RUST, "first").await;
    shop.enrollments.enroll(ALICE, RUST, "ENROLLED", Some(first));
    shop.given_back(first).await;

    let second = shop.bought(ALICE, RUST, "second").await;

    assert_ne!(first, second);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn courses_are_sold_while_nobody_knows_who_is_enrolled(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.enrollments.enroll(ALICE, RUST, "ENROLLED", None);
    shop.enrollments.set_unavailable(true);

    shop.bought(ALICE, RUST, "key").await;

    assert_eq!(shop.published_types().await, [COMPLETED], "the enrollment subgraph has it refunded");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn teachers_buy_the_courses_of_others_and_not_their_own(db: PgPool) {
    let shop = Shop::open(db).await;
    let input = json!({ "courseId": RUST, "idempotencyKey": "key" });

    let own = shop.order(&shop.app.teacher(TERESA), input.clone()).await.ok();
    let others = shop.order(&shop.app.teacher(BOB), input.clone()).await.ok();
    let unverified = shop.order(&shop.app.unverified_teacher(ALICE), input).await.ok();

    assert_eq!(own.user_errors(), user_error("OWN_COURSE", "courseId"));
    assert_ne!(payment_id(&others, "purchaseCourse"), payment_id(&unverified, "purchaseCourse"));
    assert_eq!(shop.count("payments").await, 2);
    assert_eq!(shop.provider.charges(), 2);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_refund_takes_a_completion_away_only_when_that_is_confirmed(db: PgPool) {
    let shop = Shop::open(db).await;
    let admin = shop.app.admin();
    let id = shop.bought(ALICE, RUST, "key").await;
    shop.enrollments.enroll(ALICE, RUST, "COMPLETED", Some(id));

    for input in [json!({ "paymentId": id }), json!({ "paymentId": id, "confirmCompletionLoss": false })] {
        let reply = shop.refund_with(&admin, input).await.ok();
        assert_eq!(reply.user_errors(), user_error("COMPLETION_WOULD_BE_LOST", "confirmCompletionLoss"));
        assert_eq!((shop.status(id).await.as_str(), shop.count("refund_requests").await), ("completed", 0));
    }
    let confirmed = shop.refund_with(&admin, json!({ "paymentId": id, "confirmCompletionLoss": true })).await.ok();

    assert_eq!(confirmed.data("/refundPayment/payment/status"), "REFUNDED");
    let again = shop.refund(&admin, id).await.ok();
    assert_eq!(again.user_errors(), user_error("NOT_REFUNDABLE", "paymentId"), "nothing is lost any more");
}

/// Asked before the request, nobody would know of it.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_completion_right_before_the_request_is_not_lost(db: PgPool) {
    let shop = Shop::open(db).await;
    let admin = shop.app.admin();
    let id = shop.bought(ALICE, RUST, "key").await;
    shop.enrollments.enroll(ALICE, RUST, "IN_PROGRESS", Some(id));
    shop.enrollments.complete_when_requested();

    let reply = shop.refund(&admin, id).await.ok();

    assert_eq!(reply.user_errors(), user_error("COMPLETION_WOULD_BE_LOST", "confirmCompletionLoss"));
    assert_eq!((shop.status(id).await.as_str(), shop.count("refund_requests").await), ("completed", 0));
    assert_eq!((shop.provider.refund_requests(), shop.refund_state(id).await), (0, json!("NONE")));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_refund_that_was_never_confirmed_is_withdrawn(db: PgPool) {
    let shop = Shop::open(db).await;
    let (new, refused) = (shop.bought(ALICE, RUST, "key").await, shop.bought(BOB, RUST, "key").await);
    for (id, refused_at) in [(new, "null"), (refused, "now()")] {
        let insert = format!(
            "insert into refund_requests (payment_id, reason, next_attempt_at, refused_at, is_confirmed)
             values ($1, 'requested', now() + interval '1 hour', {refused_at}, false)"
        );
        sqlx::query(sqlx::AssertSqlSafe(insert))
            .bind(id)
            .execute(&shop.db)
            .await
            .expect("its process ended in between");
    }

    shop.settle_all(2).await;

    assert_eq!((shop.status(new).await.as_str(), shop.refund_state(new).await), ("completed", json!("NONE")));
    assert_eq!(
        (shop.status(refused).await.as_str(), shop.refund_state(refused).await),
        ("completed", json!("REFUSED"))
    );
    assert_eq!(shop.provider.refund_requests(), 0);
    for id in [new, refused] {
        shop.given_back(id).await;
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_refund_that_takes_no_completion_away_needs_no_confirmation(db: PgPool) {
    let shop = Shop::open(db).await;
    for (student, status, has_bought) in [
        (ALICE, "ENROLLED", true),
        (BOB, "IN_PROGRESS", true),
        // Completed, but not with this payment.
        (Uuid::from_u128(7), "COMPLETED", false),
    ] {
        let id = shop.bought(student, RUST, "key").await;
        shop.enrollments.enroll(student, RUST, status, has_bought.then_some(id));

        shop.given_back(id).await;
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn while_nobody_knows_what_is_lost_a_refund_needs_the_confirmation(db: PgPool) {
    let shop = Shop::open(db).await;
    let admin = shop.app.admin();
    let id = shop.bought(ALICE, RUST, "key").await;
    shop.enrollments.set_unavailable(true);

    let unknown = shop.refund(&admin, id).await;
    let confirmed = shop.refund_with(&admin, json!({ "paymentId": id, "confirmCompletionLoss": true })).await.ok();

    assert_eq!(unknown.error(), Some("SERVICE_UNAVAILABLE"));
    assert_eq!(confirmed.data("/refundPayment/payment/status"), "REFUNDED");
}

async fn reason(client: &Client, id: Uuid) -> Value {
    let document = "query ($id: ID!) { payment(id: $id) { refundReason } }";
    let reply = client.send(document, json!({ "id": id })).await.ok();
    reply.data("/payment").pointer("/refundReason").cloned().unwrap_or_default()
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn the_student_and_admins_read_why_a_payment_was_refunded(db: PgPool) {
    let shop = Shop::open(db).await;
    let admin = shop.app.admin();
    let (with, without) = (shop.bought(ALICE, RUST, "rust").await, shop.bought(ALICE, SQL, "sql").await);

    let input = json!({ "paymentId": with, "reason": "The course was withdrawn. 🎓" });
    _ = shop.refund_with(&admin, input).await.ok();
    _ = shop.refund_with(&admin, json!({ "paymentId": without, "reason": " " })).await.ok();

    for client in [&admin, &shop.app.student(ALICE)] {
        assert_eq!(reason(client, with).await, "The course was withdrawn. 🎓");
        assert_eq!(reason(client, without).await, Value::Null);
    }
    for stranger in [shop.app.student(BOB), shop.app.teacher(TERESA), shop.app.anonymous()] {
        assert_eq!(reason(&stranger, with).await, Value::Null);
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_reason_that_cannot_be_stored_refunds_nothing(db: PgPool) {
    let shop = Shop::open(db).await;
    let id = shop.bought(ALICE, RUST, "key").await;

    for bad in ["a\0b", "a\u{1b}[31mb", "a\u{202e}b", "\u{200b}", &"é".repeat(501)] {
        let reply = shop.refund_with(&shop.app.admin(), json!({ "paymentId": id, "reason": bad })).await.ok();
        assert_eq!(reply.user_errors(), user_error("INVALID_INPUT", "reason"));
    }
    assert_eq!((shop.status(id).await.as_str(), shop.count("refund_requests").await), ("completed", 0));

    let dirty = shop.bought(BOB, RUST, "key").await;
    let input = json!({ "paymentId": dirty, "reason": "\tCafe\u{301}\r\nis closed. \n" });
    _ = shop.refund_with(&shop.app.admin(), input).await.ok();
    assert_eq!(reason(&shop.app.admin(), dirty).await, "Café\nis closed.");
    let longest = "é".repeat(500);
    _ = shop.refund_with(&shop.app.admin(), json!({ "paymentId": id, "reason": longest })).await.ok();
    assert_eq!(reason(&shop.app.admin(), id).await, longest);
}
