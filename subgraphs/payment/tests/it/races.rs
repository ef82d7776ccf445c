//! Concurrent purchases and refunds.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    fixtures::*,
    shop::{COMPLETED, REFUNDED, Shop, payment_id},
};

const ROUNDS: u128 = 100;

#[sqlx::test(migrations = "../../migrations/payment")]
async fn ten_equal_purchases_at_once_are_one_payment_and_all_get_it(db: PgPool) {
    let shop = Shop::open(db).await;

    for student in (1..=ROUNDS).map(Uuid::from_u128) {
        let replies = join_all((0..10).map(|_| shop.buy(student, RUST, "key"))).await;

        let got: BTreeSet<_> = replies.into_iter().map(|reply| payment_id(&reply.ok(), "purchaseCourse")).collect();
        assert_eq!(got.len(), 1);
    }

    assert_eq!(shop.count("payments where status = 'completed'").await, 100);
    assert_eq!(shop.count("payments").await, 100);
    assert_eq!((shop.provider.charges(), shop.provider.charge_requests()), (100, 100));
    assert_eq!(shop.published().await.len(), 100);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn of_ten_wishes_for_one_course_at_once_one_is_fulfilled(db: PgPool) {
    let shop = Shop::open(db).await;

    for student in (1..=ROUNDS).map(Uuid::from_u128) {
        let keys: Vec<_> = (0..10).map(|key| format!("key {key}")).collect();
        let replies = join_all(keys.iter().map(|key| shop.buy(student, RUST, key))).await;

        let (sold, refused): (Vec<_>, Vec<_>) =
            replies.iter().partition(|reply| !reply.data("/purchaseCourse/payment").is_null());
        assert_eq!(sold.len(), 1);
        for reply in refused {
            assert_eq!(reply.user_errors(), [("ALREADY_PURCHASED", "courseId".to_owned())]);
        }
    }

    assert_eq!(shop.count("payments").await, 100);
    assert_eq!((shop.provider.charges(), shop.provider.charge_requests()), (100, 100));
    assert_eq!(shop.published().await.len(), 100);
}

/// Two courses with one key, concurrently: the key identifies one purchase.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn of_ten_purchases_by_one_key_at_once_those_of_one_course_succeed(db: PgPool) {
    let shop = Shop::open(db).await;

    for student in (1..=30).map(Uuid::from_u128) {
        let courses = [RUST, SQL].into_iter().cycle().take(10);
        let replies = join_all(courses.map(|course| shop.buy(student, course, "key"))).await;

        let sold = replies.iter().filter(|reply| !reply.data("/purchaseCourse/payment").is_null());
        let sold: Vec<_> = sold.map(|reply| payment_id(reply, "purchaseCourse")).collect();
        assert_eq!(sold.iter().collect::<BTreeSet<_>>().len(), 1);
        assert_eq!(sold.len(), 5);
        let reused = replies.iter().flat_map(|reply| reply.user_errors());
        assert!(reused.into_iter().all(|(code, _)| code == "IDEMPOTENCY_KEY_REUSED"));
    }

    assert_eq!(shop.count("payments").await, 30);
}

#[sqlx::test(migrations = "../../migrations/payment")]
async fn of_ten_refunds_at_once_one_is_made(db: PgPool) {
    let shop = Shop::open(db).await;
    let admin = shop.app.admin();

    for student in (1..=ROUNDS).map(Uuid::from_u128) {
        let payment = shop.bought(student, RUST, "key").await;
        let replies = join_all((0..10).map(|_| shop.refund(&admin, payment))).await;

        let codes: Vec<_> = replies.iter().flat_map(|reply| reply.user_errors()).collect();
        assert_eq!(codes, vec![("NOT_REFUNDABLE", "paymentId".to_owned()); 9]);
        assert_eq!(shop.status(payment).await, "refunded");
    }

    assert_eq!((shop.provider.refunds(), shop.provider.refund_requests()), (100, 100));
    assert_eq!(shop.published_types().await, [COMPLETED, REFUNDED].repeat(100));
}

/// A republished completion must not be published after the refund.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn the_last_word_on_a_refunded_payment_is_its_refund(db: PgPool) {
    let shop = Shop::open(db).await;

    for student in (1..=ROUNDS).map(Uuid::from_u128) {
        let payment = shop.bought(student, RUST, "key").await;
        let again = join_all((0..4).map(|_| shop.republish_ok(payment)));
        tokio::join!(again, shop.given_back(payment));

        let told = shop.published().await;
        let of_payment = |(_, data): &&(String, Value)| data["payment_id"] == payment.to_string();
        let kinds: Vec<_> = told.iter().filter(of_payment).map(|(kind, _)| kind.as_str()).collect();
        assert!(kinds.is_sorted(), "{kinds:?}");
        assert_eq!(kinds.last(), Some(&REFUNDED));
    }
}

/// A purchase concurrent with the refund of the previous one.
#[sqlx::test(migrations = "../../migrations/payment")]
async fn a_purchase_against_a_refund_leaves_one_payment_that_stands_at_most(db: PgPool) {
    let shop = Shop::open(db).await;

    for student in (1..=ROUNDS).map(Uuid::from_u128) {
        let first = shop.bought(student, RUST, "first").await;
        let ((), second) = tokio::join!(shop.given_back(first), shop.buy(student, RUST, "second"));

        let is_sold = !second.ok().data("/purchaseCourse/payment").is_null();
        let completed = format!("payments where student_id = '{student}' and status = 'completed'");
        let standing = format!("purchase_requests where student_id = '{student}' and is_active");
        assert_eq!((shop.count(&completed).await, shop.count(&standing).await), (is_sold.into(), is_sold.into()));
    }
}
