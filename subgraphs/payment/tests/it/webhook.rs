//! Webhooks of the payment provider: signed or forged, once or often, in order or not.

use db::DbPool;
use futures::future::join_all;
use serde_json::json;
use sqlx::PgPool;
use subgraph_testing::reqwest::{Client, StatusCode};
use uuid::Uuid;

use crate::{
    fake_provider_process::WEBHOOK_SECRET,
    fixtures::*,
    online_shop::{OTHER_SECRET, OnlineShop, event, now, signature, wait_until},
    shop::{COMPLETED, REFUNDED},
};

/// A payment whose charge the provider has not decided yet.
async fn pending(shop: &OnlineShop, student: Uuid, key: &str) -> Uuid {
    shop.provider.switch(json!({ "charge": "pending" })).await;
    let payment = shop.bought(student, RUST, key).await;
    assert_eq!(shop.status(payment).await, "pending");
    payment
}

async fn handled(shop: &OnlineShop) -> i64 {
    shop.count("provider_events").await
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_pending_charge_is_completed_by_its_webhook(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = pending(&shop, ALICE, "key").await;

    shop.provider.decide(payment, json!({ "status": "completed" })).await;
    shop.wait_for(payment, "completed").await;

    assert_eq!(shop.published_types().await, [COMPLETED]);
    assert_eq!(shop.count("purchase_requests where next_attempt_at is not null").await, 0);
    assert_eq!(shop.provider.requests().await, (1, 0, 0));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_pending_charge_is_declined_by_its_webhook_and_a_new_key_tries_again(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = pending(&shop, ALICE, "key").await;

    shop.provider.decide(payment, json!({ "status": "declined" })).await;
    shop.wait_for(payment, "failed").await;

    assert_eq!(shop.published_types().await, [""; 0]);
    shop.provider.switch(json!({})).await;
    let again = shop.bought(ALICE, RUST, "again").await;
    assert_eq!(shop.status(again).await, "completed");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_webhook_may_be_faster_than_the_answer(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    for switches in [json!({ "delay_ms": 800 }), json!({ "delay_ms": 800, "lose_answers": true })] {
        shop.provider.switch(switches).await;
        let student = Uuid::now_v7();

        let payment = shop.bought(student, RUST, "key").await;

        assert_eq!(shop.status(payment).await, "completed");
    }
    assert_eq!(shop.published_types().await, [COMPLETED; 2]);
    assert_eq!((shop.provider.webhooks().await, handled(&shop).await), (vec![204; 2], 2));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn an_event_that_is_sent_often_is_handled_once(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = pending(&shop, ALICE, "key").await;
    let event = event("evt_1", "charge.completed", payment, "49.99");

    let statuses = join_all((0..20).map(|_| shop.tell(&event))).await;

    assert_eq!(statuses, [204; 20]);
    assert_eq!(shop.published_types().await, [COMPLETED]);
    assert_eq!(handled(&shop).await, 1);

    shop.provider.switch(json!({ "copies": 5, "charge": "pending" })).await;
    let other = shop.bought(BOB, RUST, "key").await;
    shop.provider.decide(other, json!({ "status": "completed" })).await;
    shop.wait_for(other, "completed").await;
    wait_until(async || shop.provider.webhooks().await.len() == 5).await;
    assert_eq!((shop.provider.webhooks().await, handled(&shop).await), (vec![204; 5], 2));
    assert_eq!(shop.published_types().await, [COMPLETED; 2]);
}

/// A provider that numbers its events anew, say: the second one must not be lost without a word.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn an_event_with_the_id_of_another_one_is_no_repetition(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let (one, other) = (pending(&shop, ALICE, "key").await, pending(&shop, BOB, "key").await);
    let first = event("evt_1", "charge.completed", one, "49.99");
    assert_eq!(shop.tell(&first).await, 204);

    for second in [
        event("evt_1", "charge.completed", other, "49.99"),
        event("evt_1", "charge.declined", other, "49.99"),
        event("evt_1", "refund.completed", one, "49.99"),
    ] {
        assert_eq!(shop.tell(&second).await, 422, "{second}");
    }

    assert_eq!(shop.tell(&first).await, 204);
    assert_eq!((shop.status(one).await.as_str(), shop.status(other).await.as_str()), ("completed", "pending"));
    assert_eq!((shop.published_types().await, handled(&shop).await), (vec![COMPLETED.to_owned()], 1));
}

/// Two events about one thing, as of a provider that has forgotten that it told.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn two_events_about_the_same_charge_change_it_once(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = pending(&shop, ALICE, "key").await;
    let events: Vec<_> =
        (0..10).map(|number| event(&format!("evt_{number}"), "charge.completed", payment, "49.99")).collect();

    let statuses = join_all(events.iter().map(|event| shop.tell(event))).await;

    assert_eq!((statuses, handled(&shop).await), (vec![204; 10], 10));
    assert_eq!(shop.published_types().await, [COMPLETED]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_refund_that_is_told_before_its_charge_is_told_on_in_order(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = pending(&shop, ALICE, "key").await;
    shop.provider.switch(json!({ "hold_webhooks": true })).await;
    shop.provider.decide(payment, json!({ "status": "completed" })).await;
    shop.provider.decide(payment, json!({ "refund": "completed" })).await;

    shop.provider.release(true).await;

    assert_eq!(shop.provider.webhooks().await, [204, 204]);
    assert_eq!(shop.status(payment).await, "refunded");
    assert_eq!(shop.published_types().await, [COMPLETED, REFUNDED]);
    assert_eq!(shop.count("purchase_requests where next_attempt_at is not null or is_active").await, 0);
    // The student may buy again.
    shop.provider.switch(json!({})).await;
    let again = shop.bought(ALICE, RUST, "again").await;
    assert_eq!(shop.status(again).await, "completed");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_refund_that_the_provider_makes_itself_ends_the_payment(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = shop.bought(ALICE, RUST, "key").await;

    shop.provider.decide(payment, json!({ "refund": "completed" })).await;
    shop.wait_for(payment, "refunded").await;

    assert_eq!(shop.published_types().await, [COMPLETED, REFUNDED]);
    assert_eq!(shop.refund_state(payment).await, "DONE");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn what_comes_late_changes_nothing(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let refunded = shop.bought(ALICE, RUST, "key").await;
    shop.given_back(refunded).await;
    let failed = pending(&shop, BOB, "key").await;
    assert_eq!(shop.tell(&event("evt_declined", "charge.declined", failed, "49.99")).await, 204);
    let completed = pending(&shop, NOBODY, "key").await;
    assert_eq!(shop.tell(&event("evt_completed", "charge.completed", completed, "49.99")).await, 204);
    let told = shop.published_types().await;

    // Late, or a contradiction: stored, and not sent again.
    for (payment, kind) in [
        (refunded, "charge.completed"),
        (refunded, "charge.declined"),
        (refunded, "refund.rejected"),
        (refunded, "refund.completed"),
        (failed, "charge.completed"),
        (failed, "refund.completed"),
        (failed, "refund.rejected"),
        (failed, "charge.declined"),
        (completed, "charge.declined"),
        (completed, "refund.rejected"),
        (completed, "charge.completed"),
    ] {
        assert_eq!(shop.tell(&event(&format!("late_{kind}_{payment}"), kind, payment, "49.99")).await, 204, "{kind}");
    }

    assert_eq!(shop.status(refunded).await, "refunded");
    assert_eq!(shop.status(failed).await, "failed");
    assert_eq!(shop.status(completed).await, "completed");
    assert_eq!(shop.refund_state(completed).await, "NONE");
    assert_eq!(shop.published_types().await, told);
    assert_eq!(shop.count("provider_events where id like 'late_%'").await, 11);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn an_event_for_an_unknown_payment_is_sent_again(db: PgPool) {
    let shop = OnlineShop::open(db).await;

    for kind in ["charge.completed", "charge.declined", "refund.completed", "refund.rejected"] {
        assert_eq!(shop.tell(&event("evt_1", kind, NOBODY, "49.99")).await, 404, "{kind}");
    }

    assert_eq!((shop.count("payments").await, handled(&shop).await, shop.published().await.len()), (0, 0, 0));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn an_event_with_another_amount_or_currency_has_no_effect(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = pending(&shop, ALICE, "key").await;
    let bought = event("evt_1", "charge.completed", payment, "49.99");

    for amount in ["49.98", "0.01", "4999", "0", "-49.99"] {
        for kind in ["charge.completed", "charge.declined", "refund.completed"] {
            assert_eq!(shop.tell(&event("evt_1", kind, payment, amount)).await, 422, "{kind} {amount}");
        }
    }
    for currency in ["USD", "eur", ""] {
        let mut event = bought.clone();
        event["data"]["currency"] = json!(currency);
        assert_eq!(shop.tell(&event).await, 422, "{currency}");
    }
    assert_eq!((shop.status(payment).await, handled(&shop).await), ("pending".to_owned(), 0));

    // The correct one is still accepted, under the same id.
    assert_eq!(shop.tell(&bought).await, 204);
    assert_eq!(shop.status(payment).await, "completed");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_forged_webhook_has_no_effect(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = pending(&shop, ALICE, "key").await;
    let body = event("evt_1", "charge.completed", payment, "49.99").to_string();
    let valid = signature(WEBHOOK_SECRET, now(), &body);
    let (_, digest) = valid.split_once(",v1=").expect("a signature");

    let forged = [
        String::new(),
        "t=,v1=".to_owned(),
        format!("v1={digest}"),
        format!("t={}", now()),
        format!("t={},v1={digest}", now() + 60),
        format!("t={},v1={}", now(), "0".repeat(64)),
        signature(OTHER_SECRET, now(), &body),
        signature("", now(), &body),
        // Of a provider's own past or future.
        signature(WEBHOOK_SECRET, now() - 310, &body),
        signature(WEBHOOK_SECRET, now() + 310, &body),
        signature(WEBHOOK_SECRET, 0, &body),
        // Of another body.
        signature(WEBHOOK_SECRET, now(), &body.replace("completed", "declined")),
        signature(WEBHOOK_SECRET, now(), &format!("{body} ")),
    ];
    for signature in &forged {
        assert_eq!(shop.post(signature, body.clone()).await, 401, "{signature}");
    }
    let without = Client::new().post(&shop.webhooks).body(body.clone()).send().await.expect("an answer");
    assert_eq!((without.status(), without.text().await.expect("a body")), (StatusCode::UNAUTHORIZED, String::new()));
    let two = Client::new().post(&shop.webhooks).header("x-webhook-signature", &valid);
    let two = two.header("x-webhook-signature", &valid).body(body.clone()).send().await.expect("an answer");
    assert_eq!(two.status(), StatusCode::UNAUTHORIZED);

    assert_eq!((shop.status(payment).await, handled(&shop).await), ("pending".to_owned(), 0));
    assert_eq!(shop.post(&valid, body).await, 204);
    assert_eq!(shop.status(payment).await, "completed");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_signed_body_that_is_no_event_is_rejected(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = pending(&shop, ALICE, "key").await;
    let good = event("evt_1", "charge.completed", payment, "49.99").to_string();

    let deep = "[".repeat(10_000);
    let large = format!("{good}{}", " ".repeat(65_600));
    for body in ["", "{}", "[]", "null", "{", "\u{0}", &deep, &large, &good.replace("evt_1", r"evt_\u0000")] {
        assert_eq!(shop.post(&signature(WEBHOOK_SECRET, now(), body), body.to_owned()).await, 400, "{body:.40}");
    }
    assert_eq!(shop.tell(&json!({ "id": "evt_2", "type": "customer.created", "data": 1 })).await, 204);
    let got = Client::new().get(&shop.webhooks).send().await.expect("an answer");
    assert_eq!(got.status(), StatusCode::METHOD_NOT_ALLOWED);

    assert_eq!((shop.status(payment).await, handled(&shop).await), ("pending".to_owned(), 0));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn during_a_rotation_two_secrets_are_accepted(db: PgPool) {
    let shop = OnlineShop::open_with(db, None, |settings| {
        settings.payment_webhook_secret = Some(OTHER_SECRET.into());
        settings.payment_webhook_secret_previous = Some(WEBHOOK_SECRET.into());
    });
    let shop = shop.await;
    for (secret, student) in [(WEBHOOK_SECRET, ALICE), (OTHER_SECRET, BOB)] {
        let payment = pending(&shop, student, "key").await;
        let body = event(&format!("evt_{student}"), "charge.completed", payment, "49.99").to_string();

        assert_eq!(shop.post(&signature(secret, now(), &body), body).await, 204);

        assert_eq!(shop.status(payment).await, "completed");
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn without_a_provider_there_is_no_webhook(db: PgPool) {
    use auth::signature::RouterAuth;
    use service::{ClientTimeouts, ServiceContext, Shutdown, serve};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/webhooks/payment-provider", listener.local_addr().expect("an address"));
    let context = ServiceContext::new(subgraph_testing::verifier());
    let subgraph = payment::subgraph(db, &context).await.expect("the subgraph opens");
    let routes = serve::routes(subgraph, RouterAuth::InsecureDev);
    tokio::spawn(serve::serve(listener, routes, ClientTimeouts::default(), Shutdown::default()));

    let response = Client::new().post(url).body("{}").send().await.expect("an answer");

    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_webhook_while_the_database_is_unavailable_is_sent_again(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = pending(&shop, ALICE, "key").await;
    let mut lock = DbPool::from(&shop.db).begin().await.expect("a transaction");
    sqlx::query("select from payments where id = $1 for update")
        .bind(payment)
        .execute(&mut *lock)
        .await
        .expect("a lock");

    let event = event("evt_1", "charge.completed", payment, "49.99");
    assert_eq!(shop.tell(&event).await, 503, "the row is locked for too long");
    drop(lock);

    assert_eq!(shop.tell(&event).await, 204);
    assert_eq!(shop.status(payment).await, "completed");
    assert_eq!((shop.published_types().await, handled(&shop).await), (vec![COMPLETED.to_owned()], 1));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_pending_refund_is_completed_by_its_webhook(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = shop.bought(ALICE, RUST, "key").await;
    shop.provider.switch(json!({ "refund": "pending" })).await;

    shop.given_back(payment).await;
    assert_eq!(shop.status(payment).await, "completed");
    assert_eq!(shop.refund_state(payment).await, "UNDERWAY");

    shop.provider.decide(payment, json!({ "refund": "completed" })).await;
    shop.wait_for(payment, "refunded").await;
    assert_eq!(shop.published_types().await, [COMPLETED, REFUNDED]);
    assert_eq!(shop.count("refund_requests where next_attempt_at is not null").await, 0);
}

/// A rejection is not believed by itself: it makes the reconciler ask.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_late_rejection_does_not_end_a_refund_that_was_asked_for_again(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = shop.bought(ALICE, RUST, "key").await;
    shop.provider.switch(json!({ "refund": "pending" })).await;
    shop.given_back(payment).await;

    // Of an earlier request; the present one is decided later.
    assert_eq!(shop.tell(&event("evt_late", "refund.rejected", payment, "49.99")).await, 204);
    let asked = async || shop.provider.requests().await.1 >= 2;
    shop.work(1, asked).await;
    assert_eq!(shop.refund_state(payment).await, "UNDERWAY");

    shop.provider.decide(payment, json!({ "refund": "completed" })).await;
    shop.wait_for(payment, "refunded").await;
    assert_eq!(shop.published_types().await, [COMPLETED, REFUNDED]);
}
