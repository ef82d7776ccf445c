//! Purchases and refunds with a provider over HTTP, which declines, hesitates, loses answers and crashes.

use std::{env, process::Stdio, time::Instant};

use axum::{Router, http::StatusCode, http::header::LOCATION, response::IntoResponse};
use contracts::{CourseId, PaymentId, UserId, events::Purchase, money::Money};
use payment::provider::PaymentProvider as _;
use serde_json::json;
use sqlx::{ConnectOptions as _, PgPool};
use subgraph_kit::timeouts;
use tokio::{net::TcpListener, process::Command};
use uuid::Uuid;

use crate::{
    fake_provider_process::FakeProviderProcess,
    fixtures::*,
    online_shop::{OnlineShop, settings, wait_until},
    shop::{COMPLETED, REFUNDED, Shop, payment_id},
};

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_course_is_charged_once_for_its_price(db: PgPool) {
    let shop = OnlineShop::open(db).await;

    let payment = shop.bought(ALICE, RUST, "key").await;
    let same = shop.bought(ALICE, RUST, "key").await;

    assert_eq!((shop.status(payment).await.as_str(), same), ("completed", payment));
    let charges = &shop.provider.state().await["charges"];
    let expected =
        json!([{ "id": payment, "amount": "49.99", "currency": "EUR", "status": "completed", "refund": null }]);
    assert_eq!(*charges, expected);
    assert_eq!(shop.provider.requests().await, (1, 0, 0));
    assert_eq!(shop.published_types().await, [COMPLETED]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_declined_charge_fails_the_payment(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    shop.provider.switch(json!({ "charge": "declined" })).await;

    let reply = shop.buy(ALICE, RUST, "key").await.ok();

    assert_eq!(reply.data("/purchaseCourse/payment/status"), "FAILED");
    assert_eq!(shop.published().await, []);
    shop.provider.switch(json!({})).await;
    let again = shop.bought(ALICE, RUST, "again").await;
    assert_eq!(shop.status(again).await, "completed");
}

/// No webhook arrives either: the provider is asked what became of the charge.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_lost_answer_is_asked_for_and_nobody_is_charged_twice(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    shop.provider.switch(json!({ "lose_answers": true, "drop_webhooks": true })).await;
    let payment = shop.bought(ALICE, RUST, "key").await;
    assert_eq!((shop.status(payment).await.as_str(), shop.provider.completed().await), ("pending", 1));

    shop.provider.switch(json!({ "drop_webhooks": true })).await;
    shop.settle_all(3).await;

    assert_eq!(shop.status(payment).await, "completed");
    assert_eq!((shop.provider.completed().await, shop.provider.requests().await), (1, (1, 0, 1)));
    assert_eq!(shop.published_types().await, [COMPLETED]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_pending_charge_is_asked_for_until_it_is_decided(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    shop.provider.switch(json!({ "charge": "pending", "drop_webhooks": true })).await;
    let (completed, declined) = (shop.bought(ALICE, RUST, "key").await, shop.bought(BOB, RUST, "key").await);

    shop.let_time_pass().await;
    shop.work(1, async || shop.provider.requests().await.2 >= 2).await;
    assert_eq!((shop.status(completed).await, shop.published().await.len()), ("pending".to_owned(), 0));
    assert_eq!(shop.count("purchase_requests where next_attempt_at > now()").await, 2);

    shop.provider.decide(completed, json!({ "status": "completed" })).await;
    shop.provider.decide(declined, json!({ "status": "declined" })).await;
    shop.settle_all(2).await;

    assert_eq!((shop.status(completed).await, shop.status(declined).await), ("completed".into(), "failed".into()));
    assert_eq!(shop.published_types().await, [COMPLETED]);
    assert_eq!(shop.provider.requests().await.0, 2, "nobody was charged again");
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_charge_that_the_provider_did_not_take_is_made_later(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    shop.provider.switch(json!({ "unavailable": true })).await;
    let payment = shop.bought(ALICE, RUST, "key").await;
    assert_eq!((shop.status(payment).await.as_str(), shop.provider.completed().await), ("pending", 0));

    shop.provider.switch(json!({ "drop_webhooks": true })).await;
    shop.settle_all(2).await;

    assert_eq!((shop.status(payment).await.as_str(), shop.provider.completed().await), ("completed", 1));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_provider_that_does_not_answer_delays_nobody(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    shop.provider.switch(json!({ "delay_ms": 60_000, "drop_webhooks": true })).await;

    let begun = Instant::now();
    let payment = shop.bought(ALICE, RUST, "key").await;
    assert!(begun.elapsed() < timeouts::SUBGRAPH_REQUEST, "{:?}", begun.elapsed());
    assert_eq!(shop.status(payment).await, "pending");

    shop.provider.switch(json!({ "drop_webhooks": true })).await;
    shop.settle_all(1).await;
    assert_eq!((shop.status(payment).await.as_str(), shop.provider.completed().await), ("completed", 1));
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_charge_of_another_amount_or_currency_is_not_believed(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    shop.provider.switch(json!({ "amount": "0.01" })).await;

    let payment = shop.bought(ALICE, RUST, "key").await;
    shop.let_time_pass().await;
    shop.work(1, async || shop.provider.requests().await.2 >= 1).await;
    assert_eq!((shop.status(payment).await.as_str(), shop.published().await.len()), ("pending", 0));
    assert!(shop.provider.webhooks().await.iter().all(|status| *status == 422));

    let mut dollars = settings(&shop.provider.url);
    dollars.payment_currency = Some("USD".to_owned());
    let other = Shop::open_with(shop.db.clone(), Some(dollars)).await;
    shop.provider.switch(json!({ "drop_webhooks": true })).await;
    other.let_time_pass().await;
    let queries = shop.provider.requests().await.2;
    other.work(1, async || shop.provider.requests().await.2 > queries).await;
    assert_eq!(shop.status(payment).await, "pending");

    shop.settle_all(1).await;
    assert_eq!(shop.status(payment).await, "completed");
}

/// Whatever answers in the provider's place, a payment is neither completed nor failed by it.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn an_answer_that_is_none_leaves_the_payment_pending(db: PgPool) {
    type Answer = fn() -> axum::response::Response;
    let answers: [(&str, Answer); 8] = [
        ("no JSON", || "completed".into_response()),
        ("nothing", || "".into_response()),
        ("another shape", || r#"{"status":"completed"}"#.into_response()),
        ("another charge", || {
            format!(r#"{{"id":"{NOBODY}","amount":"49.99","currency":"EUR","status":"completed"}}"#).into_response()
        }),
        ("too long", || format!("{}{{}}", " ".repeat(100_000)).into_response()),
        ("a page that is not there", || (StatusCode::NOT_FOUND, r#"{"error":"no such page"}"#).into_response()),
        ("a wrong secret", || StatusCode::UNAUTHORIZED.into_response()),
        // To another one, who would get the secret.
        ("a redirect", || (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "http://127.0.0.1:9/")]).into_response()),
    ];
    for (name, answer) in answers {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/api", listener.local_addr().expect("an address"));
        let routes = Router::new().fallback(move || async move { answer() });
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
        let shop = Shop::open_with(db.clone(), Some(settings(&url))).await;
        let student = Uuid::now_v7();

        let reply = shop.buy(student, RUST, "key").await.ok();

        assert_eq!(reply.data("/purchaseCourse/payment/status"), "PENDING", "{name}");
        shop.let_time_pass().await;
        let is_asked = async || shop.count("purchase_requests where attempts = 0").await == 0;
        shop.work(1, is_asked).await;
        assert_eq!(shop.status(payment_id(&reply, "purchaseCourse")).await, "pending", "{name}");
        serving.abort();
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_wrong_secret_charges_nobody(db: PgPool) {
    let shop =
        OnlineShop::open_with(db, None, |settings| settings.payment_provider_secret = Some("wrong".into())).await;

    let payment = shop.bought(ALICE, RUST, "key").await;

    assert_eq!((shop.status(payment).await.as_str(), shop.provider.requests().await), ("pending", (0, 0, 0)));
}

/// The provider has charged and stored it when it crashes, and answers nobody.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_provider_that_crashes_after_a_charge_does_not_charge_again(db: PgPool) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("charges.json");
    let mut shop = OnlineShop::open_with(db, Some(&file), |_| ()).await;
    shop.provider.switch(json!({ "crash": true })).await;

    let payment = shop.bought(ALICE, RUST, "key").await;
    shop.provider.ended().await;
    assert_eq!(shop.status(payment).await, "pending");

    let address = shop.provider.address().to_owned();
    shop.provider = FakeProviderProcess::start(&address, &shop.webhooks, Some(&file)).await;
    shop.settle_all(2).await;

    assert_eq!(shop.status(payment).await, "completed");
    assert_eq!((shop.provider.completed().await, shop.provider.requests().await), (1, (0, 0, 1)));
    assert_eq!(shop.published_types().await, [COMPLETED]);
}

const DATABASE: &str = "LYCEUM_TEST_BUYER_DATABASE";
const PROVIDER: &str = "LYCEUM_TEST_BUYER_PROVIDER";

/// Not a test by itself: the process that the next one kills.
#[tokio::test]
async fn a_process_that_buys() {
    let (Ok(database), Ok(provider)) = (env::var(DATABASE), env::var(PROVIDER)) else { return };
    let db = PgPool::connect(&database).await.expect("a database");
    let shop = Shop::open_with(db, Some(settings(&provider))).await;
    shop.buy(ALICE, RUST, "key").await;
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_process_that_is_killed_between_charge_and_answer_has_charged_once(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    shop.provider.switch(json!({ "delay_ms": 1_500, "drop_webhooks": true })).await;
    let mut buyer = Command::new(env::current_exe().expect("this program"));
    buyer.args(["--exact", "http_provider::a_process_that_buys"]).stdout(Stdio::null()).kill_on_drop(true);
    buyer.env(DATABASE, shop.db.connect_options().to_url_lossy().as_str()).env(PROVIDER, &shop.provider.url);
    let mut buyer = buyer.spawn().expect("it starts");

    wait_until(async || shop.provider.completed().await == 1).await;
    // SIGKILL, before the answer.
    buyer.kill().await.expect("it is killed");
    assert_eq!(shop.count("payments where status = 'pending'").await, 1);

    shop.provider.switch(json!({ "drop_webhooks": true })).await;
    shop.settle_all(2).await;

    let payment = shop.bought(ALICE, RUST, "key").await;
    assert_eq!(shop.status(payment).await, "completed");
    assert_eq!((shop.count("payments").await, shop.provider.completed().await), (1, 1));
    assert_eq!(shop.provider.requests().await, (1, 0, 1));
    assert_eq!(shop.published_types().await, [COMPLETED]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_refund_is_made_once_whatever_is_lost(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = shop.bought(ALICE, RUST, "key").await;
    shop.provider.switch(json!({ "lose_answers": true, "drop_webhooks": true })).await;

    shop.given_back(payment).await;
    assert_eq!(shop.status(payment).await, "completed");
    shop.provider.switch(json!({ "drop_webhooks": true })).await;
    shop.settle_all(2).await;

    assert_eq!(shop.status(payment).await, "refunded");
    assert_eq!(shop.provider.state().await["charges"][0]["refund"], "completed");
    assert_eq!(shop.published_types().await, [COMPLETED, REFUNDED]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_rejected_refund_can_be_asked_for_again(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let payment = shop.bought(ALICE, RUST, "key").await;
    shop.provider.switch(json!({ "refund": "rejected" })).await;

    let reply = shop.refund(&shop.app.admin(), payment).await.ok();
    assert_eq!(reply.user_errors(), [("NOT_REFUNDABLE", "paymentId".to_owned())]);
    assert_eq!(shop.refund_state(payment).await, "REFUSED");

    shop.provider.switch(json!({})).await;
    shop.given_back(payment).await;
    assert_eq!(shop.status(payment).await, "refunded");
    assert_eq!(shop.published_types().await, [COMPLETED, REFUNDED]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_pending_refund_is_asked_for_until_it_is_decided(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let (done, refused) = (shop.bought(ALICE, RUST, "key").await, shop.bought(BOB, RUST, "key").await);
    shop.provider.switch(json!({ "refund": "pending", "drop_webhooks": true })).await;
    for payment in [done, refused] {
        shop.given_back(payment).await;
        assert_eq!(shop.refund_state(payment).await, "UNDERWAY");
    }

    shop.provider.decide(done, json!({ "refund": "completed" })).await;
    shop.provider.switch(json!({ "refund": "rejected", "drop_webhooks": true })).await;
    shop.provider.decide(refused, json!({ "refund": "rejected" })).await;
    shop.settle_all(2).await;

    assert_eq!(shop.refund_state(done).await, "DONE");
    assert_eq!(shop.refund_state(refused).await, "REFUSED");
    assert_eq!(shop.published_types().await, [COMPLETED, COMPLETED, REFUNDED]);
}

/// An imported payment, for which the provider has no charge.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn what_the_provider_never_charged_it_does_not_refund(db: PgPool) {
    let shop = OnlineShop::open(db).await;
    let imported = shop.import(ALICE, RUST, "completed").await;

    let reply = shop.refund(&shop.app.admin(), imported).await.ok();

    assert_eq!(reply.user_errors(), [("NOT_REFUNDABLE", "paymentId".to_owned())]);
    assert_eq!(
        (shop.status(imported).await, shop.refund_state(imported).await),
        ("completed".into(), json!("REFUSED"))
    );
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn invalid_settings_end_the_start_and_show_no_secret(db: PgPool) {
    use service::ServiceContext;

    let mut wrong = settings("http://payments.example");
    wrong.payment_webhook_secret = Some("hush".into());
    let mut context = ServiceContext::new(subgraph_testing::verifier());
    context.own.insert(wrong);

    let error = payment::subgraph(db, &context).await.err().expect("they are invalid");

    assert!(!db::availability::is_unavailable(&error), "a retry would not help");
    assert!(!format!("{error:?} {error}").contains("hush"), "{error:?}");
}

const PROVIDER_OF_CHILD: &str = "LYCEUM_TEST_PROVIDER";

/// Whoever reads the traffic of a proxy would read the secret, which is not encrypted on this machine.
#[tokio::test]
async fn the_secret_does_not_go_through_a_proxy_unencrypted() {
    let provider = FakeProviderProcess::start("127.0.0.1:0", "http://127.0.0.1:9", None).await;
    let mut child = Command::new(env::current_exe().expect("this program"));
    child.args(["--exact", "http_provider::a_process_whose_environment_names_a_proxy", "--ignored"]);
    // Nobody listens there: what is sent through it does not arrive.
    child.env("http_proxy", "http://127.0.0.1:9").env("HTTP_PROXY", "http://127.0.0.1:9");
    child.env_remove("no_proxy").env_remove("NO_PROXY").env(PROVIDER_OF_CHILD, &provider.url);

    let output = child.output().await.expect("it runs");

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(provider.requests().await, (0, 0, 1));
}

#[tokio::test]
#[ignore = "the test above runs it"]
async fn a_process_whose_environment_names_a_proxy() {
    let settings = settings(&env::var(PROVIDER_OF_CHILD).expect("the test above sets it"));
    let (provider, _) = settings.open().expect("valid settings").expect("a provider");
    let purchase = Purchase {
        payment_id: PaymentId(Uuid::now_v7()),
        student_id: UserId(ALICE),
        course_id: CourseId(RUST),
        course_title: "Rust".to_owned(),
        amount: Money::from_cents(4999),
    };

    assert_eq!(provider.find(&purchase).await, Ok(None));
}
