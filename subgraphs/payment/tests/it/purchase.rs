//! A student buys a course.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    catalogue::CourseState,
    fixtures::*,
    shop::{COMPLETED, Shop, payment_id},
};

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_student_buys_a_course_and_the_others_are_told(db: PgPool) {
    let shop = Shop::open(db).await;

    let reply = shop.buy(ALICE, RUST, "first").await.ok();

    let id = payment_id(&reply, "purchaseCourse");
    assert_eq!(
        reply.data("/purchaseCourse"),
        &json!({
            "payment": {
                "id": id, "amount": "49.99", "status": "COMPLETED", "student": { "id": ALICE }, "course": { "id": RUST },
            },
            "userErrors": [],
        })
    );
    let data = json!({
        "payment_id": id, "student_id": ALICE, "course_id": RUST, "course_title": "Rust", "amount": "49.99",
    });
    assert_eq!(shop.published().await, [(COMPLETED.to_owned(), data)]);
    assert_eq!(shop.count("outbox_events where destination = 'notification'").await, 1);
    assert_eq!(shop.provider.charges(), 1);
    assert_eq!(shop.count("purchase_requests where is_active and next_attempt_at is null").await, 1);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn neither_admins_nor_anonymous_viewers_buy(db: PgPool) {
    let shop = Shop::open(db).await;
    let input = json!({ "courseId": RUST, "idempotencyKey": "key" });
    let others = [(shop.app.anonymous(), "UNAUTHENTICATED"), (shop.app.admin(), "FORBIDDEN")];

    for (client, code) in others {
        assert_eq!(shop.order(&client, input.clone()).await.error(), Some(code));
    }

    assert_eq!(shop.count("payments").await, 0);
    assert_eq!(shop.catalogue.asked(), 0);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn bad_input_is_refused_at_its_field_and_nothing_is_written(db: PgPool) {
    let shop = Shop::open(db).await;
    let alice = shop.app.student(ALICE);
    let cases = [
        (json!({ "idempotencyKey": "" }), "INVALID_INPUT", "idempotencyKey"),
        (json!({ "idempotencyKey": "é".repeat(256) }), "INVALID_INPUT", "idempotencyKey"),
        (json!({ "idempotencyKey": "a\0b" }), "INVALID_INPUT", "idempotencyKey"),
        (json!({ "expectedAmount": "49.999" }), "INVALID_INPUT", "expectedAmount"),
        // Rounded, it would equal the price.
        (json!({ "expectedAmount": format!("49.98{}", "9".repeat(40)) }), "INVALID_INPUT", "expectedAmount"),
        (json!({ "expectedAmount": "49,99" }), "INVALID_INPUT", "expectedAmount"),
        (json!({ "expectedAmount": "49.99 " }), "INVALID_INPUT", "expectedAmount"),
        (json!({ "expectedAmount": "cheap" }), "INVALID_INPUT", "expectedAmount"),
        (json!({ "expectedAmount": "9".repeat(40) }), "INVALID_INPUT", "expectedAmount"),
        (json!({ "expectedAmount": "-49.99" }), "INVALID_INPUT", "expectedAmount"),
        (json!({ "expectedAmount": "0" }), "INVALID_INPUT", "expectedAmount"),
        (json!({ "expectedAmount": "10000000000" }), "INVALID_INPUT", "expectedAmount"),
        (json!({ "expectedAmount": "49.98" }), "PRICE_CHANGED", "expectedAmount"),
        (json!({ "courseId": NOBODY }), "NOT_FOUND", "courseId"),
        (json!({ "courseId": LATIN }), "COURSE_IS_FREE", "courseId"),
    ];

    for (change, code, field) in cases {
        let mut input = json!({ "courseId": RUST, "idempotencyKey": "key" });
        input.as_object_mut().expect("an object").extend(change.as_object().cloned().expect("an object"));
        let reply = shop.order(&alice, input.clone()).await.ok();

        assert_eq!(reply.user_errors(), [(code, field.to_owned())], "{input}");
        assert_eq!(reply.data("/purchaseCourse/payment"), &Value::Null);
    }
    for wrong in [
        json!({ "courseId": "rust", "idempotencyKey": "key" }),
        json!({ "courseId": RUST }),
        json!({ "courseId": RUST, "idempotencyKey": null }),
        json!({ "courseId": RUST, "idempotencyKey": "key", "expectedAmount": true }),
        json!({ "courseId": RUST, "idempotencyKey": "key", "expectedAmount": ["49.99"] }),
    ] {
        let reply = shop.order(&alice, wrong.clone()).await;

        assert!(matches!(reply.error(), Some("BAD_USER_INPUT" | "GRAPHQL_VALIDATION_FAILED")), "{wrong}: {reply:?}");
    }

    assert_eq!(
        shop.count("payments").await + shop.count("purchase_requests").await + shop.count("outbox_events").await,
        0
    );
    assert_eq!(shop.provider.charge_requests(), 0);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_withdrawn_course_is_not_sold_and_a_draft_does_not_exist(db: PgPool) {
    let shop = Shop::open(db).await;
    let bought = shop.bought(ALICE, RUST, "before").await;

    for (state, code) in [(CourseState::Withdrawn, "COURSE_WITHDRAWN"), (CourseState::Draft, "NOT_FOUND")] {
        for course in [RUST, LATIN] {
            shop.catalogue.set_state(course, state);
            let reply = shop.buy(BOB, course, "key").await.ok();

            assert_eq!(reply.user_errors(), [(code, "courseId".to_owned())]);
            assert_eq!(reply.data("/purchaseCourse/payment"), &Value::Null);
        }
    }
    // Repeating a request is no new purchase.
    let again = shop.buy(ALICE, RUST, "before").await.ok();
    assert_eq!(again.data("/purchaseCourse/payment/id"), &json!(bought));
    assert_eq!(shop.count("payments").await, 1);
    assert_eq!(shop.provider.charge_requests(), 1);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn all_that_is_wrong_is_said_at_once(db: PgPool) {
    let shop = Shop::open(db).await;

    let input = json!({ "courseId": RUST, "idempotencyKey": "", "expectedAmount": "1.001" });
    let reply = shop.order(&shop.app.student(ALICE), input).await.ok();

    let invalid = |field: &str| ("INVALID_INPUT", field.to_owned());
    assert_eq!(reply.user_errors(), [invalid("idempotencyKey"), invalid("expectedAmount")]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_key_of_255_characters_and_an_exact_price_are_good(db: PgPool) {
    let shop = Shop::open(db).await;

    for (course, key, expected) in [(RUST, "é".repeat(255), "49.990"), (SQL, " ".to_owned(), "20")] {
        let input = json!({ "courseId": course, "idempotencyKey": key, "expectedAmount": expected });
        let reply = shop.order(&shop.app.student(ALICE), input).await.ok();

        assert_eq!(reply.data("/purchaseCourse/payment/status"), "COMPLETED");
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn the_price_is_the_one_of_the_moment(db: PgPool) {
    let shop = Shop::open(db).await;
    let alice = shop.app.student(ALICE);
    let at = |expected: &str| json!({ "courseId": RUST, "idempotencyKey": expected, "expectedAmount": expected });

    shop.catalogue.quote(RUST, "Rust", Some("59.99"));
    let old = shop.order(&alice, at("49.99")).await.ok();
    let new = shop.order(&alice, at("59.99")).await.ok();

    assert_eq!(old.user_errors(), [("PRICE_CHANGED", "expectedAmount".to_owned())]);
    assert_eq!(new.data("/purchaseCourse/payment/amount"), "59.99");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_refused_wish_does_not_use_its_key_up(db: PgPool) {
    let shop = Shop::open(db).await;

    let gone = shop.buy(ALICE, NOBODY, "key").await.ok();
    shop.bought(ALICE, RUST, "key").await;

    assert_eq!(gone.user_errors(), [("NOT_FOUND", "courseId".to_owned())]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn the_same_wish_again_gets_the_first_payment_whatever_has_happened_since(db: PgPool) {
    let shop = Shop::open(db).await;
    let alice = shop.app.student(ALICE);
    let input = json!({ "courseId": RUST, "idempotencyKey": "key", "expectedAmount": "49.9" });
    let equal = json!({ "courseId": RUST, "idempotencyKey": "key", "expectedAmount": "49.90" });
    shop.catalogue.quote(RUST, "Rust", Some("49.90"));
    let first = shop.order(&alice, input.clone()).await.ok();
    let asked = shop.catalogue.asked();

    let again = shop.order(&alice, equal.clone()).await.ok();
    shop.catalogue.quote(RUST, "Rust", Some("59.99"));
    let dearer = shop.order(&alice, input.clone()).await.ok();
    shop.catalogue.delete(RUST);
    let deleted = shop.order(&alice, input.clone()).await.ok();
    shop.catalogue.set_unavailable(true);
    let away = shop.order(&alice, input.clone()).await.ok();
    shop.given_back(payment_id(&first, "purchaseCourse")).await;
    let refunded = shop.order(&alice, input).await.ok();

    for reply in [again, dearer, deleted, away] {
        assert_eq!(reply.data(""), first.data(""));
    }
    assert_eq!(payment_id(&refunded, "purchaseCourse"), payment_id(&first, "purchaseCourse"));
    assert_eq!(refunded.data("/purchaseCourse/payment/status"), "REFUNDED");
    assert_eq!(shop.catalogue.asked(), asked);
    assert_eq!(shop.provider.charge_requests(), 1);
    assert_eq!(shop.count("payments").await, 1);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_key_is_one_intent(db: PgPool) {
    let shop = Shop::open(db).await;
    let alice = shop.app.student(ALICE);
    shop.bought(ALICE, RUST, "key").await;

    for input in [
        json!({ "courseId": SQL, "idempotencyKey": "key" }),
        json!({ "courseId": RUST, "idempotencyKey": "key", "expectedAmount": "49.99" }),
    ] {
        let reply = shop.order(&alice, input).await.ok();

        assert_eq!(reply.user_errors(), [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey".to_owned())]);
    }

    assert_eq!(shop.count("payments").await, 1);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn the_same_key_of_somebody_else_is_another_one(db: PgPool) {
    let shop = Shop::open(db).await;

    let [alices, bobs] = [shop.bought(ALICE, RUST, "key").await, shop.bought(BOB, RUST, "key").await];

    assert_ne!(alices, bobs);
    assert_eq!(shop.provider.charges(), 2);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_course_is_bought_once(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.bought(ALICE, RUST, "first").await;

    let reply = shop.buy(ALICE, RUST, "second").await.ok();
    shop.bought(ALICE, SQL, "third").await;
    shop.bought(BOB, RUST, "fourth").await;

    assert_eq!(reply.user_errors(), [("ALREADY_PURCHASED", "courseId".to_owned())]);
    assert_eq!(shop.provider.charges(), 3);
    assert_eq!(shop.count("payments").await, 3);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn payments_of_the_legacy_system_count(db: PgPool) {
    let shop = Shop::open(db).await;
    let student = Uuid::from_u128;

    for (number, status) in ["pending", "completed"].into_iter().enumerate() {
        let student = student(number as u128 + 1);
        shop.import(student, RUST, "failed").await;
        shop.import(student, RUST, status).await;
        let reply = shop.buy(student, RUST, "key").await.ok();

        assert_eq!(reply.user_errors(), [("ALREADY_PURCHASED", "courseId".to_owned())], "{status}");
    }
    for (number, status) in ["failed", "refunded"].into_iter().enumerate() {
        let student = student(number as u128 + 10);
        shop.import(student, RUST, status).await;
        shop.import(student, SQL, "completed").await;

        shop.bought(student, RUST, "key").await;
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_course_that_went_back_can_be_bought_again(db: PgPool) {
    let shop = Shop::open(db).await;
    let first = shop.bought(ALICE, RUST, "first").await;
    shop.given_back(first).await;

    let second = shop.bought(ALICE, RUST, "second").await;

    assert_ne!(first, second);
    assert_eq!((shop.provider.charges(), shop.provider.refunds()), (2, 1));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn nothing_is_sold_while_nobody_knows_the_price(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.catalogue.set_unavailable(true);

    let reply = shop.buy(ALICE, RUST, "key").await;
    assert_eq!(reply.error(), Some("SERVICE_UNAVAILABLE"));
    assert_eq!(shop.count("payments").await + shop.count("purchase_requests").await, 0);

    shop.catalogue.set_unavailable(false);
    shop.bought(ALICE, RUST, "key").await;
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn nothing_is_sold_where_the_course_subgraph_cannot_be_found(db: PgPool) {
    let app = app(db.clone()).await;
    let document = "mutation ($id: ID!) { purchaseCourse(input: { courseId: $id, idempotencyKey: \"key\" }) {
        payment { id } } }";

    let reply = app.student(ALICE).send(document, json!({ "id": RUST })).await;

    assert_eq!(reply.error(), Some("SERVICE_UNAVAILABLE"));
}
