//! Purchases when the payment provider declines, is slow or unavailable, and the reconciliation of interrupted ones.

use std::time::{Duration, Instant};

use db::DbPool;
use futures::future::join_all;
use messaging::EventSettings;
use sqlx::{PgPool, query};
use subgraph_kit::timeouts;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    fake_provider::Behavior,
    fixtures::*,
    shop::{COMPLETED, Shop, payment_id},
};

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_declined_payment_has_failed_and_a_new_key_tries_again(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.provider.set_behavior(Behavior::DeclinesCharges);

    let declined = shop.buy(ALICE, RUST, "first").await.ok();
    shop.provider.set_behavior(Behavior::Immediate);
    let same = shop.buy(ALICE, RUST, "first").await.ok();
    let told = shop.published().await;
    let another = shop.buy(ALICE, RUST, "second").await.ok();

    assert_eq!(declined.data("/purchaseCourse/payment/status"), "FAILED");
    assert_eq!(same.data(""), declined.data(""));
    assert_eq!(told, []);
    assert_eq!(another.data("/purchaseCourse/payment/status"), "COMPLETED");
    assert_eq!(shop.provider.charges(), 1);
    assert_eq!(shop.count("purchase_requests where next_attempt_at is not null").await, 0);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn the_same_wish_meanwhile_gets_the_payment_as_it_stands(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.provider.set_behavior(Behavior::Slow(Duration::from_millis(500)));

    let meanwhile = async {
        while shop.count("payments").await == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        (shop.buy(ALICE, RUST, "key").await.ok(), shop.buy(ALICE, RUST, "another").await.ok())
    };
    let (first, (same, another)) = tokio::join!(shop.buy(ALICE, RUST, "key"), meanwhile);

    assert_eq!(first.data("/purchaseCourse/payment/status"), "COMPLETED");
    assert_eq!(same.data("/purchaseCourse/payment/status"), "PENDING");
    assert_eq!(payment_id(&same, "purchaseCourse"), payment_id(&first, "purchaseCourse"));
    assert_eq!(another.user_errors(), [("ALREADY_PURCHASED", "courseId".to_owned())]);
    assert_eq!(shop.provider.charge_requests(), 1);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn an_answer_that_takes_too_long_is_found_out_later(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.provider.set_behavior(Behavior::Slow(Duration::from_mins(1)));

    let begun = Instant::now();
    let reply = shop.buy(ALICE, RUST, "key").await.ok();
    assert!(begun.elapsed() < Duration::from_secs(5), "the router would not wait");
    assert_eq!(reply.data("/purchaseCourse/payment/status"), "PENDING");

    shop.provider.set_behavior(Behavior::Immediate);
    shop.settle_all(1).await;

    let again = shop.buy(ALICE, RUST, "key").await.ok();
    assert_eq!(again.data("/purchaseCourse/payment/status"), "COMPLETED");
    assert_eq!((shop.provider.charges(), shop.provider.charge_requests()), (1, 1));
    assert_eq!(shop.published_types().await, [COMPLETED]);
}

/// Both take as long as their timeouts allow, and the router still gets a response in time.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_slow_catalogue_and_a_slow_provider_together_are_in_time(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.catalogue.be_slow(timeouts::PEER_REQUEST.mul_f64(0.9));
    shop.provider.set_behavior(Behavior::Slow(Duration::from_mins(1)));

    let reply =
        timeout(timeouts::ROUTER_REQUEST, shop.buy(ALICE, RUST, "key")).await.expect("the router would not wait").ok();
    assert_eq!(reply.data("/purchaseCourse/payment/status"), "PENDING");

    shop.catalogue.be_slow(Duration::from_mins(1));
    let reply = timeout(timeouts::ROUTER_REQUEST, shop.buy(BOB, RUST, "key")).await.expect("the router would not wait");
    assert_eq!(reply.error(), Some("SERVICE_UNAVAILABLE"));
    assert_eq!(shop.count("payments").await, 1);
}

/// The purchase completes, and its event has the course's title.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_course_that_goes_while_it_is_paid_for_is_sold(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.provider.set_behavior(Behavior::Slow(Duration::from_millis(300)));

    let meanwhile = async {
        while shop.count("payments").await == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        shop.catalogue.delete(RUST);
    };
    let (reply, ()) = tokio::join!(shop.buy(ALICE, RUST, "key"), meanwhile);

    assert_eq!(reply.ok().data("/purchaseCourse/payment/status"), "COMPLETED");
    assert_eq!(shop.published().await[0].1["course_title"], "Rust");
    assert_eq!(shop.buy(BOB, RUST, "key").await.ok().user_errors(), [("NOT_FOUND", "courseId".to_owned())]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_charge_whose_answer_was_lost_is_settled_once(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.provider.set_behavior(Behavior::LosesResponse);

    let reply = shop.buy(ALICE, RUST, "key").await.ok();
    assert_eq!(reply.data("/purchaseCourse/payment/status"), "PENDING");
    assert_eq!((shop.provider.charges(), shop.published().await.len()), (1, 0));

    shop.provider.set_behavior(Behavior::Immediate);
    shop.settle_all(3).await;

    assert_eq!(shop.status(payment_id(&reply, "purchaseCourse")).await, "completed");
    assert_eq!((shop.provider.charges(), shop.provider.charge_requests()), (1, 1));
    assert_eq!(shop.published_types().await, [COMPLETED]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_charge_that_never_arrived_is_made_when_the_provider_is_back(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.provider.set_behavior(Behavior::Unavailable);
    let reply = shop.buy(ALICE, RUST, "key").await.ok();
    let id = payment_id(&reply, "purchaseCourse");
    assert_eq!(reply.data("/purchaseCourse/payment/status"), "PENDING");

    shop.let_time_pass().await;
    shop.work(2, async || shop.count("purchase_requests where attempts > 0").await == 1).await;
    assert_eq!((shop.status(id).await.as_str(), shop.provider.charge_requests()), ("pending", 0));

    shop.provider.set_behavior(Behavior::Immediate);
    shop.settle_all(2).await;

    assert_eq!(shop.status(id).await, "completed");
    assert_eq!((shop.provider.charges(), shop.provider.charge_requests()), (1, 1));
    assert_eq!(shop.published_types().await, [COMPLETED]);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_pending_payment_that_is_declined_later_fails(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.provider.set_behavior(Behavior::Unavailable);
    let id = shop.bought(ALICE, RUST, "key").await;

    shop.provider.set_behavior(Behavior::DeclinesCharges);
    shop.settle_all(1).await;

    assert_eq!(shop.status(id).await, "failed");
    assert_eq!(shop.published().await, []);
    shop.provider.set_behavior(Behavior::Immediate);
    shop.bought(ALICE, RUST, "again").await;
}

/// The reconciler leaves a new purchase alone for some seconds.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_young_purchase_is_left_to_whoever_began_it(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.provider.set_behavior(Behavior::Unavailable);
    let id = shop.bought(ALICE, RUST, "key").await;
    shop.provider.set_behavior(Behavior::Immediate);

    let begun = Instant::now();
    shop.work(1, async || begun.elapsed() > Duration::from_millis(1_500)).await;
    assert_eq!(shop.status(id).await, "pending");

    shop.work(1, async || shop.status(id).await == "completed").await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn several_processes_settle_each_purchase_once(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.provider.set_behavior(Behavior::Unavailable);
    let students = (1..=60).map(Uuid::from_u128);
    join_all(students.map(|student| shop.bought(student, RUST, "key"))).await;
    assert_eq!(shop.count("payments where status = 'pending'").await, 60);

    shop.provider.set_behavior(Behavior::Slow(Duration::from_millis(5)));
    shop.settle_all(4).await;

    assert_eq!(shop.count("payments where status = 'completed'").await, 60);
    assert_eq!((shop.provider.charges(), shop.provider.charge_requests()), (60, 60));
    assert_eq!(shop.published().await.len(), 60);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn what_the_legacy_system_left_pending_stays_so(db: PgPool) {
    let shop = Shop::open(db).await;
    let imported = shop.import(ALICE, RUST, "pending").await;
    shop.provider.set_behavior(Behavior::Unavailable);
    shop.bought(BOB, RUST, "key").await;

    shop.provider.set_behavior(Behavior::Immediate);
    shop.settle_all(1).await;

    assert_eq!(shop.status(imported).await, "pending");
    assert_eq!(shop.provider.charges(), 1);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_purchase_whose_caller_has_gone_is_settled(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.provider.set_behavior(Behavior::Slow(Duration::from_secs(2)));

    let caller = timeout(Duration::from_millis(300), shop.buy(ALICE, RUST, "key")).await;
    assert!(caller.is_err(), "the caller has gone");
    shop.provider.set_behavior(Behavior::Immediate);
    shop.settle_all(1).await;

    assert_eq!(shop.count("payments where status = 'completed'").await, 1);
    assert_eq!((shop.provider.charges(), shop.published().await.len()), (1, 1));
}

/// Twenty purchases wait for the provider, with a pool of five connections.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn no_connection_is_held_while_the_provider_is_asked(db: PgPool) {
    let five = sqlx::postgres::PgPoolOptions::new().max_connections(5).acquire_timeout(Duration::from_secs(1));
    let shop = Shop::open(five.connect_lazy_with(db.connect_options().as_ref().clone())).await;
    shop.provider.set_behavior(Behavior::Blocks);

    let purchases = join_all((1..=20).map(|student| shop.buy(Uuid::from_u128(student), RUST, "key")));
    let meanwhile = async {
        let all_are_asked_for = async {
            while shop.provider.charge_requests() < 20 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(timeouts::ROUTER_REQUEST, all_are_asked_for).await.expect("all twenty are under way");
        let mut tx = DbPool::from(&shop.db).begin().await.expect("a connection");
        query("lock table payments in share row exclusive mode nowait")
            .execute(&mut *tx)
            .await
            .expect("no lock is held either");
        drop(tx);
        assert_eq!(shop.count("payments where status = 'pending'").await, 20);
        shop.provider.set_behavior(Behavior::Immediate);
    };
    let (replies, ()) = tokio::join!(purchases, meanwhile);

    for reply in replies {
        assert_eq!(reply.ok().data("/purchaseCourse/payment/status"), "COMPLETED");
    }
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn what_is_being_settled_is_finished_before_a_stop(db: PgPool) {
    let shop = Shop::open(db).await;
    shop.provider.set_behavior(Behavior::Unavailable);
    for student in 1..=5 {
        shop.bought(Uuid::from_u128(student), RUST, "key").await;
    }
    shop.provider.set_behavior(Behavior::Slow(Duration::from_millis(400)));
    shop.let_time_pass().await;

    let stop = CancellationToken::new();
    let work = shop.subgraph.run_background(shop.context.event_bus.clone(), EventSettings::default(), stop.clone());
    let (stopped, asked) = (async { timeout(Duration::from_secs(3), work).await.is_ok() }, async {
        while shop.provider.charge_requests() == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
    });
    let (stopped, ()) = tokio::join!(stopped, asked);

    assert!(stopped);
    assert_eq!(shop.count("payments where status = 'completed'").await, 1);
    assert_eq!(shop.provider.charge_requests(), 1);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn what_is_pending_is_counted_with_the_age_of_the_oldest(db: PgPool) {
    let shop = Shop::open(db.clone()).await;
    let measure = async || payment::pending::measure(&db.clone().into()).await.expect("the database answers");
    let refunded = shop.bought(NOBODY, RUST, "key").await;
    assert_eq!(
        measure().await.map(|kind| (kind.kind, kind.pending, kind.oldest.as_secs())),
        [("purchase", 0, 0), ("refund", 0, 0)]
    );

    shop.provider.set_behavior(Behavior::Unavailable);
    for student in [ALICE, BOB] {
        shop.bought(student, RUST, "key").await;
    }
    shop.given_back(refunded).await;
    sqlx::query("update payments set created_at = now() - interval '2 hours' where student_id = $1")
        .bind(ALICE)
        .execute(&db)
        .await
        .expect("time passes");

    let [purchases, refunds] = measure().await;
    assert_eq!((purchases.pending, refunds.pending), (2, 1));
    assert_eq!((purchases.oldest.as_secs() / 60, refunds.oldest.as_secs() / 60), (120, 0));

    shop.provider.set_behavior(Behavior::Immediate);
    shop.settle_all(1).await;
    assert_eq!(measure().await.map(|kind| kind.pending), [0, 0]);
}
